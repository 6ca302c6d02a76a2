# SPDX-License-Identifier: GPL-2.0
"""The netdev netlink family: queues, NAPI instances, page pools."""

import json
import re

import pytest
from lab import wait_until
from test_ptp import ON, V2_SYNC, ptp

pytestmark = pytest.mark.guest(ynl=True)


def ynl(nic, do, **attributes):
    return json.loads(nic.ynl("netdev", do, attributes))


def dump(nic, what):
    """All that is ours."""
    mine = ifindex(nic)
    return [x for x in ynl(nic, f"--dump {what}") if x.get("info", x).get("ifindex") == mine]


def ifindex(nic):
    return int(nic.sh("cat /sys/class/net/dut0/ifindex"))


def test_queues_and_napi(nic):
    """Each queue names its NAPI instance, and that its interrupt."""
    def look(pairs):
        napis = {x["id"]: x for x in dump(nic, "napi-get")}
        queues = dump(nic, "queue-get")
        assert sorted((x["type"], x["id"]) for x in queues) == \
            [(t, q) for t in ("rx", "tx") for q in range(pairs)]
        for queue in queues:
            irq = napis[queue["napi-id"]]["irq"]
            line = re.search(rf"^ *{irq}:.*", nic.sh("cat /proc/interrupts"), re.M)[0]
            assert re.search(rf"hartwell-dut0-(rx|TxRx)-{queue['id']}$", line.strip()), line
        return {q["id"]: q["napi-id"] for q in queues}
    first = look(2)
    nic.sh("ethtool -L dut0 combined 1")
    look(1)
    nic.sh("ethtool -L dut0 combined 2; ethtool -G dut0 rx 512; ip link set dut0 down")
    assert not any("napi-id" in x for x in dump(nic, "queue-get"))
    nic.guest.net_up()
    again = look(2)
    if nic.guest.kernel.version >= "7":
        assert again == first, "NAPI ids last"


def test_page_pools(nic):
    """Two pools for each receive queue, whose pages are all accounted for: one of buffers, and
    one of heads for frames that are copied.
    """
    def pools(least=0):
        return [x for x in dump(nic, "page-pool-get")
                if "detach-time" not in x and x.get("inflight", 0) >= least]
    napis = {x["id"] for x in dump(nic, "napi-get")}
    found = pools()
    assert {x.get("napi-id") for x in found} == napis and len(found) == 4, found
    assert len(pools(120)) == 2
    assert all(x.get("inflight-mem", 0) == 4096 * x.get("inflight", 0) for x in found)
    nic.sh("ethtool -G dut0 rx 64")
    wait_until(lambda: [x for x in pools(24) if x["inflight"] <= 64] == pools(24) != [], 10,
               "small pools")
    assert len(pools(24)) == 2
    nic.sh("ip link set dut0 down")
    wait_until(lambda: not pools(), 10, "no pool of a closed interface")


def test_pages_are_used_again(nic):
    if nic.guest.run("dmesg | grep -q 'Linux version 6.12.*Debian'", check=False).rc == 0:
        pytest.skip("Debian's 6.12 is built without CONFIG_PAGE_POOL_STATS")

    def counts():
        return [sum(x.get(k, 0) for x in dump(nic, "page-pool-stats-get"))
                for k in ("alloc-fast", "alloc-slow")]
    nic.transfer(1 << 20, reverse=True)
    fast, slow = counts()
    nic.transfer(1 << 22, reverse=True)
    now_fast, now_slow = counts()
    assert now_fast - fast > 1000 and now_slow - slow < 50


def test_xdp_features(nic):
    """What the device can do with XDP, and tell a program of a frame."""
    device, = (x for x in ynl(nic, "--dump dev-get") if x["ifindex"] == ifindex(nic))
    assert sorted(device["xdp-features"]) == ["basic", "ndo-xmit", "ndo-xmit-sg", "redirect",
                                              "rx-sg", "xsk-zerocopy"]
    assert sorted(device["xsk-features"]) == ["tx-checksum", "tx-timestamp"]
    assert sorted(device["xdp-rx-metadata-features"]) == ["hash", "timestamp", "vlan-tag"]


def test_time_stamps(nic):
    """Chosen by netlink, where the kernel has that; a refusal says why."""
    def bits(name):
        return {"nomask": True, "bits": {"bit": [{"name": name}]}}

    def choose(tx, rx):
        return nic.ynl("ethtool", "--do tsconfig-set",
                       {"header": {"dev-name": "dut0"}, "tx-types": bits(tx),
                        "rx-filters": bits(rx)}, check=False)
    nic.expect_log("does not insert time stamps", "no such receive filter")
    said = choose("on", "ptpv2-l4-sync")
    if "Operation not supported" in said or "Invalid argument" in said or not said.strip():
        pytest.skip(f"this kernel has no netlink for it: {said}")
    assert ptp(nic, "hwtstamp", "dut0") == (0, ON, V2_SYNC), said
    assert "the device has no such receive filter" in choose("on", "some")
    assert "the device does not insert time stamps" in choose("onestep-sync", "none")
    assert ptp(nic, "hwtstamp", "dut0") == (0, ON, V2_SYNC)
    shown = json.loads(nic.ynl("ethtool", "--do tsconfig-get", {"header": {"dev-name": "dut0"}}))
    assert "ptpv2-sync" in json.dumps(shown["rx-filters"]), shown
