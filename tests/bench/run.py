#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/bench/run.py [MEASURE...]: hartwell beside the kernel's e1000e, on one emulated device.

One guest drives the same device with one driver and the other in turn; beside it is a virtio-net
device, which is what a virtual machine could have instead.  There are three ways of measuring:

icount  guest time counts guest instructions, so a figure repeats within some percent whatever the
        machine does.  What the emulation of a device costs is not in it.
wall    the clock on the wall, in rounds that take turns, because the machine's speed moves.
count   registers read and written, and interrupts, for each packet.

Of several rounds the median counts.  What is worse is printed as worse.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE.parent.parent / "qemu")]

import ceiling  # pylint: disable=wrong-import-position
import count  # pylint: disable=wrong-import-position
import measure  # pylint: disable=wrong-import-position
import outage  # pylint: disable=wrong-import-position
import report  # pylint: disable=wrong-import-position
from hwlab import Guest, GuestConfig, debs  # pylint: disable=wrong-import-position

PAIR = ("hartwell", "e1000e")
VIRTIO = 2          # index of the virtio device
# Cables: the device with a virtio peer, one with an e1000e that sends small frames without being
# held back, and virtio at both ends.
CONFIG = GuestConfig(nics=3, device="e1000e,e1000e,virtio", peer="virtio,e1000e,virtio", mem=2048,
                     packages=("sockperf", *debs.DPDK), timeout_scale=3)


def say(text):
    print(text, file=sys.stderr, flush=True)


def turns(guest, drivers, rounds):
    """Each driver in each round, a different one first; yields (round, driver, its NICs)."""
    for number in range(rounds):
        for driver in drivers[::-1] if number % 2 else drivers:
            if driver == "virtio-net":
                nics = [measure.Nic(guest, VIRTIO)]
            else:
                guest.load_driver(driver)
                guest.net_up()
                nics = [measure.Nic(guest, i) for i in (0, 1)]
            yield number, driver, nics


def take(clock, measures, rounds, drivers, everything):
    """{measure: {driver: [value of each round]}}; more than the pair: sizes and DPDK, too."""
    found = {}
    quick = drivers == PAIR
    with Guest(CONFIG, icount=clock == "icount") as guest:
        for number, driver, nics in turns(guest, drivers, rounds):
            for m in measures:
                if m.index >= len(nics):
                    continue            # virtio's own peer cannot do it
                value = m.take(nics[m.index])
                if isinstance(value, dict):
                    quantiles(everything, f"{driver}, {m.name.split(', ')[1]}", value)
                    value = value[50.0]
                found.setdefault(m.name, {}).setdefault(driver, []).append(value)
                say(f"  {clock} {number + 1}/{rounds}  {m.name:<30} {driver:<11}{value:>12.0f}")
        if clock == "icount" and not quick:
            for _, driver, nics in turns(guest, drivers, 1):
                everything.setdefault("sizes", {})[driver] = {
                    size: measure.tcp(nics[0], f"-l {size}") for size in measure.SIZES}
        if not quick:
            guest.load_driver("hartwell")
            top = everything.setdefault("ceiling", {}).setdefault(clock, {})
            for index in (0, 1):
                top.update(ceiling.ceiling(measure.Nic(guest, index)))
            say(f"  {clock} DPDK: {top}")
    return found


def quantiles(everything, label, value):
    """Of all rounds, the median of each quantile."""
    rounds = everything.setdefault("latency rounds", {}).setdefault(label, [])
    rounds.append(value)
    everything.setdefault("latency", {})[label] = {
        q: statistics.median(r[q] for r in rounds if q in r) for q in sorted(value)}


def counts():
    found = {}
    with tempfile.NamedTemporaryFile(prefix="hartwell-trace-") as log, \
            Guest(CONFIG, nics=1, trace=log.name) as guest:
        for _, driver, nics in turns(guest, PAIR, 1):
            found[driver] = count.count(nics[0], Path(log.name))
            say(f"  counted with {driver}")
    return found


def outages():
    found = {}
    with Guest(CONFIG, nics=1, append="iomem=relaxed") as guest:
        for _, driver, nics in turns(guest, PAIR, 1):
            found[driver] = outage.outage(nics[0], driver)
            say(f"  outages with {driver}")
    return found


def ceilings(everything):
    """Lines that compare with DPDK's testpmd."""
    lines = []
    for clock, figures in everything.get("ceiling", {}).items():
        medians = {r["measure"]: r["median"] for r in everything["ratios"] if r["clock"] == clock}
        for mode, name, wanted in (("txonly", "pktgen, burst 32", 0.9 if clock == "wall" else 0),
                                   ("rxonly", "60-byte frames into the stack", 0)):
            if mode not in figures or name not in medians:
                continue
            ratio = medians[name]["hartwell"] / figures[mode]
            lines.append(f"DPDK testpmd {mode}, {clock}: {figures[mode]:.0f} packets/s; hartwell's "
                         f"'{name}' is {ratio:.2f} of it" +
                         (f" (wanted >= {wanted})" if wanted else ""))
    return [*lines, ""] if lines else []


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("measure", nargs="*", help="only those with this in their name")
    p.add_argument("--quick", action="store_true", help="the most important, in five minutes")
    p.add_argument("--rounds", type=int, help="by the wall clock (7; quick: 3)")
    p.add_argument("--only", choices=("icount", "wall", "count", "outage"), action="append")
    p.add_argument("--out", default="bench", help="directory for text, JSON, CSV and plots")
    args = p.parse_args()
    chosen = [m for m in measure.MEASURES if (m.quick or not args.quick) and
              (not args.measure or any(x in m.name for x in args.measure))]
    if not chosen:
        p.error("no such measure: there are " + "; ".join(m.name for m in measure.MEASURES))
    ways = args.only or ("icount", "wall", "count", "outage")
    begun = time.monotonic()
    everything, text = {"ratios": []}, []
    drivers = PAIR if args.quick else (*PAIR, "virtio-net")
    for clock, rounds in (("icount", 1 if args.quick else 3),
                          ("wall", args.rounds or (3 if args.quick else 7))):
        some = [m for m in chosen if clock in m.clocks]
        if clock in ways and some:
            found = take(clock, some, rounds, drivers, everything)
            lines, rows = report.compare(clock, some, found, drivers)
            everything["ratios"] += rows
            text += [*lines, ""]
    text += ceilings(everything)
    for label, points in everything.get("latency", {}).items():
        text.append(f"round trip, {label + ':':<24}" + "".join(
            f"  {q:g} %: {points[q]:.0f} us" for q in (50.0, 99.0, 99.9) if q in points))
    if "count" in ways:
        everything["count"] = counts()
        text += ["", *report.by_name("for each packet", report.flat(everything["count"]),
                                     "{:.4f}")]
    if "outage" in ways:
        everything["outage"] = outages()
        text += ["", *report.by_name("milliseconds without a packet", everything["outage"],
                                     "{:.0f}")]
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    report.write(out, "\n".join(text) + "\n", everything)
    report.plots(out, everything)
    print("\n" + "\n".join(text))
    print(f"\n{(time.monotonic() - begun) / 60:.0f} minutes; text, JSON, CSV and plots: {out}/")


main()
