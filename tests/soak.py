#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""tests/soak.py --minutes N: a random walk over everything that can be changed, under traffic.

The walk depends on the seed alone, which is printed: --seed repeats it, --steps ends it there.
After each step the traffic must go on; at the end the kernel log must be clean, and with the debug
kernel nothing leaked.
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

from hwlab import Guest, GuestConfig  # pylint: disable=wrong-import-position
from lab import APPEND, HARMLESS, Nic, wait_until  # pylint: disable=wrong-import-position

MOVED = r"[1-9]\d* [KMG]?bits/sec"
FEATURES = ("tso tso6 sg tx rx gro rxhash rxvlan txvlan rx-vlan-filter rx-fcs rx-all "
            "tx-nocache-copy").split()
# What runs all the time, and a line of its output that says that something got through.
TRAFFIC = {
    "while :; do iperf3 -c 192.0.2.2 -t 5 --forceflush; sleep 0.2; done": MOVED,
    "while :; do iperf3 -c 192.0.2.2 -p 5202 -R -t 5 --forceflush; sleep 0.2; done": MOVED,
    "while :; do iperf3 -c 2001:db8::2 -p 5203 -u -b 5M -l 300 -t 5 --forceflush; sleep 0.2; done":
        MOVED,
    "while :; do ping -n -i 0.05 -s 1000 192.0.2.2; sleep 0.2; done": r"icmp_seq=\d+ ttl",
}
STEPS = []


def step(weight=1):
    def add(function):
        STEPS.extend([function] * weight)
        return function
    return add


@step(4)
def rings(rng):
    return f"ethtool -G dut0 rx {rng.randrange(8, 513) * 8} tx {rng.randrange(10, 513) * 8}"


@step(3)
def channels(rng):
    return f"ethtool -L dut0 combined {rng.choice((1, 2))}"


@step(2)
def coalescing(rng):
    return f"ethtool -C dut0 rx-usecs {rng.choice((0, 3, 50, 250, 1000))} " \
           f"tx-usecs {rng.choice((0, 3, 50, 250, 1000))} " \
           f"adaptive-rx {rng.choice(('on', 'off'))} adaptive-tx {rng.choice(('on', 'off'))}"


@step(4)
def features(rng):
    return f"ethtool -K dut0 {rng.choice(FEATURES)} {rng.choice(('on', 'off'))}"


@step(3)
def mtu(rng):
    size = rng.choice((1280, 1500, 2000, 4000, 9000, 9212))

    def change(nic):
        # Of both ends, by net_up().
        nic.guest.config.mtu = size
    return change


@step(2)
def rss(rng):
    return rng.choice(("ethtool -X dut0 equal 2", "ethtool -X dut0 equal 1",
                       "ethtool -X dut0 default",
                       f"ethtool -X dut0 hkey {rng.randbytes(40).hex(':')}"))


@step(2)
def filters(rng):
    group = f"01:00:5e:00:{rng.randrange(4):02x}:01"
    return rng.choice(("ip link set dut0 promisc on", "ip link set dut0 promisc off",
                       "ip link set dut0 allmulticast on", "ip link set dut0 allmulticast off",
                       f"ip maddr add {group} dev dut0", f"ip maddr del {group} dev dut0",
                       "bridge fdb add 02:00:00:00:02:01 dev dut0 self",
                       "bridge fdb del 02:00:00:00:02:01 dev dut0 self"))


@step(2)
def vlan(rng):
    vid = rng.randrange(1, 4095)
    return rng.choice((f"ip link add link dut0 name v{vid} type vlan id {vid} && "
                       f"ip link set v{vid} up; ip link show v{vid}",
                       "for v in $(ip -br link show type vlan | cut -d@ -f1); do "
                       "ip link del $v; done"))


@step(2)
def down_up(_rng):
    return "ip link set dut0 down; ip link set dut0 up"


@step()
def cable(_rng):
    def move(nic):
        nic.guest.set_link(False)
        wait_until(lambda: not nic.carrier(), 20,
                   "no carrier")
        nic.guest.set_link(True)
    return move


@step()
def pause(rng):
    return f"ethtool -A dut0 rx {rng.choice(('on', 'off'))} tx {rng.choice(('on', 'off'))}"


@step()
def speed(rng):
    return rng.choice(("ethtool -s dut0 autoneg on", "ethtool -r dut0",
                       "ethtool -s dut0 speed 100 duplex full autoneg off"))


@step(2)
def hang(_rng):
    def stop(nic):
        nic.clear_bits(0x400, 2)
    return stop


@step()
def deaf(_rng):
    def stop(nic):
        nic.clear_bits(0x100, 2)
    return stop


@step()
def mask(_rng):
    def lose(nic):
        nic.set_reg(0xd8, 0xffffffff)
    return lose


@step()
def reset(rng):
    return rng.choice(("ethtool --reset dut0 mac", "ethtool --reset dut0 phy",
                       "devlink health test $(ls -d /sys/bus/pci/drivers/hartwell/0* | "
                       "sed 's,.*/,pci/,') reporter tx",
                       "ethtool -K dut0 loopback on; ethtool -K dut0 loopback off",
                       "ethtool -t dut0 offline"))


@step()
def rebind(_rng):
    def bind(nic):
        pci, path = nic.guest.pci(), "/sys/bus/pci/drivers/hartwell"
        nic.sh(f"echo {pci} >{path}/unbind; echo {pci} >{path}/bind; hwlab names", 60)
    return bind


@step(2)
def napi(rng):
    return rng.choice(("echo 1 >/sys/class/net/dut0/threaded",
                       "echo 0 >/sys/class/net/dut0/threaded",
                       "echo 20000 >/sys/class/net/dut0/gro_flush_timeout; "
                       "echo 2 >/sys/class/net/dut0/napi_defer_hard_irqs",
                       "echo 0 >/sys/class/net/dut0/gro_flush_timeout; "
                       "echo 0 >/sys/class/net/dut0/napi_defer_hard_irqs"))


@step(2)
def look(_rng):
    return "ethtool -S dut0; ethtool -d dut0; ethtool -e dut0; ethtool dut0; ip -s -s link"


def perform(nic, what):
    if callable(what):
        what(nic)
    else:
        # Some are refused, as the state is: that is an answer, too.
        nic.guest.run(what, 60, check=False)


def walk(nic, args):
    rng = random.Random(args.seed)
    begun, count = time.monotonic(), 0
    traffic = {nic.spawn(command): moved for command, moved in TRAFFIC.items()}
    while count < args.steps if args.steps else time.monotonic() < begun + 60 * args.minutes:
        count += 1
        chosen = rng.choice(STEPS)
        what = chosen(rng)
        took = time.monotonic()
        try:
            perform(nic, what)
            nic.guest.net_up()
            wait_until(nic.answers, 30, "an answer to a ping")
        except BaseException:
            print(f"step {count}: {chosen.__name__}: {what}", flush=True)
            raise
        shown = what if isinstance(what, str) else chosen.__name__
        print(f"{count:>5}  {time.monotonic() - took:5.1f} s  {shown}", flush=True)
        problems = nic.guest.log_problems(nic.since, nic.allowed)
        assert not problems, f"step {count}: {shown}:\n" + "\n".join(problems)
    for process, moved in traffic.items():
        # What has come since now: each of them is still at it.
        so_far = len(process.output())
        wait_until(lambda p=process, m=moved, n=so_far: re.search(m, p.output()[n:]), 30,
                   f"something moves: {process.cmd}")
    return count


class OneGuest:
    """What Nic takes its guest from."""

    def __init__(self, guest):
        self.guest = guest

    def get(self, _kernel, **_config):
        return self.guest

    def discard(self):
        pass


def main():
    p = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    p.add_argument("--minutes", type=float, default=10)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    p.add_argument("--steps", type=int, default=0, help="end after so many steps instead")
    p.add_argument("--kernel", default="6.12")
    args = p.parse_args()
    print(f"seed {args.seed}", flush=True)
    with Guest(GuestConfig(kernel=args.kernel, append=APPEND)) as guest:
        nic = Nic(OneGuest(guest), args.kernel, {})
        nic.expect_log(r"tx queue \d hung", r"receiver found disabled", r"iperf3", *HARMLESS)
        nic.begin()
        for port in (5201, 5202, 5203):
            nic.spawn(f"while :; do iperf3 -s -p {port}; done", "peer")
        try:
            count = walk(nic, args)
            nic.undo()
            nic.transfer(1 << 18)
            nic.transfer(1 << 18, reverse=True)
            nic.finish()
        except BaseException:
            print(nic.log() if guest.proc.poll() is None else guest.console_tail())
            print(f"to repeat: tests/soak.py --kernel {args.kernel} --seed {args.seed} "
                  "--steps NUMBER OF THE LAST STEP")
            raise
    print(f"{count} steps, no problem")


main()
