# SPDX-License-Identifier: GPL-2.0
"""All tests: options, order, and the table at the end."""

import os
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
TOP = TESTS.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(TOP / "qemu"), str(TESTS / "guest"), str(TESTS / "host")]

DEFAULT_KERNEL = "6.12"


def pytest_addoption(parser):
    group = parser.getgroup("hartwell")
    group.addoption("--kernel", action="append", metavar="NAME",
                    help="kernel of the guests, as scripts/run-vm.sh --kernel has it; may be "
                         f"given again for another ({DEFAULT_KERNEL})")
    group.addoption("--rule", action="append", metavar="NAME",
                    help="only tests that cover this rule; may be given again")
    group.addoption("--long", action="store_true", help="tests marked as long, too")
    group.addoption("--all", action="store_true", dest="everything",
                    help="all tests on the debug kernel, not only those marked for it (hours)")
    group.addoption("--rules", action="store_true", help="print which tests cover which rule")


def kernels(config):
    return config.getoption("--kernel") or \
        os.environ.get("HARTWELL_KERNEL", DEFAULT_KERNEL).split()


def pytest_generate_tests(metafunc):
    if "nic" in metafunc.fixturenames:
        metafunc.parametrize("kernel", kernels(metafunc.config), scope="session")


def rules_of(item):
    return [name for mark in item.iter_markers("rule") for name in mark.args]


def place(item):
    """(rank, group): groups are shared out among the workers in the order of their rank.

    Tests that share a guest stay together, since a boot costs more than a test.  The common
    configuration has most of the tests, so it is cut by file.
    """
    if "nic" not in getattr(item, "fixturenames", ()):
        return 1, "built" if "built" in item.fixturenames else item.path.stem
    kernel = item.callspec.params["kernel"]
    mark = item.get_closest_marker("guest")
    if mark is None:
        return 0, f"{kernel}-{item.path.stem.removeprefix('test_')}"
    name = "-".join(f"{k}={v}" for k, v in sorted(mark.kwargs.items()))
    return 2, f"{kernel}-{name}"


def slow(item):
    """On the debug kernel tests take long: only those marked for it run there."""
    return "nic" in getattr(item, "fixturenames", ()) and \
        item.callspec.params["kernel"] == "debug" and not item.get_closest_marker("debug")


def is_traced(item):
    """By QEMU, that is."""
    mark = item.get_closest_marker("guest")
    return mark is not None and mark.kwargs.get("traced") and "device" not in mark.kwargs


def read_list(name):
    """{test: parameters} of long.txt or qemu.txt; all of a test where there are none."""
    lines = (TESTS / name).read_text(encoding="utf-8").splitlines()
    entries = [[x.strip() for x in line.split("|")] for line in lines
               if line and not line.startswith("#")]
    return {name: set(params) for name, *params in entries}


def is_listed(item, listed):
    name, _, params = item.name.partition("[")
    if name not in listed:
        return False
    kernel = item.callspec.params.get("kernel") if hasattr(item, "callspec") else None
    params = params.removesuffix("]").removeprefix(f"{kernel}-")
    return not listed[name] or params in listed[name]


@pytest.hookimpl(tryfirst=True)     # before the workers read the groups
def pytest_collection_modifyitems(config, items):
    wanted = set(config.getoption("--rule") or ())
    if wanted:
        out = [x for x in items if not wanted & set(rules_of(x))]
        items[:] = [x for x in items if wanted & set(rules_of(x))]
        config.hook.pytest_deselected(items=out)
    listed = read_list("long.txt")
    for item in items:
        if is_listed(item, listed):
            item.add_marker("long")
    model, on_qemu = os.environ.get("HARTWELL_DEVICE") == "model", read_list("qemu.txt")
    out = [x for x in items
           if (x.get_closest_marker("long") and not config.getoption("--long"))
           or (model and (is_traced(x) or is_listed(x, on_qemu)))
           or (slow(x) and not config.getoption("everything"))]
    items[:] = [x for x in items if x not in out]
    config.hook.pytest_deselected(items=out)
    items.sort(key=place)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(place(item)[1]))
    config.stash[COVERAGE] = [(x.nodeid, rules_of(x)) for x in items]


COVERAGE = pytest.StashKey()


def plain(nodeid):
    """Without the group that the distribution to workers appends."""
    return nodeid.partition("@")[0]


def pytest_terminal_summary(terminalreporter, config):
    table(terminalreporter)
    if config.getoption("--rules"):
        coverage(terminalreporter, config.stash.get(COVERAGE, []))


def table(reporter):
    seconds, result = {}, {}
    for outcome, reports in reporter.stats.items():
        for report in reports:
            if not isinstance(report, pytest.TestReport):
                continue
            name = plain(report.nodeid)
            seconds[name] = seconds.get(name, 0) + report.duration
            if outcome and (outcome != "rerun" or name not in result):
                result[name] = outcome
    if not result:
        return
    reporter.section("results")
    width = max(map(len, result))
    for name in sorted(result):
        reporter.write_line(f"{name:<{width}}  {result[name]:<7} {seconds[name]:7.1f} s")


def coverage(reporter, items):
    rules = {}
    for name, names in items:
        for rule in names:
            rules.setdefault(rule, []).append(plain(name))
    reporter.section("rules")
    for rule in sorted(rules, key=lambda r: ("TRDP".find(r[0]), int(r[1:]))):
        for i, name in enumerate(rules[rule]):
            reporter.write_line(f"{rule if not i else '':<4} {name}")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Progress(config), "hartwell-progress")


class Progress:
    """A failure is told when it happens; the whole story follows at the end."""

    def __init__(self, config):
        self.config = config

    def pytest_runtest_logreport(self, report):
        if not report.failed:
            return
        reporter = self.config.pluginmanager.get_plugin("terminalreporter")
        crash = getattr(report.longrepr, "reprcrash", None)
        why = (crash.message if crash else str(report.longrepr)).splitlines()[:3]
        reporter.write_line(f"\n{plain(report.nodeid)} FAILED: {' | '.join(why)[:300]}")
