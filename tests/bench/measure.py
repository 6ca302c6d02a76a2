# SPDX-License-Identifier: GPL-2.0
"""What is measured, and how each figure is taken."""

import contextlib
import dataclasses
import json
import re
import time

from hwlab import pktgen

PROG = "/payload/tests/guest/prog"
SINK = "52:54:00:99:99:99"      # nobody's address


class Nic:
    """A device under test in the guest of the benchmark, with whatever driver it has."""

    def __init__(self, guest, index=0):
        self.guest, self.index = guest, index
        self.dev, self.netns = f"dut{index}", guest.netns(index)
        self.peer_dev = f"peer{index}"
        net = "192.0.2" if index == 0 else f"198.18.{index}"
        self.ip, self.peer = f"{net}.1", f"{net}.2"
        self.elsewhere = f"{net}.99"
        self.mac = guest.mac("dut", index)
        self.short = guest.config.icount    # a second of guest time is long there

    def sh(self, command, timeout=300, **more):
        return self.guest.run(command, timeout, **more).stdout

    def count(self, name, dev=None):
        return int(self.sh(f"cat /sys/class/net/{dev or self.dev}/statistics/{name}"))


@dataclasses.dataclass
class Measure:
    """One figure, and the ratio to e1000e that is to be reached."""

    name: str
    unit: str
    how: str
    take: object                    # function of a Nic
    clocks: dict                    # clock: ratio to reach, 0 where none was set
    index: int = 0                  # which device; 1 has an e1000e as its peer
    better: str = "higher"
    quick: bool = True


# --- TCP, UDP ------------------------------------------------------------------------------


@contextlib.contextmanager
def server(nic, command, listens):
    """A server at the peer while the block runs; listens: options of ss, and the port."""
    process = nic.guest.spawn(f"exec {command}", nic.netns)
    try:
        nic.guest.wait_for("ss {} | grep -q :{}".format(*listens), netns=nic.netns)
        yield
    finally:
        process.kill()


def iperf_server(nic):
    return server(nic, "iperf3 -s -1", ("-ltn", 5201))


def iperf(nic, options):
    with iperf_server(nic):
        seconds = 1 if nic.short else 3
        return json.loads(nic.sh(f"iperf3 -c {nic.peer} -t {seconds} -i 0 -J {options}"))["end"]


def tcp(nic, options=""):
    return iperf(nic, options)["sum_received"]["bits_per_second"] / 1e6


def udp(nic):
    end = iperf(nic, "-u -b 0 -l 18")["sum"]
    return (end["packets"] - end["lost_packets"]) / end["seconds"]


# --- pktgen --------------------------------------------------------------------------------


def pktgen_script(dev, dst, count, more=(), threads=1, cpu=0):
    """A shell script that sends frames of 60 bytes and prints what each thread achieved."""
    settings = [f"count {count}", "pkt_size 60", "delay 0", f"dst_mac {dst}", *more]
    names = [dev]
    if threads > 1:
        settings.append("flag QUEUE_MAP_CPU")
        names = [f"{dev}@{i}" for i in range(threads)]
    lines = ["set -e", "modprobe pktgen", pktgen.RESET]
    for i, name in enumerate(names, cpu):
        lines += pktgen.device(name, settings, i)
    return "\n".join([*lines, pktgen.START, *(f"cat {pktgen.TOP}/{x}" for x in names)])


def rates(text):
    found = [int(x) for x in re.findall(r"(\d+)pps", text)]
    if not found:
        raise ValueError(f"pktgen said no rate: {text[-500:]}")
    return sum(found)


def either_cpu(nic, figure):
    """The better of two: pktgen on the processor that serves the queue's interrupts, or beside it.

    Which is which differs from driver to driver and from boot to boot; by icount it does not
    matter.
    """
    return figure(0) if nic.short else max(figure(0), figure(1))


def transmit(nic, burst=1, threads=1):
    count = 100_000 if nic.short else 300_000
    more = ["dst 192.0.2.99", *([f"burst {burst}"] if burst > 1 else [])]

    def send(cpu):
        return rates(nic.sh(pktgen_script(nic.dev, SINK, count // threads, more, threads, cpu)))
    return send(0) if threads > 1 else either_cpu(nic, send)


def receive(nic, dst, counted, more=()):
    """The share of what the peer sends that counted() sees, at the rate it is sent."""
    return either_cpu(nic, lambda cpu: receive_from(nic, dst, counted, more, cpu))


def receive_from(nic, dst, counted, more, cpu):
    count = 50_000 if nic.short else 150_000
    before = counted()
    rate = rates(nic.sh(pktgen_script(nic.peer_dev, nic.mac, count, [f"dst {dst}", *more],
                                      cpu=cpu), netns=nic.netns))
    # What is still on its way belongs to it.
    end = time.monotonic() + 3
    while counted() < before + count and time.monotonic() < end:
        time.sleep(0.05)
    return rate * min(1, (counted() - before) / count)


def received_dropped(nic):
    return receive(nic, nic.elsewhere, lambda: nic.count("rx_packets"))


def received_by_socket(nic):
    reader = nic.guest.spawn("exec socat -u UDP-RECV:7010,rcvbuf=8388608 OPEN:/dev/null")
    try:
        nic.guest.wait_for("ss -lun | grep -q :7010")
        return receive(nic, nic.ip, lambda: int(nic.sh(
            "awk '/^Udp: [0-9]/ { print $2 }' /proc/net/snmp")), ["udp_dst_min 7010",
                                                                  "udp_dst_max 7010"])
    finally:
        reader.kill()


def forwarded(nic):
    nic.sh("""sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0
        ip link add out type dummy; ip addr add 198.51.100.1/24 dev out; ip link set out up
        ip neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev out""")
    try:
        return receive(nic, "198.51.100.9", lambda: nic.count("tx_packets", "out"),
                       [f"src_min {nic.peer}", f"src_max {nic.peer}"])
    finally:
        nic.sh("ip link del out; sysctl -qw net.ipv4.ip_forward=0")


# --- round trips ---------------------------------------------------------------------------


def flood_ping(nic):
    """Mean round trip in microseconds."""
    out = nic.sh(f"ping -n -f -q -c {3000 if nic.short else 2000} {nic.peer}")
    return float(re.search(r"= [\d.]+/([\d.]+)/", out)[1]) * 1000


def round_trips(nic, load=False):
    """{quantile: microseconds} of questions and answers of 16 bytes over UDP."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(server(nic, f"sockperf server -i {nic.peer} -p 11111",
                                   ("-lun", 11111)))
        if load:
            stack.enter_context(iperf_server(nic))
            stack.callback(nic.guest.spawn(f"exec iperf3 -c {nic.peer} -t 60").kill)
        out = nic.sh(f"sockperf ping-pong -i {nic.peer} -p 11111 -t 3 --full-rtt -m 16 2>&1")
    return {float(q): float(v) for q, v in
            re.findall(r"percentile (\d+\.\d+) = +([\d.]+)", out)}


# --- the list ------------------------------------------------------------------------------

IPERF = "iperf3, what the receiver saw"
PKTGEN = "pktgen on the device under test, to nobody's address; by the wall from either " \
    "processor, the better one counts"
SOURCE = "pktgen on the peer, an e1000e with the kernel's driver; by the wall from either " \
    "processor, the better one counts"

MEASURES = [
    Measure("TCP transmit, 1 stream", "Mbit/s", IPERF, tcp, {"icount": 1.10, "wall": 1.05}),
    Measure("TCP transmit, 4 streams", "Mbit/s", IPERF, lambda n: tcp(n, "-P 4"),
            {"icount": 1.15, "wall": 0}, quick=False),
    Measure("TCP receive, 1 stream", "Mbit/s", IPERF, lambda n: tcp(n, "-R"),
            {"icount": 1.25, "wall": 1.25}),
    Measure("TCP receive, 4 streams", "Mbit/s", IPERF, lambda n: tcp(n, "-R -P 4"),
            {"icount": 1.3, "wall": 0}, quick=False),
    Measure("UDP transmit, 60-byte frames", "packets/s", "iperf3 -u -l 18, what arrived", udp,
            {"icount": 0, "wall": 0}, quick=False),
    Measure("pktgen, burst 1", "packets/s", PKTGEN, transmit, {"icount": 1.5, "wall": 0}),
    Measure("pktgen, burst 8", "packets/s", PKTGEN, lambda n: transmit(n, 8), {"icount": 0},
            quick=False),
    Measure("pktgen, burst 32", "packets/s", PKTGEN, lambda n: transmit(n, 32),
            {"icount": 1.4, "wall": 1.3}),
    Measure("pktgen, burst 32, 2 threads", "packets/s",
            PKTGEN + "; each thread has a queue where there are two",
            lambda n: transmit(n, 32, 2), {"wall": 0}, quick=False),
    Measure("60-byte frames into the stack", "packets/s", SOURCE + ", to an address that is not "
            "ours: the stack drops them", received_dropped, {"icount": 1.4, "wall": 1.3}, 1),
    Measure("60-byte frames to a socket", "packets/s", SOURCE + ", read by socat",
            received_by_socket, {"icount": 0, "wall": 0}, 1, quick=False),
    Measure("60-byte frames forwarded", "packets/s", SOURCE + ", routed to a dummy device",
            forwarded, {"icount": 0, "wall": 0}, 1, quick=False),
    Measure("flood ping, mean", "us", "ping -f", flood_ping, {"icount": 0.8, "wall": 0},
            better="lower"),
    Measure("round trip, idle, median", "us", "sockperf ping-pong",
            round_trips, {"wall": 0.8}, better="lower"),
    Measure("round trip, loaded, median", "us", "sockperf ping-pong beside a TCP stream",
            lambda n: round_trips(n, True), {"wall": 0}, better="lower", quick=False),
]

SIZES = (64, 256, 1024, 4096, 16384, 65536)
