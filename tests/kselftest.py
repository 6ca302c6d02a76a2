#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/kselftest.py [PROGRAM...]: the kernel's own tests of network drivers, unmodified.

They come from Debian's linux-source package of the newest kernel and run in a guest with that
kernel: those of tools/testing/selftests/drivers/net and drivers/net/hw, the remote end in a network
namespace, with hartwell and with the kernel's e1000e.  So do the programs for time stamps (ptp, and
of net those that look at a device), on the device model, which stamps frames.  At the end a table
compares the two drivers.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(TESTS.parent / "qemu")]

from hwlab import Guest, GuestConfig, GuestTimeout  # pylint: disable=wrong-import-position
from hwlab import debs, kernels, module  # pylint: disable=wrong-import-position
from hwlab.model import ModelGuest, ModelOptions  # pylint: disable=wrong-import-position
from hwlab.util import LabError, Progress, log_path, run_logged  # pylint: disable=wrong-import-position

KERNEL = "sid"
SELFTESTS = "tools/testing/selftests"
PARTS = [f"{SELFTESTS}/{x}" for x in
         ("drivers/net", "net/lib", "net/lib.sh", "net/forwarding", "kselftest", "lib.mk",
          "kselftest.h", "kselftest_harness.h", "ptp", "net/hwtstamp_config.c",
          "net/timestamping.c", "net/txtimestamp.c")] + \
        ["tools/net/ynl", "tools/include/uapi", "Documentation/netlink", "include/uapi/linux"]
SUITES = ("drivers/net", "drivers/net/hw")
# What "make" there would build, by directory.  Left out are the helpers that want a C library for
# netlink made first: they serve memory providers, PSP and toeplitz.py.
PLAIN = {"drivers/net": ["napi_id_helper", "so_txtime"], "net/lib": ["csum", "gro", "xdp_helper"],
         "ptp": ["testptp"], "net": ["hwtstamp_config", "timestamping", "txtimestamp"]}
BPF = {"net/lib": ["xdp_dummy", "xdp_native", "xdp_metadata"],
       "drivers/net/hw": ["nk_forward", "nk_primary_rx_redirect"]}
# On the model: (directory, command).  Most judge nothing by themselves: stamps.sh does.
STAMPS = ((".", "stamps.sh"), ("ptp", "phc.sh"))
ARGUMENTS = {"phc.sh": "/dev/$(ls /sys/class/net/dut0/device/ptp)"}
# What has to hold, whatever e1000e does.
WITHOUT_FAILURE = ("ping.py", "stats.py", "queues.py", "ring_reconfig.py", "napi_id.py",
                   "napi_threaded.py", "netpoll_basic.py", "xdp.py")
# netpoll_basic.py wants netpoll to find the transmit queue taken, while bpftrace looks on, and
# fails if that was not seen.  An emulated processor gives bpftrace no time under the traffic of the
# test, and ten messages are too few to meet a busy queue: so bpftrace comes first, has been used
# once, and more is logged and sent beside it.
FIRST = """mkdir -p /usr/local/bin && cd /usr/local/bin
printf '#!/bin/sh\\nexec chrt -r 1 /usr/bin/bpftrace "$@"\\n' >bpftrace && chmod +x bpftrace
./bpftrace -e 'BEGIN { exit(); }'"""
BESIDE = {"netpoll_basic.py": (
    "exec chrt -r 1 sh -c 'while echo log >/dev/kmsg; do sleep 0.005; done'",
    "exec ip netns exec peer iperf3 -s -p 9999",
    "until iperf3 -c 192.0.2.2 -p 9999 -u -b 0 -l 1000 -t 600; do sleep 0.1; done")}
LINE = re.compile(r"^(not ok|ok) \d+ ?-? ?(.*?)\s*(?:# (SKIP|XFAIL|XPASS)\s*(.*))?$", re.I)
# ... and the older form, of those in shell.
TEST = re.compile(r"^TEST: (.*?)\s*\[ *(OK|FAIL|SKIP|XFAIL) *\]")
ENVIRONMENT = ("NETIF=dut0 REMOTE_TYPE=netns REMOTE_ARGS=peer LOCAL_V4=192.0.2.1 "
               "REMOTE_V4=192.0.2.2 LOCAL_V6=2001:db8::1 REMOTE_V6=2001:db8::2 "
               "LOCAL_PREFIX_V6=2001:db8:77::/64 NO_COLOR=1 PYTHONDONTWRITEBYTECODE=1 "
               "PATH=/usr/local/bin:$PATH")


# --- the programs --------------------------------------------------------------------------


def programs(top):
    """(suite, name) of all, as the Makefiles there list them."""
    for suite in SUITES:
        text = (top / SELFTESTS / suite / "Makefile").read_text().replace("\\\n", " ")
        listed = re.search(r"^TEST_PROGS\s*:?=(.*)$", text, re.M)[1].partition("#")[0]
        for name in listed.split():
            yield suite, name
    yield from STAMPS


def build(source, top):
    """A copy of the sources with what has to be compiled, by the compiler of the guest's kernel."""
    shutil.copytree(source, top, symlinks=True, dirs_exist_ok=True)
    shutil.copy(TESTS / "stamps.sh", top / SELFTESTS)
    log = log_path("kselftest-build.log")
    kern = kernels.kernel(KERNEL, headers=True)
    chroot = module.build_chroot(kern)
    work = Path(tempfile.mkdtemp(prefix="kselftest-", dir=chroot))
    try:
        inside = Path("/") / work.name / "linux"
        shutil.copytree(top, work / "linux", symlinks=True)
        missing = []

        for where, names in PLAIN.items():
            for name in names:
                directory = inside / SELFTESTS / where
                try:
                    run_logged(["chroot", chroot, "gcc", "-O2", "-w", "-static", "-D_GNU_SOURCE",
                                f"-I{inside}/{SELFTESTS}", "-o", directory / name,
                                directory / f"{name}.c", "-lpthread"], log, 120)
                except LabError:
                    missing.append(name)
                    continue
                shutil.copy(work / "linux" / SELFTESTS / where / name, top / SELFTESTS / where)
        for where, names in BPF.items():
            for name in names:
                path = top / SELFTESTS / where / f"{name}.bpf"
                done = subprocess.run(["clang", "-O2", "-g", "-w", "-target", "bpf",
                                       f"-I{chroot}/usr/include",
                                       f"-I{chroot}/usr/include/x86_64-linux-gnu",
                                       "-c", f"{path}.c", "-o", f"{path}.o"], check=False,
                                      capture_output=True)
                if done.returncode:
                    missing.append(f"{name}.bpf")
        return missing
    finally:
        shutil.rmtree(work)


# --- running -------------------------------------------------------------------------------


def run_all(driver, wanted, top, limit):
    """{(program, case): (result, reason)} of one driver."""
    return run_on("e1000e", driver, [x for x in wanted if x not in STAMPS], top, limit) | \
        run_on("model", driver, [x for x in wanted if x in STAMPS], top, limit)


def run_on(device, driver, wanted, top, limit):
    """The same on one device: QEMU's, or the model."""
    if not wanted:
        return {}
    config = GuestConfig(kernel=KERNEL, driver=driver, mem=2048, append="loglevel=4", suite="sid",
                         packages=("bpftool", "bpftrace", "jq", "linuxptp"), payload={"linux": top},
                         device=device)
    found = {}

    def fresh():
        guest = ModelGuest(config, ModelOptions()) if device == "model" else Guest(config)
        guest.__enter__()
        guest.bring_up()
        # netpoll_basic.py looks for netconsole's directory.
        guest.run("modprobe netconsole; mount -t configfs configfs /sys/kernel/config", check=False)
        return guest

    guest = fresh()
    try:
        for suite, name in wanted:
            begun = time.monotonic()
            hung, text = False, ""
            if name in BESIDE:
                guest.run(FIRST, 120)
            beside = [guest.spawn(x) for x in BESIDE.get(name, ())]
            process = guest.spawn(
                f"cd /payload/linux/{SELFTESTS}/{suite} && exec env {ENVIRONMENT} ./{name}"
                f" {ARGUMENTS.get(name, '')} 2>&1")
            try:
                text = process.wait(limit, check=False).stdout
            except GuestTimeout:
                hung, text = True, process.output()
            for other in beside:
                other.kill()
            cases = parse(text)
            if hung or not cases:
                last = (text.strip().splitlines() or [""])[-1]
                cases["-"] = ("fail", f"no end within {limit} s" if hung else last)
            (log_path(f"kselftest-{driver}-{name}.log")).write_text(text, encoding="utf-8")
            for case, result in cases.items():
                found[name, case] = result
            counts = ", ".join(f"{sum(r == k for r, _ in cases.values())} {k}"
                               for k in ("pass", "fail", "skip"))
            print(f"{driver:>9} {name:<28} {counts}, {time.monotonic() - begun:.0f} s", flush=True)
            # Each starts from the same state.
            try:
                guest.unload_driver()
                guest.bring_up()
            except Exception:  # pylint: disable=broad-except
                guest.__exit__(None, None, None)
                guest = fresh()
    finally:
        guest.__exit__(None, None, None)
    return found


def parse(text):
    cases = {}
    reason = ""
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            verdict, case, directive, why = match.groups()
            result = "skip" if directive and directive.upper() in ("SKIP", "XFAIL") else \
                "pass" if verdict == "ok" else "fail"
            cases[case.partition(".")[2] or case] = (result, why or (reason if result == "fail"
                                                                     else ""))
            reason = ""
        elif shell := TEST.match(line):
            verdict = {"OK": "pass", "FAIL": "fail"}.get(shell[2], "skip")
            cases[shell[1]] = (verdict, "")
        elif re.search(r"# (Check failed|Exception\| \S*(Error|Exception|Failure|Fail))", line):
            reason = reason or line.lstrip("# ").removeprefix("Exception| ")[:120]
    return cases


# --- the table -----------------------------------------------------------------------------


def table(results, drivers):
    """Lines of text; and what must not be."""
    keys = list(dict.fromkeys(k for d in drivers for k in results[d]))
    lines, wrong = [], []
    wide = max((len(f"{p} {c}") for p, c in keys), default=10)
    lines.append(f"{'program case':<{wide}} " + " ".join(f"{d:<9}" for d in drivers) + " reason")
    for key in keys:
        both = [results[d].get(key, ("-", "")) for d in drivers]
        lines.append(f"{' '.join(key):<{wide}} " + " ".join(f"{r:<9}" for r, _ in both)
                     + f" {both[0][1]}")
        if both[0][0] == "fail" and key[0] in WITHOUT_FAILURE:
            wrong.append(" ".join(key))
        elif len(both) > 1 and both[1][0] == "pass" and both[0][0] not in ("pass", "skip"):
            wrong.append(f"{' '.join(key)}: {drivers[1]} passes")
    for d in drivers:
        counts = [sum(r == k for r, _ in results[d].values()) for k in ("pass", "fail", "skip")]
        lines.append(f"{d}: {counts[0]} pass, {counts[1]} fail, {counts[2]} skip")
    return lines, wrong


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("program", nargs="*", help="which (default: all)")
    p.add_argument("--driver", action="append", help="hartwell, e1000e (both)")
    p.add_argument("--timeout", type=int, default=400, help="seconds for each program")
    p.add_argument("--json", help="write the results to this file")
    args = p.parse_args()
    drivers = args.driver or ["hartwell", "e1000e"]
    source = debs.linux_files(PARTS, KERNEL)
    top = Path(tempfile.mkdtemp(prefix="hartwell-kselftest-"))
    try:
        with Progress.step("building the kernel's self-tests"):
            missing = build(source, top)
        if missing:
            print(f"could not be built: {' '.join(missing)}")
        known = list(programs(top))
        for suite, name in known:       # as the kernel's own runner does: not all are
            (top / SELFTESTS / suite / name).chmod(0o755)
        wanted = [x for x in known if not args.program or x[1] in args.program]
        for name in set(args.program) - {n for _, n in known}:
            p.error(f"no program {name}: there are {' '.join(n for _, n in known)}")
        results = {d: run_all(d, wanted, top, args.timeout) for d in drivers}
    finally:
        shutil.rmtree(top)
    lines, wrong = table(results, drivers)
    print("\n" + "\n".join(lines))
    if args.json:
        Path(args.json).write_text(json.dumps(
            [{"program": k[0], "case": k[1], **{d: results[d].get(k) for d in drivers}}
             for k in dict.fromkeys(k for d in drivers for k in results[d])], indent=1))
    if wrong:
        print("not as it must be: " + "; ".join(wrong))
    return bool(wrong)


sys.exit(main())
