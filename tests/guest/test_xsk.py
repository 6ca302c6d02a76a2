# SPDX-License-Identifier: GPL-2.0
"""AF_XDP with zero copy: receive, transmit, and all that may happen to a queue with a socket."""

import contextlib
import json

import pytest
from frames import TEST_TYPE
from lab import PY, wait_until
from test_config import OUTAGE
from test_leave import sleep
from test_state import commands
from test_xdp import LIMIT, frame, swapped


class Socket:
    """xsk.py in the guest; .report when it has ended."""

    def __init__(self, nic, command, *args, bound="zero copy"):
        self.nic, self.report = nic, None
        self.proc = nic.spawn(f"exec {PY}/xsk.py dut0 {command} " +
                              " ".join(str(x) for x in args))
        self.proc.wait_output(f"ready {bound}")

    def end(self):
        if self.report is None:
            self.proc.signal("INT")
            self.wait()
        return self.report

    def wait(self, timeout=60):
        out = self.proc.wait(timeout, check=False).stdout
        self.report = json.loads(out.splitlines()[-1])
        return self.report


@contextlib.contextmanager
def socket(nic, command, *args, **more):
    s = Socket(nic, command, *args, **more)
    try:
        yield s
    finally:
        if s.report is None:
            s.proc.kill()
        nic.sh(f"{PY}/xdp.py dut0 none")


def redirected(nic):
    stats = nic.stats()
    return stats["rx0_xdp_redirect"] + stats["rx1_xdp_redirect"]


def refused(nic, text, *args):
    done = nic.guest.run(f"{PY}/xsk.py dut0 receive " + " ".join(str(x) for x in args),
                         check=False)
    assert done.rc == 1 and text in done.stdout, done


def exchange(nic, sent):
    """Frames go to the sockets and come back."""
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as back:
        nic.send(sent, "peer0", "peer")
        back.wait(len(sent))
    assert sorted(back.frames) == sorted(map(swapped, sent))


@pytest.mark.rule("X1", "X7")
@pytest.mark.parametrize("memory", ["", "--chunk 2048", "--headroom 64", "--no-wakeup",
                                    "--unaligned --chunk 4001", "--unaligned --chunk 2048",
                                    "--shared --chunks 2048"])
def test_receive(nic, memory):
    """Byte for byte; and the buffers come back."""
    nic.sh("echo 8 >/proc/sys/vm/nr_hugepages")
    nic.defer("echo 0 >/proc/sys/vm/nr_hugepages")
    resets = nic.stats()["resets"]
    with nic.no_link_bounce(), socket(nic, "receive", memory) as s:
        assert nic.stats()["resets"] == resets
        # More than there are buffers, but not more than that at a time.
        sent = [frame(nic, size, i) for size in (60, 128, 700, 1514) for i in range(400)]
        for at in range(0, len(sent), 400):
            before = redirected(nic)
            nic.send(sent[at:at + 400], "peer0", "peer")
            wait_until(lambda: redirected(nic) - before >= 400, 20, "frames at the sockets")
        report = s.end()
    assert sorted(report["frames"]) == sorted(f.hex() for f in sent), report["statistics"]
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("X1", "X2")
@pytest.mark.parametrize("size", ["60", "14,15,59,60,61,1514", "1500"])
def test_send(nic, size):
    """What user space sends is on the wire, padded; each buffer comes back."""
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as peer:
        with socket(nic, "send", "--count 200 --size", size) as s:
            report = s.wait()
        assert report["completed"] == report["sent"] == 400, report
        peer.wait(400)
    sizes = [int(x) for x in size.split(",")]
    for f in peer.frames:
        queue, number = f[14] if len(f) > 14 else 0, int.from_bytes(f[15:19], "big")
        want = sizes[number % len(sizes)] if min(sizes) > 18 else None
        assert queue in (0, 1) and (want is None or len(f) == max(want, 60)), f.hex()
        assert want is None or f[19:want] == bytes((number + j) & 255
                                                   for j in range(want))[:want - 19]
    assert report["free"] == [1024 - 800] * 2


@pytest.mark.rule("X2", "X7")
def test_send_more_than_the_ring_holds(nic):
    """It goes on when there is room, also beside the stack."""
    nic.sh("ethtool -G dut0 tx 80")
    received = "cat /sys/class/net/peer0/statistics/rx_packets"
    before = int(nic.peer(received))
    much = "--count 1000 --burst 200 --pause 0 --size 1000 --patience 120"
    with socket(nic, "send", much) as s:
        report = s.wait()
    assert report["completed"] == report["sent"] == 2000, report
    wait_until(lambda: int(nic.peer(received)) - before >= 2000, 10, "all on the wire")
    stats = nic.stats()
    assert stats["tx0_stopped"] == stats["tx1_stopped"] == 0 and stats["tx_busy"] == 0
    with nic.stream(), socket(nic, "send", much) as s:
        report = s.wait()
    assert report["completed"] == report["sent"] == 2000, report
    nic.transfer(1 << 16)


@pytest.mark.rule("X7")
def test_completions_that_nobody_takes(nic):
    """Transmit ends when their ring is full, and goes on when it is read."""
    with nic.no_link_bounce(), nic.stream(), \
            socket(nic, "send", "--lazy --fill 0 --ring 64 --count 400 --size 300") as s:
        report = s.wait()
    assert report["completed"] == report["sent"] == 800 and report["stalls"] > 4, report
    nic.transfer(1 << 16)


@pytest.mark.rule("X7")
def test_send_what_cannot_be_sent(nic):
    """Frames that the device must not get are completed in their turn, and counted."""
    before = nic.stats()
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as peer:
        with socket(nic, "send", "--count 90 --size 1,100,13,100,5,2") as s:
            report = s.wait()
        peer.wait(60)
    assert report["completed"] == 180, report
    now = nic.stats()
    assert sum(now[f"tx{q}_xdp_drops"] - before[f"tx{q}_xdp_drops"] for q in (0, 1)) == 120
    assert {len(f) for f in peer.frames} == {100}


def large(nic):
    """Frames of 9000 bytes, and the socket's options for them."""
    nic.sh("ip link set dut0 mtu 9000")
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")


def without_pages(nic):
    """The ring was full of pages when the socket was bound; now it has user space's buffers."""
    nic.sh("ethtool --reset dut0 mac")
    wait_until(nic.answers, 10, "traffic")


@pytest.mark.rule("X1", "X7", "X8")
@pytest.mark.parametrize("memory", ["--chunk 4096", "--unaligned --chunk 3001 --headroom 8"])
def test_frames_in_several_buffers(nic, memory):
    """Received and sent back, byte for byte, around each boundary."""
    nic.sh("echo 8 >/proc/sys/vm/nr_hugepages")
    nic.defer("echo 0 >/proc/sys/vm/nr_hugepages")
    large(nic)
    sizes = (60, 2047, 2048, 2049, 4095, 4096, 4097, 6145, 8192, 9014)
    sent = [frame(nic, size, i) for i, size in enumerate(sizes * 8)]
    with socket(nic, "echo", "--sg --segment 1800", memory) as s:
        without_pages(nic)
        for at in range(0, len(sent), 40):
            exchange(nic, sent[at:at + 40])
        report = s.end()
    assert report["completed"] == report["sent"] == sum(-(-len(f) // 1800) for f in sent), report
    nic.transfer(1 << 18)
    nic.transfer(1 << 18, reverse=True)


@pytest.mark.rule("X2", "X7")
@pytest.mark.parametrize("size,segment,drops", [
    ("2000,9230", 1200, 0), ("60,59", 20, 0), ("9231", 2000, 180), ("13", 2, 180)])
def test_send_in_several_buffers(nic, size, segment, drops):
    """What the device must not get is completed all the same."""
    large(nic)
    nic.sh("ethtool -G dut0 tx 80")
    before = nic.stats()
    sizes = [int(x) for x in size.split(",")]
    with nic.capture(ethertype=TEST_TYPE, promisc=True) as peer:
        with socket(nic, "send", f"--count 90 --sg --size {size} --segment {segment}") as s:
            report = s.wait()
        peer.wait(180 - drops)
    assert report["completed"] == report["sent"] == sum(
        -(-sizes[i % len(sizes)] // segment) for i in range(90)) * 2, report
    now = nic.stats()
    assert sum(now[f"tx{q}_xdp_drops"] - before[f"tx{q}_xdp_drops"] for q in (0, 1)) == drops
    for f in peer.frames:
        number = int.from_bytes(f[15:19], "big")
        want = sizes[number % len(sizes)]
        assert len(f) == max(want, 60)
        assert f[19:want] == bytes((number + j) & 255 for j in range(want))[:want - 19]


@pytest.mark.rule("X1", "X6")
@pytest.mark.parametrize("act", ["pass", "drop", "tx", "redirect veA", "tail -20", "meta 8"])
def test_other_verdicts_on_several_buffers(nic, act):
    """A copy goes up, back, or to another device, whole; nothing is lost."""
    large(nic)
    nic.sh("ip link add veA mtu 9000 type veth peer name veB mtu 9000; ip link set veA up; "
           f"ip link set veB up; {PY}/xdp.py veB pass --frags")
    nic.defer("ip link del veA")
    sent = [frame(nic, size, i) for size in (2100, 5000, 9014) for i in range(20)]
    place = {"tx": ("peer0", "peer"), "tail -20": ("peer0", "peer"),
             "redirect veA": ("veB", None)}.get(act, ("dut0", None))
    want = {"drop": [], "tx": list(map(swapped, sent)),
            "tail -20": [swapped(f)[:-20] for f in sent]}.get(act, sent)
    counter = {"pass": "pass", "drop": "drop", "redirect veA": "redirect", "meta 8": "pass"}.get(
        act, "tx")
    with socket(nic, "receive", "--sg --no-program --no-refill --idle"):
        nic.sh(f"{PY}/xdp.py dut0 {act} --frags")
        without_pages(nic)
        before = nic.stats()
        # More in all than user space has provided: the buffers come back.
        for _ in range(8):
            with nic.capture(*place, ethertype=TEST_TYPE, promisc=True) as got:
                nic.send(sent, "peer0", "peer")
                got.wait(len(want))
            assert sorted(got.frames) == sorted(want)
        wait_until(lambda: sum(nic.stats()[f"rx{q}_xdp_{counter}"] - before[f"rx{q}_xdp_{counter}"]
                               for q in (0, 1)) >= 8 * len(sent), 10, counter)
        assert nic.stats()["rx0_xdp_errors"] == before["rx0_xdp_errors"]
    nic.transfer(1 << 18, reverse=True)


@pytest.mark.rule("X1")
def test_frames_partly_in_pages_are_dropped(nic):
    """User space provides few buffers, none again: not a byte of such a frame is seen."""
    large(nic)
    sent = [frame(nic, 9000, i) for i in range(120)]
    with socket(nic, "receive", "--sg --queues 0 --fill 203 --no-refill") as s:
        without_pages(nic)
        nic.send(sent, "peer0", "peer")
        wait_until(lambda: nic.stats()["rx0_dropped"] >= 1, 10, "a mixed frame")
        nic.ping()
        nic.transfer(1 << 18, reverse=True)
        report = s.end()
    assert set(report["frames"]) <= {f.hex() for f in sent}
    # Five buffers each, or three where the core copies.
    assert 38 <= report["count"] <= 203 / 3, report["count"]


@pytest.mark.rule("X1", "X6")
def test_stack_beside(nic):
    """Frames that the program does not take go up, and the other queue is the stack's."""
    with socket(nic, "receive", "--queues 0") as s:
        nic.ping()
        nic.transfer(1 << 18)
        nic.transfer(1 << 18, reverse=True)
        exchanged = [frame(nic, 200, i) for i in range(50)]
        nic.send(exchanged, "peer0", "peer")
        wait_until(lambda: redirected(nic) >= 50, 10, "frames at the socket")
        assert s.end()["count"] == 50


VERDICTS = ["pass", "drop", "tx", "redirect veA", "tail-pass -20", "meta 8"]


@pytest.mark.rule("X1", "X6")
@pytest.mark.parametrize("program", VERDICTS)
def test_other_programs(nic, program):
    """A program that leads to no socket works as without one, with buffers of user space."""
    nic.sh("ip link add veA type veth peer name veB; ip link set veA up; ip link set veB up; "
           f"{PY}/xdp.py veB pass")
    nic.defer("ip link del veA")
    with socket(nic, "receive", "--no-program --no-refill --idle"):
        nic.sh(f"{PY}/xdp.py dut0 {program}")
        # More than the ring holds pages of before.
        for i in range(4):
            sent = [frame(nic, size, i) for size in (60, 300, 1514) for _ in range(60)]
            place = {"tx": ("peer0", "peer"), "redirect veA": ("veB", None)}.get(
                program, ("dut0", None))
            with nic.capture(*place, ethertype=TEST_TYPE, promisc=True) as got:
                nic.send(sent, "peer0", "peer")
                if program != "drop":
                    got.wait(len(sent))
            want = {"drop": [], "tx": list(map(swapped, sent)),
                    "tail-pass -20": [f[:-20] for f in sent]}.get(program, sent)
            assert sorted(got.frames) == sorted(want)
    nic.ping()


EVENTS = {
    "reset": commands("ethtool --reset dut0 all"),
    "rings": commands("ethtool -G dut0 rx 512 tx 128"),
    "small rings": commands("ethtool -G dut0 rx 64 tx 80"),
    "down and up": commands("ip link set dut0 down; ip link set dut0 up"),
    "mtu": commands("ip link set dut0 mtu 2000; ip link set dut0 mtu 1500"),
    "rx-all": commands("ethtool -K dut0 rx-all on; ethtool -K dut0 rx-all off"),
    "suspend": sleep,
}


@pytest.mark.rule("X7", "X8")
@pytest.mark.parametrize("event", EVENTS)
def test_socket_outlives(nic, event):
    """And works afterwards, both ways."""
    sent = [frame(nic, 400, i) for i in range(100)]
    with socket(nic, "echo") as s:
        exchange(nic, sent)
        EVENTS[event](nic)
        nic.guest.net_up()
        exchange(nic, sent)
        report = s.end()
        assert report["completed"] == report["sent"] >= 200, report
    nic.ping()


@pytest.mark.rule("X7")
def test_link_lost(nic):
    """What was to be sent meanwhile is sent when the link is back, without a further call."""
    nic.guest.set_link(False)
    wait_until(lambda: not nic.carrier(), 5, "no carrier")
    with socket(nic, "send", "--count 16 --patience 120") as s:
        # A second socket for a queue that is taken is refused.
        refused(nic, "Device or resource busy")
        with nic.capture(ethertype=TEST_TYPE, promisc=True) as peer:
            nic.guest.set_link(True)
            peer.wait(32)
        report = s.wait()
        assert report["completed"] == report["sent"] == 32, report
    wait_until(nic.answers, 10, "traffic")


@pytest.mark.rule("X8")
@pytest.mark.parametrize("how", ["KILL", "INT"])
def test_killed_under_traffic(nic, how):
    """Memory goes away while the device writes to it."""
    with nic.flood("rx", size=600), nic.no_link_bounce():
        for _ in range(3):
            s = Socket(nic, "echo")
            s.proc.signal(how)
            s.proc.wait(30, check=False)
    nic.sh(f"{PY}/xdp.py dut0 none")
    nic.transfer(1 << 16)
    nic.transfer(1 << 16, reverse=True)


@pytest.mark.rule("X5")
def test_bind_and_unbind(nic):
    """To bind costs nothing; to unbind a pause, with the link up."""
    with nic.no_link_bounce(), nic.outage(OUTAGE), nic.stream():
        for _ in range(2):
            with socket(nic, "receive", "--no-program --queues 1"):
                nic.ping()
    nic.ping()


@pytest.mark.rule("X7")
def test_nothing_provided(nic):
    """A socket that provides no buffers, or takes no frames, stops neither queue."""
    for args in ("--fill 0 --no-refill", "--fill 32 --no-refill", "--idle"):
        with socket(nic, "receive", args):
            nic.send([frame(nic, 300, i % 250) for i in range(1500)], "peer0", "peer")
            nic.ping()
            nic.transfer(1 << 18)
            nic.transfer(1 << 18, reverse=True)


@pytest.mark.rule("X5", "X8")
def test_refusals(nic):
    """What has no room in a chunk, with the reason in the log; and everything stays as it was."""
    nic.expect_log("refused", r"set_features\(\) failed")
    nic.peer("ip link set peer0 mtu 9000")
    nic.defer("ip link set peer0 mtu 1500", "peer")
    nic.sh("ip link set dut0 mtu 1501")
    refused(nic, "Operation not supported", "--chunk 2048")
    assert "MTUs up to 1500" in nic.log()
    nic.sh(f"ip link set dut0 mtu {LIMIT + 1}")
    refused(nic, "Operation not supported")
    assert f"MTUs up to {LIMIT}" in nic.log()
    nic.sh("ip link set dut0 mtu 1500; ethtool -K dut0 rx-all on")
    refused(nic, "Operation not supported", "--chunk 2048")
    nic.sh("ethtool -K dut0 rx-all off")
    refused(nic, "Invalid argument", "--queues 2")
    # By the core, of kernels that look at that.
    refused(nic, "", "--chunk 2048 --headroom 512")
    with socket(nic, "receive", "--chunk 2048"):
        nic.refused("ip link set dut0 mtu 1501", "Invalid argument")
        nic.refused("ethtool -K dut0 rx-all on", "")
        nic.refused("ethtool -L dut0 combined 1", "AF_XDP|Invalid argument")
        nic.ping()
    with socket(nic, "receive"):
        nic.sh(f"ip link set dut0 mtu {LIMIT}")
        nic.refused(f"ip link set dut0 mtu {LIMIT + 1}", "Invalid argument")
        nic.sh("ethtool -K dut0 rx-all on; ethtool -K dut0 rx-all off; ip link set dut0 mtu 1500")
    # Frames in several buffers: for those who ask, where there is room for their list.
    with socket(nic, "receive", "--sg"):
        nic.sh("ip link set dut0 mtu 9000; ethtool -K dut0 rx-all on")
        nic.ping()
        nic.sh("ethtool -K dut0 rx-all off; ip link set dut0 mtu 1500")
    with socket(nic, "receive", "--sg --chunk 2048"):
        nic.refused("ip link set dut0 mtu 1501", "Invalid argument")
    nic.sh("ip link set dut0 mtu 9000")
    refused(nic, "Operation not supported", "--sg --chunk 2048")
    refused(nic, "Operation not supported", "--sg --headroom 1540")
    nic.sh("ip link set dut0 mtu 9000; ip link set dut0 mtu 1500")


@pytest.mark.rule("X8")
def test_removed_under_sockets(nic):
    s = Socket(nic, "echo")
    with nic.flood("rx", size=600):
        nic.guest.unload_driver()
    s.proc.kill()
    nic.guest.bring_up()
    nic.ping()
