# SPDX-License-Identifier: GPL-2.0
"""What the kernel offers is asked, not guessed: headers with one interface more, or one less.

A changed copy of one header comes first in the include path.  Only the files that use the
interface are compiled: that is enough for the compiler to say whether what src/compat/probes.c
found out and what include/hwl_compat.h makes of it fit the headers.
"""

import dataclasses
import re
import shutil
from pathlib import Path

import pytest
from hwlab import LabError, kernels, module

TOP = Path(__file__).resolve().parents[2]
NETDEV, ETHTOOL = "linux/netdevice.h", "linux/ethtool.h"
NAPI = ["void napi_enable_locked(struct napi_struct *n);",
        "void napi_disable_locked(struct napi_struct *n);",
        "void __netif_napi_del_locked(struct napi_struct *n);",
        "void netif_napi_set_irq_locked(struct napi_struct *n, int irq);",
        "void netdev_lock(struct net_device *dev);", "void netdev_unlock(struct net_device *dev);",
        "void netif_napi_add_config_locked(struct net_device *dev, struct napi_struct *n, "
        "int (*poll)(struct napi_struct *, int), int index);"]
FIELDS = "struct ethtool_rxfh_fields { u32 data; u32 flow_type; };"
FIELDS_OP = "int (*get_rxfh_fields)(struct net_device *, struct ethtool_rxfh_fields *);"


@dataclasses.dataclass
class Change:
    """A header with something else in place of what a regular expression finds."""

    name: str
    header: str
    find: str
    put: str
    files: list             # those that use it
    flips: dict             # what the probes find out, then

    def __str__(self):
        return self.name


def added(text):
    """Before the end of a header's include guard; after all that it declares."""
    return r"\n#endif[^\n]*\s*\Z", f"\n{text}\n#endif\n"


# Into headers of 6.12.
LATER = [
    Change("fields", ETHTOOL, r"\nstruct ethtool_ops \{", f"\n{FIELDS}\nstruct ethtool_ops {{",
           ["ethtool"], {"RXFH_FIELDS": 1, "GET_RXFH_FIELDS": 0}),
    Change("fields-and-operation", ETHTOOL, r"\nstruct ethtool_ops \{",
           f"\n{FIELDS}\nstruct ethtool_ops {{ {FIELDS_OP}", ["ethtool"],
           {"RXFH_FIELDS": 1, "GET_RXFH_FIELDS": 1}),
    Change("ring-count", ETHTOOL, r"\nstruct ethtool_ops \{",
           "\nstruct ethtool_ops { u32 (*get_rx_ring_count)(struct net_device *dev);",
           ["ethtool"], {"GET_RX_RING_COUNT": 1}),
    Change("napi-config", NETDEV, *added(
        "void netif_napi_add_config(struct net_device *dev, struct napi_struct *n, "
        "int (*poll)(struct napi_struct *, int), int index);"), ["napi", "queue"],
        {"NAPI_ADD_CONFIG": 1, "NAPI_LOCKED": 0}),
    Change("napi-locked", NETDEV, *added("\n".join(NAPI)), ["napi"], {"NAPI_LOCKED": 1}),
    Change("napi-half-locked", NETDEV, *added("\n".join(NAPI[:2])), ["napi"], {"NAPI_LOCKED": 0}),
    Change("dim", "linux/dim.h", r"void net_dim\([^)]*\)",
           "void net_dim(struct dim *dim, const struct dim_sample *end_sample)", ["dim"],
           {"NET_DIM_BY_REF": 1}),
    Change("timer", "linux/timer.h", r"#define from_timer\(", "#define timer_container_of(",
           ["napi"], {}),
    Change("page-pool", "net/page_pool/types.h", r"void page_pool_disable_direct_recycling",
           "void page_pool_enable_direct_recycling(struct page_pool *p, struct napi_struct *n);\n"
           "void page_pool_disable_direct_recycling", ["queue"], {"POOL_ENABLE_DIRECT": 1}),
    Change("reporter", "net/devlink.h",
           r"(\ndevlink_health_reporter_create\([^)]*?),\s*u64 \w+,([^)]*\))", r"\1,\2",
           ["devlink"], {"REPORTER_WITHOUT_PERIOD": 1}),
]

# Out of headers of the newest.
GONE = [
    Change("fields", ETHTOOL, r"struct ethtool_rxfh_fields\b", "struct gone_rxfh_fields",
           ["ethtool"], {"RXFH_FIELDS": 0, "GET_RXFH_FIELDS": 0}),
    Change("fields-operation", ETHTOOL, r"\(\*get_rxfh_fields\)", "(*gone_rxfh_fields)",
           ["ethtool"], {"RXFH_FIELDS": 1, "GET_RXFH_FIELDS": 0}),
    Change("ring-count", ETHTOOL, r"\(\*get_rx_ring_count\)", "(*gone_rx_ring_count)",
           ["ethtool"], {"GET_RX_RING_COUNT": 0}),
    Change("napi-config", NETDEV, r"\bnetif_napi_add_config(_locked)?\(", r"gone_add_config\1(",
           ["napi"], {"NAPI_ADD_CONFIG": 0, "NAPI_LOCKED": 0}),
    Change("napi-locked", NETDEV, r"\bnapi_enable_locked\(", "gone_enable_locked(", ["napi"],
           {"NAPI_ADD_CONFIG": 1, "NAPI_LOCKED": 0}),
    Change("dim", "linux/dim.h", r"const struct dim_sample \*end_sample\);",
           "struct dim_sample end_sample);", ["dim"], {"NET_DIM_BY_REF": 0}),
    Change("timer", "linux/timer.h", r"#define timer_container_of\(", "#define from_timer(",
           ["napi"], {}),
    Change("page-pool", "net/page_pool/types.h", r"page_pool_enable_direct_recycling",
           "page_pool_gone_direct_recycling", ["queue"], {"POOL_ENABLE_DIRECT": 0}),
    Change("reporter", "net/devlink.h", r"(\ndevlink_health_reporter_create\([^)]*),",
           r"\1, u64 graceful_period,", ["devlink"], {"REPORTER_WITHOUT_PERIOD": 0}),
]

# Nothing can be done without these: (what is renamed, what the user is told).
ESSENTIAL = [
    (NETDEV, r"\bstat_ops;", "gone_ops;", "struct netdev_stat_ops (Linux 6.9)"),
    ("net/netdev_queues.h", r"#define netif_txq_maybe_stop", "#define gone_maybe_stop",
     "netif_txq_maybe_stop() (Linux 6.4)"),
    ("linux/workqueue.h", r"\bdisable_work_sync\(", "gone_work_sync(",
     "disable_work_sync() (Linux 6.10)"),
    (ETHTOOL, r"struct kernel_ethtool_ts_info\b", "struct gone_ts_info",
     "struct kernel_ethtool_ts_info (Linux 6.11)"),
]


class Headers:
    """Those of one kernel, and a copy of the driver to be built against them."""

    def __init__(self, spec, tree):
        self.kern, self.tree = kernels.build_target(kernels.suite_of(spec)), tree
        top = module.build_chroot(self.kern) if self.kern.chroot else Path("/")
        common = f"linux-headers-{self.kern.version.removesuffix('-amd64')}-common"
        self.include = top / "usr/src" / common / "include"
        for name in ("src", "include"):
            shutil.copytree(TOP / name, tree / name, ignore=shutil.ignore_patterns("*.o", ".*"))
        shutil.copy(TOP / "Kbuild", tree)

    def build(self, name, header, find, put, files):
        """Compile with one header changed; the log.  It fails as make does."""
        old = (self.include / header).read_text(encoding="utf-8")
        new = re.sub(find, put, old)
        assert new != old, f"{header} of {self.kern.version} has nothing like {find}"
        overlay = self.tree / "overlay" / name
        (overlay / header).parent.mkdir(parents=True)
        (overlay / header).write_text(new, encoding="utf-8")
        inside = Path("/build") / overlay.relative_to(self.tree) if self.kern.chroot else overlay
        log = self.tree / f"{name}.log"
        try:
            module.make_external(self.kern, self.tree, log, f"CC=gcc -I{inside}",
                                 "KCFLAGS=-Werror", *(f"src/hwl_{x}.o" for x in files))
        finally:
            self.said = log.read_text(encoding="utf-8")

    def answers(self):
        text = (self.tree / "generated/hwl_probed.h").read_text(encoding="utf-8")
        return {name: int(value) for name, value in
                re.findall(r"^#define HWL_HAVE_(\w+) ([01])$", text, re.M)}


def headers(spec, tree):
    try:
        return Headers(spec, tree)
    except LabError as error:
        pytest.skip(f"no headers of {spec}: {error}")


@pytest.fixture(scope="module")
def old(tmp_path_factory):
    return headers("6.12", tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    return headers("newest", tmp_path_factory.mktemp("new"))


def check(kernel, change):
    kernel.build(change.name, change.header, change.find, change.put, change.files)
    answers = kernel.answers()
    assert {k: answers[k] for k in change.flips} == change.flips


@pytest.mark.parametrize("change", LATER, ids=str)
def test_later_interface(old, change):
    """A stable series takes over something of a later kernel."""
    text = (old.include / change.header).read_text(encoding="utf-8")
    if change.name.startswith("fields") and FIELDS.partition("{")[0] in text:
        pytest.skip(f"{old.kern.version} has that as it is")
    check(old, change)


@pytest.mark.parametrize("change", GONE, ids=str)
def test_gone_interface(new, change):
    """A newer kernel drops or renames something."""
    check(new, change)


@pytest.mark.parametrize("header, find, put, what", ESSENTIAL, ids=[x[3] for x in ESSENTIAL])
def test_essential(old, header, find, put, what):
    """One line says what is missing; nothing else is tried."""
    with pytest.raises(LabError, match="make failed"):
        old.build(f"essential-{Path(header).stem}", header, find, put, ["main"])
    lines = [x for x in old.said.splitlines() if x and not re.match(r"\$ |make(\[\d+\])?: ", x)]
    assert lines == [f"hartwell: Linux {old.kern.version} lacks what the driver needs: {what}"]


def test_asked_once(tmp_path):
    """Not again unless something has changed; and what has changed is noticed."""
    kernel = headers("6.12", tmp_path)
    answer = kernel.tree / "generated/hwl_probed.h"

    def ask(*args):
        module.make_external(kernel.kern, kernel.tree, kernel.tree / "log", *args, "src/hwl_io.o")
        return answer.stat().st_mtime_ns

    first = ask()
    assert ask() == first
    assert ask("KCFLAGS=-DNDEBUG") != first
    second = ask()
    probes = kernel.tree / "src/compat/probes.c"
    with probes.open("a", encoding="utf-8") as file:
        file.write("\nHWL_HAVE(NOTHING, sizeof(struct nothing) > 0)\n"
                   "HWL_HAVE(ALL, sizeof(struct net_device) > 0)\n")
    assert ask() != second
    assert kernel.answers() | {"NOTHING": 0, "ALL": 1} == kernel.answers()
