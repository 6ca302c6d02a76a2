# SPDX-License-Identifier: GPL-2.0
"""The lab: what a kernel's name stands for, and runs side by side in one cache."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hwlab import LabError, UsageError, cli, host, kernels, module, util

TOP = Path(__file__).resolve().parents[2]
VERSIONS = {"bookworm-backports": "6.12.95+deb12-amd64", "trixie": "6.12.118+deb13-amd64",
            "trixie-backports": "7.3.4+deb13-amd64", "sid": "7.2.13+deb14-amd64"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARTWELL_CACHE", str(tmp_path))
    forget = kernels.resolve.cache_clear
    forget()
    yield tmp_path
    forget()


@pytest.mark.parametrize("here, name, suite", [
    ("bookworm", "default", "bookworm-backports"), ("trixie", "default", "trixie"),
    ("sid", "default", "sid"), (None, "default", "trixie"),
    ("bookworm", "6.12", "bookworm-backports"), ("trixie", "6.12", "trixie"),
    ("sid", "6.12", "bookworm-backports"), ("trixie", "lts", "trixie"),
    ("trixie", "6.12.95", "bookworm-backports"), ("bookworm", "6.12.118", "trixie"),
    ("bookworm", "7.3", "trixie-backports"), ("trixie", "7.2", "sid"),
    ("bookworm", "6.12.118+deb13-amd64", "trixie"),
    *((here, suite, suite) for here in ("bookworm", "trixie", "sid") for suite in VERSIONS),
    *((here, *x) for here in ("bookworm", "trixie") for x in
      (("oldest", "bookworm-backports"), ("newest", "trixie-backports"))),
])
def test_names(monkeypatch, here, name, suite):
    """A name means what it says on every host."""
    monkeypatch.setattr(host, "codename", lambda: here)
    monkeypatch.setattr(kernels, "resolve", lambda suite: {"version": VERSIONS[suite]})
    kernels.check_spec(name)
    assert kernels.suite_of(name) == suite


@pytest.mark.parametrize("options", [["--shell"], ["--script", __file__], ["--driver", "e1000e"],
                                     ["--device", "model"]])
def test_xdp_is_shown_alone(options):
    with pytest.raises(UsageError, match="--xdp"):
        cli.parse(["--xdp", *options])


@pytest.mark.parametrize("name", ["6.9", "6.1", "7.20", "6.12.9", "bookworm", "nonsense"])
def test_no_such_kernel(monkeypatch, name):
    monkeypatch.setattr(host, "codename", lambda: "bookworm")
    monkeypatch.setattr(kernels, "resolve", lambda suite: {"version": VERSIONS[suite]})
    with pytest.raises(UsageError, match=r"no suite has that version now|neither a file"):
        kernels.suite_of(name)


def test_sources(monkeypatch):
    """Backports come with their release, and a release with its updates where we have ours."""
    sources = [("http://one", "bookworm", ""), ("http://two", "bookworm-security", "/key")]
    monkeypatch.setattr(host, "apt_sources", lambda: sources)
    monkeypatch.setattr(host, "codename", lambda: "bookworm")

    def lines(suite):
        return [x.partition("] ")[2] for x in host.source_lines(suite)]

    assert lines("trixie-backports") == ["http://one trixie main",
                                         "http://two trixie-security main",
                                         "http://one trixie-backports main"]
    assert lines("sid") == ["http://one sid main"]
    assert lines("host") == ["http://one bookworm main", "http://two bookworm-security main",
                             "http://one bookworm-backports main"]


def test_the_kernel_of_today(monkeypatch, capsys):
    """Each run asks; without an answer it is the last one, and that is said."""
    state = {"version": "6.12.117+deb13", "down": False}

    def update(self, max_age):
        assert max_age <= 3600
        if state["down"]:
            raise LabError("apt-get failed (100): no network")

    def show(self, package):
        name = f"linux-image-{state['version']}-amd64"
        return {"Depends": f"{name} (= 1)" if package == "linux-image-amd64" else "kmod"}

    def ask():
        kernels.resolve.cache_clear()
        return kernels.resolve("trixie")["version"]

    monkeypatch.setattr(host.Apt, "update", update)
    monkeypatch.setattr(host.Apt, "show", show)
    assert ask() == "6.12.117+deb13-amd64"
    state["version"] = "6.12.118+deb13"
    assert ask() == "6.12.118+deb13-amd64"
    state["down"] = True
    capsys.readouterr()
    assert ask() == "6.12.118+deb13-amd64"
    assert "no network" in capsys.readouterr().err
    kernels.resolve.cache_clear()
    with pytest.raises(LabError, match="no network"):
        kernels.resolve("sid")


LOGS = """
import sys
sys.path.insert(0, sys.argv[1])
from hwlab import util
try:
    util.run_logged(["sh", "-c", "echo " + sys.argv[2] + "; exit 1"], util.log_path("build.log"))
except util.LabError as error:
    print(str(error).rpartition("log: ")[2])
"""


def test_each_run_has_its_logs():
    """A failure names a log, and that has what this run said and nothing else."""
    runs = [subprocess.Popen([sys.executable, "-c", LOGS, TOP / "qemu", f"run {i}"], text=True,
                             stdout=subprocess.PIPE) for i in range(4)]
    for i, run in enumerate(runs):
        path = Path(run.communicate(timeout=60)[0].strip())
        said = [x for x in path.read_text().splitlines() if x.startswith("run")]
        assert said == [f"run {i}"], path


def test_logs_are_limited(cache, monkeypatch):
    logs = cache / "logs"
    for i in range(util.LOGS_KEPT + 5):
        old = logs / f"20200101-000000-99{i:05}9"
        old.mkdir(parents=True)
        (old / "build.log").write_text("x" * 1000)
        os.utime(old, (time.time() - 1000 + i,) * 2)
    util.run_logs.cache_clear()
    util.log_path("build.log").write_text("x")
    assert len(list(logs.iterdir())) == util.LOGS_KEPT
    monkeypatch.setattr(util, "LOGS_BYTES", 20000)
    util.run_logs.cache_clear()
    assert util.log_path("build.log").exists()
    assert sum(x.stat().st_size for x in logs.rglob("build.log")) < 20000
    util.run_logs.cache_clear()


def test_each_checkout_builds_alone(cache, monkeypatch, tmp_path):
    """Two checkouts with one cache have a directory each; what a checkout drops is dropped."""
    places = []
    for name in ("one", "two"):
        top = tmp_path / "checkouts" / name
        for part in ("src", "include"):
            (top / part).mkdir(parents=True)
            (top / part / "a.h").write_text(name)
        for part in ("Kbuild", "Makefile"):
            (top / part).write_text(name)
        (top / "generated").mkdir()
        (top / "generated/hwl_probed.h").write_text("of another kernel")
        monkeypatch.setattr(module, "TOP", top)
        places.append(module.copy_source("7.3.4"))
        assert module.copy_source("6.12.95") != places[-1]
        assert not (places[-1] / "generated").exists()
        (top / "include/a.h").unlink()
        assert not (module.copy_source("7.3.4") / "include/a.h").exists()
    assert places[0] != places[1]
    assert [(x / "src/a.h").read_text() for x in places] == ["one", "two"]
    for path in sorted((tmp_path / "checkouts/one").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "checkouts/one").rmdir()
    module.copy_source("7.3.4")
    assert not places[0].exists() and places[1].exists()
