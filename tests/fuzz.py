#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/fuzz.py --seconds N: the driver with a device model that does anything at all.

Registers change their values behind the driver's back, write-backs lie, interrupts come without a
cause or not at all, the PHY answers nonsense, all reads give ones for a while.  Whatever the driver
says and does meanwhile, the machine must live and the kernel find no fault in itself; and once the
device behaves, a reset must bring the traffic back.  What is done depends on the seed, when it
takes effect on the threads of driver and model.
"""

import argparse
import random
import re
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(TESTS.parent / "qemu"), str(TESTS / "guest")]

from hwlab.guest import LOG_ALARM  # pylint: disable=wrong-import-position
from hwlab.model import PARTNER  # pylint: disable=wrong-import-position
from lab import boot, wait_until  # pylint: disable=wrong-import-position

# Registers of the hot paths, and any.
LIKELY = [0x0, 0x8, 0x18, 0xC0, 0xD0, 0xE4, 0x100, 0x400, 0x2810, 0x2818, 0x3810, 0x3818, 0x3910,
          0x3918, 0x2910, 0x2918, 0x3828, 0x2828, 0x3820, 0x5008, 0x5000, 0x5818, 0x10, 0xF00]
FAULTS = ["tx-hang", "rx-hang", "txq-hang {q}", "rxq-hang {q}", "bad-desc {n}",
          "bad-data {n}", "no-irq {n}", "no-wb {n}", "late-wb {us}", "bad-len {len}",
          "bad-status {word:#x}", "spurious {us}", "removed", "mdic-stale {n}", "master-stuck",
          "phy-hang", "sticky {reg:#x}", "firmware {n}", "no-rx-wb {n}", "late-rx-wb {us}",
          "firmware-busy {n}", "wild-head {word:#x}", "late-irq {us}", "no-auto-rd {n}", "no-stamp",
          "lost-stamp {n}", "stamp-each", "late-answer {us}"]
DAMAGE = "crc align symbol runt fragment oversize jabber".split()
MODES = "1000fd 100fd 100hd 10fd 10hd pause asym".split()
# The driver may complain, and so may the stack; these are never right.
FATAL = re.compile(r"KASAN|UBSAN|lockdep|BUG|Oops|general protection|refcount_t|DMA-API|ODEBUG|"
                   r"INFO: task|soft lockup|hard LOCKUP|circular|inconsistent lock|corruption")
WATCHDOG = re.compile(r"NETDEV WATCHDOG")
ALIVE = 60          # seconds for the traffic to come back


def register(rng):
    return rng.choice(LIKELY) if rng.random() < 0.5 else 4 * rng.randrange(0x8000)


def words(rng):
    return {"q": rng.randrange(2), "n": rng.randrange(1, 200), "us": rng.randrange(1, 20000),
            "len": rng.choice((0, 1, 14, 2047, 2048, 2049, 65535, rng.randrange(65536))),
            "word": rng.getrandbits(32) | rng.choice((0, 1, 3)),
            "reg": register(rng)}


def lie(rng):
    """One thing that the device does: a line for the model."""
    kind = rng.randrange(10)
    if kind < 5:
        line = rng.choice(FAULTS).format(**words(rng))
        # Of its own accord all ends, but the device is seldom gone for long.
        return f"fault {line} for {rng.randrange(1, 20 if line == 'removed' else 2000)}"
    if kind < 7:
        return f"reg {register(rng):#x} {rng.getrandbits(32):#x}"
    if kind == 7:
        return f"link {rng.choice(('up', 'up', 'down'))}"
    if kind == 8:
        return f"damage {rng.choice(DAMAGE)} {rng.choice((0, 2, 10, 100))}"
    return "partner " + " ".join(rng.sample(MODES, rng.randrange(1, len(MODES))))


def act(rng):
    """One thing that the user does meanwhile."""
    return rng.choice(("ip link set dut0 down; ip link set dut0 up", "ethtool -S dut0",
                       f"ethtool -G dut0 rx {rng.choice((64, 256, 1024))}", "ethtool dut0",
                       f"ip link set dut0 mtu {rng.choice((1500, 4000, 9000))}",
                       "ethtool -t dut0", "ethtool -r dut0", "ethtool -d dut0",
                       "ip link set dut0 promisc on", "ip link set dut0 promisc off",
                       f"ethtool -L dut0 combined {rng.choice((1, 2))}"))


def healthy(guest, since):
    bad = [x for x in guest.dmesg(since).splitlines()
           if FATAL.search(x) or (LOG_ALARM.search(x) and not WATCHDOG.search(x)
                                  and re.search(r"WARNING:|Call Trace", x))]
    assert not bad, "\n".join(bad)


def traffic(guest):
    for command, netns in (("iperf3 -s", "peer"), ("iperf3 -s -p 5202", "peer"),
                           ("while :; do iperf3 -c 192.0.2.2 -t 5; sleep 0.2; done", None),
                           ("while :; do iperf3 -c 192.0.2.2 -p 5202 -R -t 5; sleep 0.2; done",
                            None),
                           ("ping -n -i 0.1 192.0.2.2", None)):
        guest.spawn(command, netns)


def recover(guest):
    """The device behaves again: down and up, which is a reset, and packets pass."""
    for line in ("clear all", "link up", f"partner {PARTNER}", *(f"damage {x} 0" for x in DAMAGE)):
        guest.model.command(line)
    guest.run("ip link set dut0 mtu 1500; ip link set dut0 down", 60, check=False)
    guest.net_up()
    wait_until(lambda: guest.run("ping -n -c 1 -W 1 192.0.2.2", check=False).rc == 0, ALIVE,
               "traffic once the device behaves")


def fuzz(guest, rng, seconds):
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        line = lie(rng)
        print(f"{count}: {line}", flush=True)
        guest.model.command(line)
        if rng.random() < 0.2:
            command = act(rng)
            print(f"{count}: {command}", flush=True)
            guest.run(command, 120, check=False)
        time.sleep(rng.random() * 0.3)
        count += 1
        if count % 50 == 0:
            guest.model.command("link up")
    return count


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--seconds", type=float, default=120)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--kernel", default="debug")
    args = p.parse_args()
    print(f"seed {args.seed}", flush=True)
    guest = boot(args.kernel, device="model")
    try:
        since = guest.mark()
        guest.bring_up()
        traffic(guest)
        count = fuzz(guest, random.Random(args.seed), args.seconds)
        recover(guest)
        guest.unload_driver()       # what it has mapped is looked at then, and its memory
        leaks = guest.kmemleak_scan(120) if guest.kernel.debug else ""
        assert not leaks, f"memory that nothing points to:\n{leaks}"
        healthy(guest, since)
    except BaseException:
        alive = guest.proc and guest.proc.poll() is None
        print("\n".join((guest.dmesg() if alive else guest.console_tail(200)).splitlines()[-200:]))
        print(f"to repeat: tests/fuzz.py --kernel {args.kernel} --seed {args.seed} "
              f"--seconds {args.seconds:g}")
        raise
    finally:
        guest.close()
    print(f"{count} lies, no problem")


main()
