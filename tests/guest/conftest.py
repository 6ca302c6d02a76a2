# SPDX-License-Identifier: GPL-2.0
"""The nic fixture, and what a failure shows."""

import re

import pytest
from lab import Guests, Nic

LOG_LINES = 200
# A processor that waits for an interrupt in the idle loop, and a timer of its that is overdue by
# seconds: QEMU has lost the interrupt.  No driver can do that to it.
LOST_TIMER = re.compile(r"RIP: \S*safe_halt.*(kthread timer wakeup didn't happen)", re.DOTALL)
_guests = Guests()


def pytest_sessionfinish():
    _guests.discard()


@pytest.fixture
def nic(request, kernel):
    """The device under test in a guest of the configuration that the test asks for."""
    mark = request.node.get_closest_marker("guest")
    return Nic(_guests, kernel, dict(mark.kwargs) if mark else {})


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Loading, unloading and the look into the log are part of the test, not of a fixture:
    what goes wrong there is a failure of this test, by name."""
    nic = pyfuncitem.funcargs.get("nic")
    if nic is None:
        return None
    args = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    try:
        nic.begin(bare=pyfuncitem.get_closest_marker("bare") is not None)
        pyfuncitem.obj(**args)
        nic.finish()
    except BaseException:
        _keep_logs(pyfuncitem, nic)
        # Whatever state that guest is in, the next test shall not inherit it.
        _guests.discard()
        raise
    return True


def _keep_logs(item, nic):
    text = "(no guest)"
    if nic.guest:
        try:
            text = nic.log()
        except Exception:  # the guest may be dead: then its console is all there is
            text = nic.guest.console_log
    item.guest_log = "\n".join(text.splitlines()[-LOG_LINES:])


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed and hasattr(item, "guest_log"):
        report.sections.append(("guest's kernel log since the test began", item.guest_log))
        lost = LOST_TIMER.search(item.guest_log)
        if lost:
            # Where --only-rerun looks.
            report.longrepr.reprcrash.message += f"\nQEMU: {lost[1]}"
        name = item.nodeid.partition("@")[0]
        kernel = item.callspec.params["kernel"]
        long = " --long" if item.get_closest_marker("long") else ""
        report.sections.append(("to repeat", f"T='{name}' tests/run.sh --kernel {kernel}{long}"))
