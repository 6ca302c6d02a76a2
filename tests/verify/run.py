#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/verify/run.py [NAME]…: check the models of the driver's protocols.

litmus/*.litmus are checked by herd7 against the kernel's memory model: the outcome that each
describes as bad must never happen, and must happen sometimes in its variants.  A variant is made
from marks at the ends of lines:

        smp_mb();                       //@ after-cons:
        smp_store_release(cons, 1);     //@ cons-once: WRITE_ONCE(*cons, 1);

Variant "after-cons" lacks the first line, "cons-once" has another one in place of the second.
The head of the file tells what is expected of each; where it is "Never", it tells why.

ring.pml is checked by Spin: as it is, it must hold; its mutants must fail,
but for one of which RING says why.

Both name the code they stand for.  That it is still there, in that function, is checked, too;
with --code that alone, and of the driver's own code only: it takes no time and needs nothing.

The exit status is 0 if all is as expected.
"""

import concurrent.futures
import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "qemu"))

from hwlab import debs, host
from hwlab.util import LabError

MODEL = [f"tools/memory-model/{x}" for x in (
    "linux-kernel.cat", "linux-kernel.bell", "linux-kernel.def", "linux-kernel.cfg", "lock.cat")]
LIMIT = 600         # seconds for one check, on a machine that is busy with other things

HOLDS, FAILS = "holds", "fails"

# What Spin checks of ring.pml: properties, and mutants with a property that each breaks.  "safety"
# is all the assertions in it.
RING = [
    ("", "safety", HOLDS),
    ("", "awake", HOLDS),
    ("RECEIVE", "awake", HOLDS),
    ("FOLLOW", "ends", HOLDS),
    ("FAULTS", "safety", HOLDS),
    ("FAULTS", "awake", HOLDS),
    ("FAULTS FOLLOW", "ends", HOLDS),
    # A false wake-up can happen, so the sender may find the ring full.
    ("NEVER_BUSY", "safety", FAILS),
    ("M_NO_CHECK_FIRST", "safety", FAILS),
    ("M_NO_SLOT_KEPT", "safety", FAILS),
    ("M_STOP_LATE", "safety", FAILS),
    ("M_NO_RECHECK_FIRST", "awake", FAILS),
    # The doorbell is rung after the stop: the write-back of this very packet wakes the queue.
    ("M_NO_RECHECK_BEHIND", "awake", HOLDS),
    ("M_NO_WAKE", "awake", FAILS),
    ("M_CONS_LATE", "awake", FAILS),
    ("M_NO_REARM", "awake", FAILS),
    ("M_REARM_RAISES_NOTHING", "awake", FAILS),
    ("M_NO_KICK_WHEN_STOPPED", "awake", FAILS),
    ("M_NO_KICK_AFTER_DROP FOLLOW", "ends", FAILS),
    ("M_RS_FIRST_STAYS", "safety", FAILS),
    ("M_RS_BEHIND", "safety", FAILS),
    ("RECEIVE M_NO_MISSED", "awake", FAILS),
    ("FAULTS M_NO_WATCHDOG_POLL M_NO_WATCHDOG_RESET", "awake", FAILS),
    ("FAULTS M_NO_WATCHDOG_RESET", "awake", FAILS),
    ("FAULTS M_NO_POLL_WHEN_DONE M_NO_WATCHDOG_POLL", "awake", FAILS),
    ("FAULTS M_NO_DISABLE", "safety", FAILS),
    ("FAULTS M_DISABLE_WITHOUT_LOCK", "safety", FAILS),
    ("FAULTS M_NO_NAPI_DISABLE", "safety", FAILS),
    ("FAULTS M_NO_SECOND_DISABLE", "safety", FAILS),
    ("FAULTS M_WAKE_WHEN_DOWN", "safety", FAILS),
    ("FAULTS M_NO_DRAIN", "safety", FAILS),
    ("FAULTS M_RS_PROD_STAYS", "safety", FAILS),
    ("FAULTS M_NO_WAKE_AFTER_RESET", "awake", FAILS),
]


@dataclasses.dataclass
class Check:
    """One line of the table."""

    name: str
    expected: str
    run: object             # a function that returns (result, text for the log)


# --- the code that a model stands for ------------------------------------------------------


def head(path):
    """{keyword: [entries]} of the first comment of a model; an entry may span lines."""
    text = path.read_text(encoding="utf-8")
    comment = re.search(r"\(\*(.*?)\*\)" if path.suffix == ".litmus" else r"(?s)/\*(?: SPDX[^\n]*"
                        r"\*/\n/\*)?(.*?)\*/", text, re.S)[1]
    lines = [re.sub(r"^ \* ?", "", x) for x in comment.splitlines()]
    found, entry = {"Code": [], "Variant": []}, None
    for line in lines:
        match = re.match(r"(Code):$|(Variant) (.*)", line)
        if match:
            entry = match[1] or match[2]
            if match[3]:
                found[entry].append(match[3])
        elif not line.startswith("  ") or entry is None:
            entry = None
        elif entry == "Code":
            found[entry].append(line.strip())
        else:
            found[entry][-1] += " " + line.strip()
    return found


def squeeze(code):
    """Code without comments and without what layout there is."""
    code = re.sub(r"/\*.*?\*/", " ", code, flags=re.S)
    return re.sub(r"\s+", "", code.replace("\\\n", "\n"))


def body(text, name):
    """A function or macro, from its name to its end; None if there is none."""
    macro = re.search(rf"^#define {name}\((?:.*\\\n)*.*$", text, re.M)
    if macro:
        return macro[0]
    begin = re.search(rf"^(?:\w.*)?\b{name}\([^;{{]*\)\n\{{$", text, re.M)
    return text[begin.start():text.index("\n}", begin.start())] if begin else None


def stale(path, linux=None):
    """What a model says of the code that is not so: a list of lines; of the kernel's if given."""
    wrong = []
    entries = head(path)["Code"]
    if not entries:
        wrong.append("names no code")
    for entry in entries:
        place, name, text = re.fullmatch(r"(\S+): (\w+)\(\): (.*)", entry).groups()
        if place.startswith("linux/"):
            if not linux:
                continue
            file = linux / place.removeprefix("linux/")
        else:
            file = TOP / place
        found = body(file.read_text(encoding="utf-8"), name) if file.exists() else None
        if found is None:
            wrong.append(f"{place} has no {name}()")
        elif squeeze(text) not in squeeze(found):
            wrong.append(f"{name}() in {place} lacks: {text}")
    return wrong


def linux_names(paths):
    """The kernel's files that the models and herd7 need."""
    named = {e.split(":")[0].removeprefix("linux/") for p in paths for e in head(p)["Code"]
             if e.startswith("linux/")}
    return sorted({*MODEL, *named})


def code_check(path, linux):
    def run():
        wrong = stale(path, linux)
        return ("gone" if wrong else "there"), "\n".join(wrong)
    return Check(f"{path.stem} code", "there", run)


# --- herd7 ---------------------------------------------------------------------------------


def variant(text, name):
    """A litmus test with the marked lines of a variant in force; None for the test itself."""
    out, used = [], False
    for line in text.splitlines():
        code, *marks = re.split(r"\s*//@\s*", line)
        for mark in marks:
            names, _, instead = mark.partition(":")
            if name in names.split(","):
                code, used = "\t" + instead.strip(), True
        out.append(code)
    if name and not used:
        raise LabError(f"no line is marked for variant {name}")
    return "\n".join(out) + "\n"


def herd(command, linux, text):
    with tempfile.NamedTemporaryFile("w", suffix=".litmus", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run([*command, "-I", linux / "tools/memory-model", "-conf",
                               "linux-kernel.cfg", file.name], capture_output=True, text=True,
                              check=False, timeout=LIMIT)
    log = done.stdout + done.stderr
    found = re.search(r"^Observation \S+ (\w+)", log, re.M)
    # A data race in the test as it is would make "Never" worthless.
    if found and found[1] == "Never" and re.search(r"^Flag data-race", log, re.M):
        return "race", log
    return (found[1] if found else "error"), log


def litmus_checks(path, command, linux):
    text = path.read_text(encoding="utf-8")

    def check(name):
        return lambda: herd(command, linux, variant(text, name))

    checks = [code_check(path, linux), Check(path.stem, "Never", check(None))]
    marked = {n for marks in re.findall(r"//@\s*([\w,-]+):", text) for n in marks.split(",")}
    told = {}
    for entry in head(path)["Variant"]:
        name, outcome, why = re.fullmatch(r"([\w-]+): (Sometimes|Always|Never: (\S.*))",
                                          entry).groups()
        told[name] = "Never" if why else outcome
    if marked != set(told):
        raise LabError(f"{path.name}: variants marked and told of differ: "
                       f"{' '.join(sorted(marked ^ set(told)))}")
    return checks + [Check(f"{path.stem} {name}", outcome, check(name))
                     for name, outcome in told.items()]


# --- Spin ----------------------------------------------------------------------------------


def spin(path, switches, what, optimise):
    live = what != "safety"
    options = ["-DNFAIR=3"] if live else ["-DSAFETY", "-DNOCLAIM"]
    with tempfile.TemporaryDirectory(prefix="hartwell-verify-") as tmp:
        def run(*command):
            return subprocess.run([str(x) for x in command], cwd=tmp, text=True, check=False,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT)

        log = run("spin", "-a", *(f"-D{x}" for x in switches.split()), path).stdout
        log += run("gcc", optimise, "-w", "-DCOLLAPSE", "-DMEMLIM=4000", *options, "-o", "pan",
                   "pan.c").stdout
        # -f: weak fairness; -A: no assertions, whose breach would hide what is looked for; -E: a
        # process may wait for good.
        done = run("./pan", "-m2000000", *(["-a", "-f", "-A"] if live else ["-E"]))
        log += done.stdout
        found = re.search(r"errors: (\d+)", log)
        whole = "Search not completed" not in log and "max search depth" not in log
        if found is None or (found[1] == "0" and not whole):
            return "error", log
        if found[1] == "0":
            return HOLDS, log
        log += run("spin", "-t", "-p", *(f"-D{x}" for x in switches.split()), path).stdout[-4000:]
        return FAILS, log


def ring_checks(linux):
    path = HERE / "ring.pml"
    checks = [code_check(path, linux)]
    known = set(re.findall(r"\bM_\w+", path.read_text(encoding="utf-8")))
    tried = {x for switches, _, _ in RING for x in switches.split() if x.startswith("M_")}
    if known != tried:
        raise LabError(f"mutants of {path.name} in it and in run.py differ: "
                       f"{' '.join(sorted(known ^ tried))}")
    for switches, what, expected in RING:
        name = " ".join(["ring", what, *(x.removeprefix("M_").lower().replace("_", "-")
                                         for x in switches.split() if x != "FOLLOW")])
        # A search that fails is short: not worth a long compilation.
        level = "-O2" if expected == HOLDS else "-O0"
        checks.append(Check(name, expected,
                            lambda s=switches, w=what, o=level: spin(path, s, w, o)))
    return checks


# --- all -----------------------------------------------------------------------------------


def models():
    return [*sorted((HERE / "litmus").glob("*.litmus")), HERE / "ring.pml"]


def collect():
    host.ensure(["verify"])
    linux = debs.linux_files(linux_names(models()))
    command = debs.herd7()
    checks = ring_checks(linux)
    for path in models():
        if path.suffix == ".litmus":
            checks += litmus_checks(path, command, linux)
    return checks


def own_code():
    wrong = [f"{path.name}: {x}" for path in models() for x in stale(path)]
    print("\n".join(wrong or ["the models quote the driver as it is"]))
    return bool(wrong)


def main(names):
    if names == ["--code"]:
        return own_code()
    begun = time.monotonic()
    checks = [c for c in collect() if not names or any(n in c.name for n in names)]
    width = max((len(c.name) for c in checks), default=0)
    lock, bad = threading.Lock(), []

    def one(check):
        start = time.monotonic()
        try:
            result, log = check.run()
        except subprocess.TimeoutExpired:
            result, log = "too long", f"no end after {LIMIT} s"
        with lock:
            right = result == check.expected
            print(f"{check.name:<{width}}  {check.expected:<9}  {result:<9}  "
                  f"{time.monotonic() - start:5.1f} s{'' if right else '  WRONG'}", flush=True)
            if not right:
                bad.append(check.name)
                print("    " + "\n    ".join(log.splitlines()[-60:]), flush=True)

    print(f"{'check':<{width}}  {'expected':<9}  {'result':<9}  seconds")
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS") or 2)) as pool:
        list(pool.map(one, checks))
    print(f"{len(checks)} checks, {len(checks) - len(bad)} as expected, "
          f"{time.monotonic() - begun:.0f} s")
    return 1 if bad or not checks else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except LabError as error:
        print(f"verify: {error}", file=sys.stderr)
        sys.exit(1)
