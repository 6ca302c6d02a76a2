# SPDX-License-Identifier: GPL-2.0
"""What is received: addresses, VLANs, and frames for others."""

import itertools

import pytest
from frames import TEST_TYPE, ether

UNKNOWN = "02:99:99:99:99:99"
GROUP = "01:00:5e:11:22:33"


def passes(nic, *frames):
    """Which of some frames the device lets through: a list of truth values."""
    marker = ether(nic.sh("cat /sys/class/net/dut0/address").strip(), nic.PEER_MAC,
                   payload=b"\xffthe end" + bytes(50))
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
        nic.send([ether(dst, nic.PEER_MAC, payload=bytes([i]) + bytes(60), vlan=vlan)
                  for i, (dst, vlan) in enumerate(frames)] + [marker], "peer0", "peer")
        # Frames that are not IP keep their order: when the last is there, all are.
        for count in range(1, len(frames) + 2):
            if seen.wait(count)[-1][14:22] == marker[14:22]:
                break
    came = {f[18 if f[12:14] == b"\x81\x00" else 14] for f in seen.frames}
    return [i in came for i in range(len(frames))]


def test_unicast(nic):
    assert passes(nic, (nic.MAC, None), (UNKNOWN, None)) == [True, False]


def test_extra_unicast_addresses(nic):
    """14 have slots of their own in the filter; beyond, the device is promiscuous."""
    macs = [f"02:00:00:00:01:{i:02x}" for i in range(16)]

    def add(i):
        nic.sh(f"bridge fdb add {macs[i]} dev dut0 self")

    for i in range(14):
        add(i)
    assert passes(nic, *((m, None) for m in macs[:15]), (UNKNOWN, None)) == \
        [True] * 14 + [False] * 2
    add(14)
    assert all(passes(nic, *((m, None) for m in macs[:15]), (UNKNOWN, None)))
    nic.sh(f"bridge fdb del {macs[3]} dev dut0 self")
    assert passes(nic, (macs[3], None), (macs[14], None), (UNKNOWN, None)) == \
        [False, True, False]
    nic.sh("ip link set dut0 down; ip link set dut0 up")
    nic.guest.net_up()
    assert passes(nic, (macs[0], None), (macs[14], None), (UNKNOWN, None)) == \
        [True, True, False]


# Three of each kind, how one is added and taken away again, and the frame that it lets in. Of the
# groups the first two have one bit of the hash table in common (bits 47:36 of the address), and
# the third its word; of the VLANs two share a word of theirs. QEMU's hash takes unicast frames,
# too: the addresses have no bit in common with groups that the stack joins.
KINDS = {
    "address": (["02:00:00:00:01:31", "02:00:00:00:01:32", "06:00:00:00:01:33"],
                "bridge fdb add {} dev dut0 self", "bridge fdb del {} dev dut0 self",
                lambda nic, x: (x, None)),
    "group": (["01:00:5e:00:00:ab", "01:00:5f:01:02:ab", "01:00:5e:00:40:ab"],
              "ip maddr add {} dev dut0", "ip maddr del {} dev dut0",
              lambda nic, x: (x, None)),
    "vlan": ([64, 65, 700], "ip link add link dut0 name v{0} type vlan id {0}",
             "ip link del v{}", lambda nic, x: (nic.MAC, x)),
}
SAME_HASH = {"01:00:5e:00:00:ab", "01:00:5f:01:02:ab"}


def test_what_is_taken_away_does_not_come_in(nic):
    """Added in every order and taken away in every order; after each step, exactly the frames of
    what is left come in."""
    def check(left, what):
        frames = [(kind, x) for kind, (items, *_) in KINDS.items() for x in items]
        want = [x in left[kind] or (x in SAME_HASH and bool(SAME_HASH & left[kind]))
                for kind, x in frames]
        got = passes(nic, *(KINDS[kind][3](nic, x) for kind, x in frames))
        assert got == want, f"{what}: " + str(
            [f for f, g, w in zip(frames, got, want) if g != w])

    left = {kind: set() for kind in KINDS}
    check(left, "nothing was added")
    orders = list(itertools.permutations(range(3)))
    for n, order in enumerate(orders):
        # Each kind in another order at the same time; taken away in yet another.
        for step in range(3):
            commands = []
            for k, (kind, (items, add, _, _)) in enumerate(KINDS.items()):
                item = items[orders[(n + k) % 6][step]]
                left[kind].add(item)
                commands.append(add.format(item))
            nic.sh("; ".join(commands))
        check(left, f"all was added, {n}")
        if n == 3:
            # The same over a restart: nothing comes back that is gone.
            nic.sh("ethtool -G dut0 rx 512")
        for step in range(3):
            commands = []
            for k, (kind, (items, _, remove, _)) in enumerate(KINDS.items()):
                item = items[orders[(n * 5 + k * 2) % 6][step] if k else order[step]]
                left[kind].discard(item)
                commands.append(remove.format(item))
            nic.sh("; ".join(commands))
            if step == 1 and n == 4:
                nic.sh("ip link set dut0 down; ip link set dut0 up")
                nic.guest.net_up()
            check(left, f"order {n}, step {step}")


def test_multicast(nic):
    assert passes(nic, (GROUP, None)) == [False]
    nic.sh(f"ip maddr add {GROUP} dev dut0")
    assert passes(nic, (GROUP, None), (UNKNOWN, None)) == [True, False]
    nic.sh(f"ip maddr del {GROUP} dev dut0")
    assert passes(nic, (GROUP, None), ("ff:ff:ff:ff:ff:ff", None)) == [False, True]


def test_many_groups(nic):
    groups = [f"01:00:5e:{i:02x}:{i * 7 & 255:02x}:{i * 13 & 255:02x}" for i in range(1, 41)]
    nic.sh("; ".join(f"ip maddr add {g} dev dut0" for g in groups))
    assert all(passes(nic, *((g, None) for g in groups)))
    nic.sh("; ".join(f"ip maddr del {g} dev dut0" for g in groups))
    assert not any(passes(nic, *((g, None) for g in groups)))


def test_allmulticast_and_promiscuous(nic):
    with nic.no_link_bounce():
        nic.sh("ip link set dut0 allmulticast on")
        assert passes(nic, (GROUP, None), (UNKNOWN, None)) == [True, False]
        nic.sh("ip link set dut0 allmulticast off promisc on")
        assert passes(nic, (GROUP, None), (UNKNOWN, None), (UNKNOWN, 9)) == [True] * 3
        nic.sh("ip link set dut0 promisc off")
        assert passes(nic, (GROUP, None), (UNKNOWN, None), (nic.MAC, 9)) == [False] * 3


def test_address_change(nic):
    # Not against the first address: QEMU's multicast hash takes unicast frames, too, and lets
    # that one in for the sake of its own solicited-node group.
    old, new = "02:12:34:56:78:9a", "02:12:34:56:78:9c"
    with nic.no_link_bounce():
        for address in (old, new):
            nic.sh(f"ip link set dut0 address {address}")
    assert passes(nic, (new, None), (old, None)) == [True, False]
    nic.ping()
    nic.sh("ip link set dut0 down; ip link set dut0 up")
    nic.guest.net_up()
    assert passes(nic, (new, None), (old, None)) == [True, False]
    for bad in ("00:00:00:00:00:00", "01:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"):
        nic.refused(f"ip link set dut0 address {bad}", "Cannot assign requested address|Inval")
    assert nic.sh("cat /sys/class/net/dut0/address").strip() == new
    nic.ping()
    nic.peer("ip neigh flush all")


def test_vlan_filter(nic):
    with nic.no_link_bounce():
        nic.sh("ip link add link dut0 name v5 type vlan id 5; ip link set v5 up")
        assert passes(nic, (nic.MAC, 5), (nic.MAC, 6), (nic.MAC, None)) == [True, False, True]
        nic.sh("ip link add link dut0 name v4094 type vlan id 4094; ip link set v4094 up")
        assert passes(nic, (nic.MAC, 4094), (nic.MAC, 4093), (nic.MAC, 5)) == \
            [True, False, True]
        nic.sh("ip link del v5")
        assert passes(nic, (nic.MAC, 5), (nic.MAC, 4094)) == [False, True]
        nic.sh("ethtool -K dut0 rx-vlan-filter off")
        assert passes(nic, (nic.MAC, 5), (nic.MAC, 6)) == [True, True]
        nic.sh("ethtool -K dut0 rx-vlan-filter on")
        assert passes(nic, (nic.MAC, 6), (nic.MAC, 4094)) == [False, True]
    nic.refused("ip link add link dut0 name v4095 type vlan id 4095")


def test_vlan_filter_outlives_a_restart(nic):
    nic.sh("ip link add link dut0 name v5 type vlan id 5; ip link set v5 up")
    for change in ("ip link set dut0 down; ip link set dut0 up", "ethtool -G dut0 rx 512",
                   "ip link set v5 up"):
        nic.sh(change)
        nic.guest.net_up()
        assert passes(nic, (nic.MAC, 5), (nic.MAC, 6)) == [True, False], change


@pytest.mark.parametrize("offload", ["on", "off"])
def test_vlan_stripping(nic, offload):
    nic.sh(f"ip link add link dut0 name v5 type vlan id 5; ethtool -K dut0 rxvlan {offload}")
    frame = ether(nic.MAC, nic.PEER_MAC, payload=b"payload" + bytes(60), vlan=0xa005)
    with nic.capture("dut0", None, ethertype=TEST_TYPE) as seen:
        nic.send([frame], "peer0", "peer")
        seen.wait(1)
    record = seen.records[0]
    if offload == "on":
        assert record["vlan"] == 0xa005 and seen.frames[0] == frame[:12] + frame[16:]
    else:
        # The stack untags in software, and hands the tag to the capture as well.
        assert record.get("vlan") == 0xa005 or seen.frames[0] == frame


def test_vlan_traffic(nic):
    for end, run in ((1, nic.sh), (2, nic.peer)):
        dev = "dut0" if end == 1 else "peer0"
        run(f"ip link add link {dev} name vl7 type vlan id 7; ip link set vl7 up; "
            f"ip addr add 198.51.100.{end}/24 dev vl7; "
            f"ip addr add 2001:db8:7::{end}/64 dev vl7 nodad")
    nic.defer("ip link del vl7", "peer")
    nic.transfer(1 << 18, "198.51.100.2")
    nic.transfer(1 << 18, "2001:db8:7::2")
    nic.ping("198.51.100.2", size=1472, more="-M do")
    nic.ping("198.51.100.1", size=1472, more="-M do", netns="peer")
