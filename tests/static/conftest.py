# SPDX-License-Identifier: GPL-2.0
"""The builds that several tests look at: each is made once."""

import shutil

import pytest
from hwlab import LabError, kernels, module

SPARSE = ("C=2", "CHECK=echo CHECKED >&2; sparse", "CF=-D__CHECK_ENDIAN__ -Wbitwise")


def copied(into):
    """A copy of what the module is built from."""
    for name in ("src", "include"):
        shutil.copytree(module.TOP / name, into / name, ignore=shutil.ignore_patterns(
            "*.o", "*.cmd", ".*", "*.ko", "*.mod*"))
    for name in ("Kbuild", "Makefile"):
        shutil.copy(module.TOP / name, into)
    return into


@pytest.fixture
def tree(tmp_path):
    return copied(tmp_path)


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """built(suite): the driver for that suite's kernel, by its own compiler: (directory, log).

    sparse looks at it, too, where the host has the tools; the chroots lack it, and what
    kernel-doc is written in.
    """
    done = {}

    def build(suite):
        if suite not in done:
            try:
                kern = kernels.build_target(suite)
                if kern.chroot:
                    module.build_chroot(kern)
            except LabError as error:
                pytest.skip(f"the kernel of {suite} cannot be had: {error}")
            tree = copied(tmp_path_factory.mktemp(suite))
            log = tree / "log"
            more = ["cmd_checkdoc="] if kern.chroot else SPARSE
            module.make(kern, tree, log, "W=1", "KCFLAGS=-Werror", *more)
            done[suite] = tree, log.read_text(encoding="utf-8")
        return done[suite]
    return build
