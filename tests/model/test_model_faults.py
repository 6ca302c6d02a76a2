# SPDX-License-Identifier: GPL-2.0
"""The device model: faults."""

import struct
import subprocess
import time

import packets as p
import pytest
from client import (CTRL, EECD, EXTCNF, ICR, ICS, IMS, MAC, MDIC, PEER, STATUS, SWSM, RxRing,
                    TxRing, wait_until)
from hwlab.model import binary
from test_model_rx import ANY, TCP4, steer

FRAME = PEER + MAC + b"\x88\xb5" + bytes(range(86))
ARRIVING = MAC + PEER + FRAME[12:]


def test_transmitter_hangs_and_recovers(host):
    tx = TxRing(host)
    host.command("fault tx-hang for 50")
    slot = tx.frame(FRAME)
    tx.ring()
    tx.stays(slot)
    tx.wait(slot)


def test_each_fault_ends_at_its_own_time(host):
    """... whatever others there are; and one that is made anew does not end with the old."""
    host.command("fault tx-hang for 50")
    host.command("fault phy-hang for 400")
    host.command("fault rx-hang for 60")
    host.command("clear rx-hang")
    host.command("fault rx-hang")
    tx, rx = TxRing(host), RxRing(host)
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot, 0.3)
    host.frame_in(ARRIVING)
    time.sleep(0.05)
    assert rx.empty()


def test_reads_right_after_a_reset(host):
    begun = time.monotonic()
    host.command("fault late-answer 5000")
    host.reset_begin()
    assert host.rd(STATUS) == 0xFFFFFFFF
    wait_until(lambda: host.rd(STATUS) != 0xFFFFFFFF)
    assert time.monotonic() - begun > 0.005
    wait_until(lambda: host.rd(EECD) & 1 << 9)
    assert not host.offences()


def test_lost_write_back(host):
    tx = TxRing(host)
    host.command("fault no-wb 1")
    first, second = tx.frame(FRAME), tx.frame(FRAME)
    tx.ring()
    tx.wait(second)
    assert not tx.done(first)


def test_late_write_back(host):
    tx = TxRing(host)
    host.command("fault late-wb 30000")
    begun = time.monotonic()
    slot = tx.frame(FRAME)
    tx.ring()
    tx.wait(slot)
    assert time.monotonic() - begun > 0.03


def test_late_write_back_of_a_steady_stream(host):
    """The first of them is waited for, not the last."""
    tx = TxRing(host)
    host.command("fault late-wb 60000")
    first = tx.frame(FRAME)
    begun = time.monotonic()
    while not tx.done(first):
        tx.frame(FRAME)
        tx.ring()
        time.sleep(0.01)
        assert time.monotonic() - begun < 0.3


def rx_with_irq(host):
    rx = RxRing(host)
    host.rd(ICR)
    host.interrupts(1, 1)
    host.wr(IMS, 1 << 7)
    return rx


def holds_back(host, rx):
    """The data is there, and an interrupt; the descriptor is as it was."""
    host.frame_in(ARRIVING)
    assert host.taken(0, 1)
    assert host.rd(ICR) & 1 << 7
    assert host.get(rx.buf[rx.next], len(ARRIVING)) == ARRIVING
    assert host.rd(rx.reg + 0x10) > 0
    assert rx.empty()


def test_late_receive_write_back(host):
    rx = rx_with_irq(host)
    host.command("fault late-rx-wb 300000")
    begun = time.monotonic()
    holds_back(host, rx)
    assert host.taken(0, 1)
    assert time.monotonic() - begun >= 0.3
    assert rx.wait()[0] == ARRIVING
    host.command("clear all")
    host.frame_in(ARRIVING)
    assert rx.wait(0.1)[0] == ARRIVING


@pytest.mark.parametrize("flush", [True, False])
def test_lost_receive_write_back(host, flush):
    """Until the next one's, or a forced flush."""
    rx = rx_with_irq(host)
    host.command("fault no-rx-wb 1")
    holds_back(host, rx)
    if flush:
        for _ in range(2):
            host.wr(0x2820, 1 << 31)
    else:
        host.frame_in(ARRIVING)
    assert host.taken(0, 1)
    for _ in range(2 - flush):
        assert rx.wait()[0] == ARRIVING
    assert not host.offences()


def test_one_queue_hangs(host):
    one, two = TxRing(host), TxRing(host, 1)
    host.command("fault txq-hang 1")
    slots = [tx.frame(FRAME) for tx in (one, two)]
    for tx in (one, two):
        tx.ring()
    one.wait(slots[0])
    two.stays(slots[1])
    host.command("clear all")
    two.wait(slots[1])


def test_receiver_hangs(host):
    rx = RxRing(host)
    host.command("fault rx-hang")
    host.frame_in(ARRIVING)
    wait_until(lambda: host.stats()["lost"] == 1)
    host.command("clear all")
    host.frame_in(ARRIVING)
    assert rx.wait()[0] == ARRIVING


def interrupt(host):
    """How long one takes that is raised by hand; None: for good."""
    host.rd(ICR)
    host.wr(IMS, 1 << 7)
    begun = time.monotonic()
    host.wr(ICS, 1 << 7)
    return time.monotonic() - begun if host.taken(0, 0.5) else None


def test_lost_and_late_interrupts(host):
    host.rd(ICR)
    host.interrupts(1, 1)
    host.command("fault no-irq 1")
    assert interrupt(host) is None
    assert interrupt(host) is not None
    host.command("fault late-irq 50000")
    assert interrupt(host) >= 0.05
    host.command("clear all")
    host.taken(0, 0.1)
    assert interrupt(host) is not None


def test_master_and_auto_rd_that_stick(host):
    host.command("fault master-stuck")
    host.wr(CTRL, host.rd(CTRL) | 4)
    time.sleep(0.02)
    assert host.rd(STATUS) & 1 << 19
    host.command("clear all")
    assert not host.rd(STATUS) & 1 << 19
    host.command("fault no-auto-rd 1")
    host.wr(CTRL, 1 << 26)
    time.sleep(0.02)
    assert not host.rd(EECD) & 1 << 9
    host.reset()


def test_heads_gone_wild(host):
    host.command("fault wild-head 0xdeadbeef")
    assert {host.rd(x) for x in (0x2810, 0x2910, 0x3810, 0x3910)} == {0xDEADBEEF}
    host.command("clear all")
    assert host.rd(0x3810) == 0


def test_wrong_length(host):
    rx = RxRing(host)
    host.command("fault bad-len 9999")
    host.frame_in(ARRIVING)
    wait_until(lambda: not rx.empty())
    assert struct.unpack("<H", host.get(rx.at + 12, 2))[0] == 9999


def test_stale_mdio(host):
    host.own()
    host.mdio(2)
    host.command("fault mdic-stale 1")
    host.wr(MDIC, 2 << 26 | 1 << 21 | 3 << 16)
    wait_until(lambda: host.rd(MDIC) & 1 << 28)
    assert host.rd(MDIC) >> 16 & 31 != 3
    assert host.mdio(3) == 0x0CB1


def test_firmware_has_the_phy(host):
    host.command("fault firmware 2")
    for owned in (0, 0, 0x20):
        host.wr(EXTCNF, 0x20)
        assert host.rd(EXTCNF) & 0x20 == owned


def test_firmware_at_random_times(host):
    """It never takes what is owned, and does not leave the PHY as it was."""
    host.command("fault firmware-busy 7")
    held, pages, refused = [], set(), 0
    while len(held) < 12 or not refused:
        wait_until(lambda: host.rd(EXTCNF) & 0x40)
        begun = time.monotonic()
        host.wr(SWSM, 2)                # SWESMBI, and SMBI given back
        swsm, still = host.rd(SWSM), host.rd(EXTCNF) & 0x40
        # All the time: it is never back within 4 ms.
        if still and time.monotonic() - begun < 0.004:
            assert swsm & 3 == 1
        host.wr(EXTCNF, 0x20)
        refused += not host.rd(EXTCNF) & 0x20
        wait_until(lambda: not host.rd(EXTCNF) & 0x40)
        held.append(time.monotonic() - begun)
        host.wr(EXTCNF, 0x20)
        if not host.rd(EXTCNF) & 0x20:
            continue                    # a busy machine: it was there again
        time.sleep(0.03)
        assert host.rd(EXTCNF) & 0x60 == 0x20
        pages.add(host.mdio(22))
        assert host.mdio(2) == 0x0141
        host.wr(EXTCNF, 0)
    assert min(held) < 0.01 and len(pages) > 2
    assert host.stats()["refused"] >= refused
    host.command("clear all")
    wait_until(lambda: not host.rd(EXTCNF) & 0x40)
    time.sleep(0.04)
    assert not host.rd(EXTCNF) & 0x40
    assert not host.offences()


def test_register_that_sticks(host):
    host.command("fault sticky 0x38")
    host.wr(0x38, 0x1234)
    assert host.rd(0x38) == 0x8100


def test_script(hosts, tmp_path):
    script = tmp_path / "script"
    script.write_text("# a comment\n0.05 link down\n0.10 link up\n0.2 damage crc 1\n")
    host = hosts("--faults", str(script))
    wait_until(lambda: "script: damage crc 1" in host.log_file.read_text())
    assert host.log_file.read_text().count("script:") == 3


def test_command_of_a_script_that_is_refused_is_said(hosts, tmp_path):
    script = tmp_path / "script"
    script.write_text("0.01 link sideways\n0.02 link down\n")
    host = hosts("--faults", str(script))
    wait_until(lambda: "script: link down" in host.log_file.read_text())
    assert "script: error" in host.log_file.read_text()


@pytest.mark.parametrize("line, said", [
    ("0.01 falut tx-hang", "no such command"),
    ("0.01 fault tx-hnag", "no such command"),
    ("0.01 fault", "no such command"),
    ("0.01", "no time, and a command"),
    ("link down", "no time, and a command"),
    ("-1 link down", "no time, and a command"),
    ("nan link down", "no time, and a command"),
    ("inf link down", "no time, and a command"),
    ("0.001 link down", "earlier than the line before"),
])
def test_wrong_script_is_refused(tmp_path, line, said):
    script = tmp_path / "script"
    script.write_text(f"0.002 link down\n{line}\n0.3 link up\n")
    out = subprocess.run([binary(), "--socket", str(tmp_path / "s"), "--wire", str(tmp_path / "w"),
                          "--faults", str(script)], capture_output=True, text=True, check=False,
                         timeout=20)
    assert out.returncode == 1 and f'{script}: "{line}": {said}' in out.stderr, out.stderr


def test_long_line_of_a_script(hosts, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"0.01 frame {FRAME.hex() * 4}\n")
    host = hosts("--faults", str(script))
    wait_until(lambda: "script: frame" in host.log_file.read_text())
    assert FRAME.hex() * 4 in host.log_file.read_text()


@pytest.mark.parametrize("hung", [0, 1])
def test_receive_queue_hangs(host, hung):
    """The other goes on until a frame for this one is before its own."""
    rings = steer(host, [0x80] * 128, 1 | ANY)      # TCP to queue 1, all else to queue 0
    frames = [ARRIVING, p.ether(TCP4).ljust(60, b"\0")]
    host.command(f"fault rxq-hang {hung}")
    host.frame_in(frames[1 - hung])
    assert rings[1 - hung].wait()[0] == frames[1 - hung]
    for queue in (hung, 1 - hung):
        host.frame_in(frames[queue])
    wait_until(lambda: host.stats()["received"] == 3)
    assert all(r.empty() for r in rings)
    host.command("clear rxq-hang")
    for queue in (0, 1):
        assert rings[queue].wait()[0] == frames[queue]
    assert not host.offences()


def received(host, count):
    rx = RxRing(host)
    for _ in range(count):
        host.frame_in(ARRIVING)
        rx.wait()
    return [host.get(rx.at + 16 * i, 16) for i in range(count)]


def sent(host, count):
    tx = TxRing(host)
    slots = [tx.frame(FRAME) for _ in range(count)]
    tx.ring()
    tx.wait(slots[-1])
    return [host.get(tx.at + 16 * i, 16) for i in range(count)]


@pytest.mark.parametrize("way", [received, sent])
def test_descriptors_of_nonsense(hosts, way):
    """DD is there, other words are right or not; the seed says which."""
    def run(command):
        host = hosts()
        host.link_up()
        host.command(command)
        return way(host, 16)

    right, wrong = run("clear all"), run("fault bad-desc 5")
    words = [[(a[at:at + 4] != b[at:at + 4]) for a, b in zip(right, wrong)]
             for at in range(0, 16, 4)]
    assert all(any(w) and not all(w) for w in words), "each word, but not each time"
    assert run("fault bad-desc 5") == wrong != run("fault bad-desc 6")


def test_data_of_nonsense(hosts):
    """Bytes are wrong, behind a checksum that is said to be good; the seed says which."""
    def run(command):
        host = hosts()
        host.link_up()
        host.command(command)
        rx = RxRing(host)
        for _ in range(16):
            host.frame_in(MAC + PEER + b"\x08\x00" + TCP4)
        return list(zip(*(rx.wait()[:2] for _ in range(16))))

    right, wrong = run("clear all"), run("fault bad-data 5")
    assert right[0] != wrong[0] and right[1] == wrong[1]
    assert {len(x) for x in wrong[0]} == {60}
    assert run("fault bad-data 5") == wrong != run("fault bad-data 6")
