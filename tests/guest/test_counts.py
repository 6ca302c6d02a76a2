# SPDX-License-Identifier: GPL-2.0
"""What a packet costs, in things that can be counted; and that it does not grow with what there is.

Accesses to registers are in test_tx.py, too.
"""

import pytest
from hwlab.pktgen import RESET, START, STOP, TOP, device
from frames import ether
from lab import pktgen_script, wait_until

TRACING = "/sys/kernel/tracing"
FRAMES = 3200


def interrupts(nic):
    lines = nic.sh("grep hartwell-dut0 /proc/interrupts").splitlines()
    return sum(int(x) for line in lines for x in line.split()[1:] if x.isdigit())


def generate(nic, dev, dst, more, netns=None):
    """Packets per second."""
    nic.sh("modprobe pktgen")
    text = pktgen_script(dev, dst, 60, 1, more)
    nic.guest.run(f"{text}\n{START}", 120, netns=netns)
    out = nic.guest.run(f"cat {TOP}/{dev}; {RESET}", netns=netns).stdout
    return int(out.partition("pps")[0].split()[-1])


@pytest.mark.guest(traced=True)
def test_receive_rings_a_doorbell_for_sixteen(nic):
    """Also: one re-arm for a poll that an interrupt began, and no register is read."""
    nic.quiet()
    before, irqs = nic.stats()["rx_packets"], interrupts(nic)
    with nic.accesses() as (reads, writes):
        generate(nic, "peer0", nic.MAC, [f"count {FRAMES}"], "peer")
        wait_until(lambda: nic.stats()["rx_packets"] - before >= FRAMES * 0.9)
    got, irqs = nic.stats()["rx_packets"] - before, interrupts(nic) - irqs
    doorbells = writes["RDT0"] + writes["RDT1"]
    assert got / 256 <= doorbells <= got / 16 + 2, f"{doorbells} doorbells for {got} frames"
    assert writes["IMS"] <= irqs + 10, f"{writes['IMS']} re-arms for {irqs} interrupts"
    assert irqs < got / 2, f"{irqs} interrupts for {got} frames"
    # But for the watchdog's look at a tail every two seconds.
    assert sum(n for r, n in reads.items() if r.startswith(("RD", "TD"))) < 9, reads


@pytest.mark.guest(append="iomem=relaxed")
def test_descriptors_for_a_packet(nic):
    """One for a frame in one piece; in a stream not more than one for each frame on the wire."""
    nic.sh("ethtool -L dut0 combined 1; ethtool -G dut0 tx 4096")

    def used(send):
        """Descriptors and frames; the latter are counted a moment after they have left."""
        packets, tail = nic.stats()["tx_packets"], nic.reg(0x3818)
        send()

        def now():
            return (nic.reg(0x3818) - tail) % 4096, nic.stats()["tx_packets"] - packets
        wait_until(lambda: int.__le__(*now()), 5,
                   lambda: "{} descriptors for {} frames".format(*now()))
        return now()
    # Long enough for TCP to have opened its window: it begins with packets of a frame or two, which
    # take more.
    count, packets = used(lambda: nic.transfer(1 << 20))
    assert packets > 700, f"{count} descriptors for {packets} frames"
    nic.quiet()
    for size in (60, 1514):
        frame = ether(nic.PEER_MAC, nic.MAC, payload=bytes(size - 14))
        count, packets = used(lambda frame=frame: nic.send([frame] * 100))
        assert count == packets == 100, f"{count} descriptors for {packets} frames of {size}"


def steady(nic, traffic, most):
    """After some rounds, in which the pools grow to what it takes, no page is allocated."""
    event = f"{TRACING}/events/page_pool/page_pool_state_hold/enable"
    nic.sh(f"mountpoint -q {TRACING} || mount -t tracefs tracefs {TRACING}; echo 1 >{event}")
    nic.defer(f"echo 0 >{event}; echo >{TRACING}/trace")
    pages = []
    for _ in range(6):
        nic.sh(f"echo >{TRACING}/trace")
        traffic()
        pages.append(int(nic.sh(f"grep -c page_pool_state_hold {TRACING}/trace || :", 60)))
        if pages[-1] <= most:
            return
    raise AssertionError(f"pages that pools had to get, round by round: {pages}")


def test_no_page_is_allocated_in_steady_state(nic):
    """Pages circulate: 4 MiB take some 2900 buffers, 1500 pings as many heads."""
    nic.sh("ethtool -L dut0 combined 1")        # else each connection may take the other queue
    frames = nic.stats()["rx_packets"]
    steady(nic, lambda: nic.transfer(1 << 22, reverse=True), 100)
    steady(nic, lambda: nic.sh(f"ping -n -q -f -c 1500 {nic.PEER}", 60), 10)
    assert nic.stats()["rx_packets"] - frames > 4000


# --- scale ---

@pytest.mark.guest(icount=True, timeout_scale=3)
def test_cost_does_not_grow(nic):
    """With rings, flows, VLANs, groups: counted in guest instructions, which repeat."""
    def send(more=()):
        return generate(nic, "dut0", "52:54:00:99:99:99", ["count 20000", "burst 8", *more])

    def take(more=()):
        """Of the peer and the stack, too: polls come as they come, so the better of two."""
        return max(generate(nic, "peer0", nic.MAC, ["count 10000", *more], "peer")
                   for _ in range(2))
    nic.quiet()
    nic.sh("ethtool -G dut0 tx 256 rx 256")
    sent, taken = send(), take()
    found = {}
    nic.sh("ethtool -G dut0 tx 4096 rx 4096")
    found["rings of 4096"] = (send() / sent, take() / taken)
    flows = ["flag IPSRC_RND", "src_min 192.0.2.1", "src_max 192.0.5.232"]
    found["1000 flows"] = (send(flows) / sent, take(flows) / taken)
    nic.sh("""for i in $(seq 100); do ip link add link dut0 name dut0.$i type vlan id $i
        ip maddr add 01:00:5e:00:01:$(printf %02x $i) dev dut0; done""", 120)
    nic.defer("for i in $(seq 100); do ip link del dut0.$i; "
              "ip maddr del 01:00:5e:00:01:$(printf %02x $i) dev dut0; done")
    found["100 VLANs and groups"] = (send() / sent, take() / taken)
    assert all(r > 0.85 for both in found.values() for r in both), found


@pytest.mark.guest(nics=8)
def test_eight_interfaces_side_by_side(nic):
    """All carry data at once, whole; and each has its own interrupts."""
    names = range(8)
    nic.sh("head -c 3000000 /dev/urandom >/tmp/data")
    servers = [nic.spawn(f"exec socat -u TCP-LISTEN:7000 OPEN:/tmp/got{i},creat,trunc",
                         nic.guest.netns(i)) for i in names]
    for i in names:
        nic.guest.wait_for("ss -ltn | grep -q :7000", netns=nic.guest.netns(i))
    clients = [nic.spawn("exec socat -u OPEN:/tmp/data TCP:" +
                         (nic.PEER if i == 0 else f"198.18.{i}.2") + ":7000") for i in names]
    for process in (*clients, *servers):
        process.wait(120)
    nic.sh("for i in 0 1 2 3 4 5 6 7; do cmp /tmp/data /tmp/got$i || exit 1; done", 60)
    nic.sh("rm -f /tmp/got*")
    lines = nic.sh("grep -c hartwell- /proc/interrupts")
    assert int(lines) == 8 * 5, lines


def test_one_queue_does_not_starve_the_other(nic):
    """Both queues are kept full: each gets a share, whatever the machine gives its processor."""
    script = ["set -e", "modprobe pktgen", RESET]
    for i in (0, 1):
        script += device(f"dut0@{i}", ["count 0", "pkt_size 1000", "burst 16",
                                       "dst_mac 52:54:00:99:99:99", f"queue_map_min {i}",
                                       f"queue_map_max {i}"], i)
    nic.sh("\n".join(script))
    process = nic.spawn(START)

    def sent():
        now = nic.stats()
        return [now["tx0_packets"], now["tx1_packets"]]
    try:
        begun = sent()
        wait_until(lambda: sum(sent()) - sum(begun) > 40000, 60, "both queues send")
        share = [b - a for a, b in zip(begun, sent())]
        nic.ping()
    finally:
        nic.sh(STOP)
        process.kill()
        nic.sh(RESET)
    assert min(share) > 0.05 * sum(share), share
