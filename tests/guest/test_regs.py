# SPDX-License-Identifier: GPL-2.0
"""The order of register accesses, and their values, against the table in registers.py."""

import fnmatch
import time

import pytest
import registers as table
from lab import wait_until
from test_leave import sleep

NAMES = {offset: name for name, offset in table.MAP.items()}
TCTL, EN = 0x400, 2
EECD, NVADDS_FLASH, AUPDEN = 0x10, 3 << 15, 1 << 20
EE_RST = 1 << 13
PHY_ERRORS = 21
SLACK = 0.97        # clocks of the guest and of QEMU
# The register test of the self-test writes patterns: TIPG tells.
PATTERN = 0x1a5a5a5a
# What holds even there.
ALWAYS = {"CTRL", "RCTL", "MDIC", "EERD", "EEWR"}


class Step:
    """Something that is done, and what may come of it."""

    def __init__(self, name, do, resets=(0,), pairs=2, **may):
        self.name, self.do, self.resets, self.pairs = name, do, resets, pairs
        self.may = may          # pdown, loopback, restart; selftest, opens, closes, traffic


def carrier(nic):
    wait_until(nic.carrier, 10, "carrier")


def link_flap(nic):
    """Without a link, too, the PHY is looked at: a hang of it may be the reason (Linux)."""
    def looked():
        return any(x[1] == "w" and x[2] == table.MAP["MDIC"] and x[3] >> 16 & 31 == PHY_ERRORS
                   for x in nic.access_log(at)[0])
    for up_ in (False, True):
        nic.guest.set_link(up_)
        wait_until(lambda up_=up_: nic.carrier() == up_, 10, "the carrier follows the cable")
        if not up_:
            at = nic.access_log()[1]
            wait_until(looked, 10, "a look at the PHY without a link")


def hang(nic):
    resets = nic.stats()["resets"]
    ping = nic.guest.spawn(f"exec ping -n -i 0.05 -W 1 {nic.PEER}")
    nic.clear_bits(TCTL, EN)
    wait_until(lambda: nic.stats()["resets"] > resets, 10, "reset")
    wait_until(nic.answers, 10, "traffic")
    ping.kill()


def run(command):
    return lambda nic: nic.sh(command, 60)


def up(nic):
    nic.sh("ip link set dut0 up")
    carrier(nic)


STEPS = [
    Step("probe", lambda nic: nic.guest.load_driver(), (1,)),
    Step("open", lambda nic: nic.guest.net_up(), (1,), opens=True, restart=True),
    Step("traffic", lambda nic: (nic.ping(count=20), nic.transfer(1 << 16)), traffic=True),
    Step("rings", run("ethtool -G dut0 tx 512 rx 512"), (1,)),
    Step("one pair", run("ethtool -L dut0 combined 1"), (1,), pairs=1),
    Step("one pair, traffic", lambda nic: nic.ping(), pairs=1, traffic=True),
    Step("two pairs", run("ethtool -L dut0 combined 2"), (1,)),
    Step("feature", run("ethtool -K dut0 rx-fcs on; ethtool -K dut0 rx-fcs off")),
    # Each way the rings are exchanged for some with other buffers.
    Step("MTU", run("ip link set dut0 mtu 9000; ip link set dut0 mtu 1500"), (2,)),
    Step("receive mode", run(
        "ip link set dut0 promisc on; ip link set dut0 promisc off; "
        "ip link set dut0 allmulticast on; ip link set dut0 allmulticast off; "
        "ip maddr add 33:33:00:00:12:34 dev dut0; bridge fdb add 02:00:00:00:00:07 dev dut0; "
        "bridge fdb del 02:00:00:00:00:07 dev dut0; ip maddr del 33:33:00:00:12:34 dev dut0")),
    Step("address", run("ip link set dut0 address 02:00:00:00:00:01")),
    Step("VLAN", run("ip link add link dut0 name v type vlan id 77; ip link del v")),
    Step("hash", run("ethtool -X dut0 weight 1 3; ethtool -X dut0 equal 2")),
    Step("hang", hang, (1,)),
    Step("link", link_flap, (0, 1, 2), restart=True),
    Step("self-test", lambda nic: (nic.sh("ethtool -t dut0 offline", 60), carrier(nic)),
         range(4, 9), selftest=True, opens=True, pdown=True, loopback=True, restart=True),
    Step("close", run("ip link set dut0 down"), (1,), closes=True, pdown=True),
    Step("sleep while down", sleep, (2,), pdown=True, restart=True, sleeps=True),
    Step("open again", up, (1,), opens=True, restart=True),
    Step("sleep", lambda nic: (sleep(nic), carrier(nic)), (3,), opens=True, restart=True,
         sleeps=True),
    Step("remove", lambda nic: nic.guest.unload_driver(), (1,), closes=True, pdown=True),
]


class Checker:
    """Follows the accesses one by one; what is wrong is in .wrong."""

    def __init__(self, kept=()):
        self.wrong = []
        self.kept = kept        # PHY registers that outlive a reset: not written again
        self.reset(0)
        self.written = {}       # register: [(time, value), ...] since the last reset
        self.after_rst = None   # time of a reset behind which nothing was read yet
        self.auto_rd = None     # time of EECD.AUTO_RD behind a reset
        self.resets = 0

    def reset(self, when):
        pba = getattr(self, "written", {}).get("PBA")
        self.written = {"PBA": pba} if pba else {}
        self.read = {}
        self.began = when
        self.running = False
        self.mdic = None
        self.page = None
        self.bmcr = None

    def say(self, text, source):
        self.wrong.append(f"{self.step.name}: {text}  [{source}]")

    def holds(self, need, now):
        if need.now == "r":
            value = self.read.get(need.register)
            return value is not None and value & need.mask == need.value
        writes = self.written.get(need.register) or \
            ([(self.began, 0)] if need.now == "state" else [])
        if not writes or writes[-1][1] & need.mask != need.value:
            return False
        since = self.began
        for when, value in reversed(writes):
            if value & need.mask != need.value:
                break
            since = when
        return not need.age or (now - since) * 1000 >= need.age * SLACK

    def whens(self, kind, name, value, now):
        for rule in table.WHEN:
            what = "w" if rule.what == "run" and not self.step.may.get("sleeps") else rule.what
            if (what, rule.register) != (kind, name) or \
                    value & rule.mask != rule.value & rule.mask or \
                    (self.step.may.get("selftest") and name not in ALWAYS):
                continue
            for need in rule.needs:
                if not self.holds(need, now):
                    self.say(f"{kind} {name} {value:#x} without {need.register} & "
                             f"{need.mask:#x} = {need.value:#x}"
                             f"{f' for {need.age} ms' if need.age else ''} "
                             f"({'read' if need.now == 'r' else 'written'})", rule.source)

    def step_begins(self, step):
        self.step, self.step_resets = step, self.resets

    def access(self, entry, pattern):
        now, kind, offset, value = entry
        name = NAMES.get(offset)
        if name is None:
            self.say(f"{kind} of unknown register {offset:#x}", "the map")
            return
        if self.auto_rd is not None:
            if (now - self.auto_rd) * 1000 < table.PHY_CONFIG * SLACK:
                self.say(f"{kind} {name} {(now - self.auto_rd) * 1000:.1f} ms behind AUTO_RD",
                         "Linux: 25 ms")
            self.auto_rd = None
        if kind == "r":
            self.on_read(now, name, value)
        else:
            self.on_write(now, name, value, pattern)

    def on_read(self, now, name, value):
        if self.after_rst is not None:
            if (now - self.after_rst) * 1000 < table.RST_QUIET * SLACK:
                self.say(f"{name} read {(now - self.after_rst) * 1e6:.0f} us behind CTRL.RST",
                         "the driver's own: 1 ms")
            if name == "EECD" and value & 1 << 9:
                self.after_rst, self.auto_rd = None, now
        self.whens("r", name, value, now)
        self.read[name] = value
        if name == "ICR" and self.step.may.get("traffic") and self.running:
            self.say("ICR is read in traffic", "Linux: by the handler of OTHER only")
        if name == "MDIC" and value >> 28 & 1 and self.mdic:
            if (value >> 21 & 31) != 1:
                self.say(f"PHY at address {value >> 21 & 31}", "Linux: 1")
            self.mdic = None

    def value(self, name, value):
        for rule in table.WRITES:
            if fnmatch.fnmatchcase(name, rule.register) and \
                    value & rule.mask not in rule.values:
                self.say(f"{name} = {value:#x}: bits {rule.mask:#x} must be "
                         f"{' or '.join(map(hex, sorted(rule.values)))}", rule.source)

    def on_write(self, now, name, value, pattern):
        if name in table.READ_ONLY:
            self.say(f"{name} is written", "read only")
        self.whens("w", name, value, now)
        if not pattern:
            self.value(name, value)
        if name[:3] in ("RDT", "TDT") and name[3:].isdigit():
            lens = self.written.get(f"{name[:2]}LEN{name[3:]}")
            if value and (not lens or value >= lens[-1][1] // 16):
                self.say(f"{name} = {value} is beyond the ring", "DS83, QEMU: silently stuck")
            if value and name[0] == "R" and not self.holds(
                    table.Need("w", "RCTL", 2, 2), now):
                self.say(f"{name} = {value} before RCTL.EN", "Linux: buffers come last")
        if name in table.NOT_WITH_ONE_PAIR and self.step.pairs == 1:
            self.say(f"{name} is written with one pair", "Linux, FreeBSD")
        if name == "MDIC":
            self.on_phy(value)
        if name == "EXTCNF_CTRL" and not value & 1 << 5:
            self.read[name] = value
        if name == "IMS":
            self.written.pop("IMC", None)
            if not self.running and not self.step.may.get("selftest"):
                self.on_running(now)
            self.running = True
        self.written.setdefault(name, []).append((now, value))
        if name == "CTRL" and value & 1 << 26:
            self.reset(now)
            self.after_rst = now
            self.resets += 1

    def on_running(self, now):
        for rule in table.RUNNING:
            if not self.holds(table.Need("w", *rule[:3]), now):
                self.say(f"{rule.register} & {rule.mask:#x} is not {rule.value:#x} when interrupts "
                         "are enabled", rule.source)
        for a, b, pairs in table.ALIKE:
            if self.step.pairs in pairs and \
                    self.written.get(a, [(0, 1)])[-1][1] != self.written.get(b, [(0, 2)])[-1][1]:
                self.say(f"{a} and {b} differ", "Linux, FreeBSD")

    def on_phy(self, value):
        reg, data, write = value >> 16 & 31, value & 0xffff, value >> 26 & 3 == 1
        self.mdic = (reg, write)
        if reg == 22:
            self.page = data if write else self.page
            self.selected = True
            return
        if reg >= table.PHY_PAGED_FROM and not getattr(self, "selected", False):
            self.say(f"PHY register {reg} without a page", "Linux: each time")
        self.selected = False
        if not write:
            return
        for rule in table.PHY_WRITES:
            if rule.register == reg and data & rule.mask not in rule.values:
                self.say(f"PHY register {reg} = {data:#x}", rule.source)
        if reg == 0:
            self.bmcr = data
            for bit, may in ((table.PHY_PDOWN, "pdown"), (table.PHY_LOOPBACK, "loopback"),
                             (table.PHY_RESTART, "restart")):
                if data & bit and not self.step.may.get(may):
                    self.say(f"PHY control {data:#x}: {may}", "not by this change")

    def step_ends(self, log):
        step, resets = self.step, self.resets - self.step_resets
        if resets not in step.resets:
            self.say(f"{resets} resets", f"{list(step.resets)} wanted")
        if step.may.get("closes"):
            for rule in table.CLOSED:
                if not self.holds(table.Need("w", *rule[:3]), 0):
                    self.say(f"{rule.register} is not cleared of {rule.mask:#x}", rule.source)
        if (step.may.get("closes") or step.name == "sleep while down") and \
                (self.bmcr is None or not self.bmcr & table.PHY_PDOWN):
            self.say("the PHY is left on", "Linux")
        if step.may.get("opens"):
            self.phy_order(log)

    def phy_order(self, log):
        """The last set-up in the log is the whole one."""
        last = max((i for i, x in enumerate(log) if is_rst(x)), default=0)
        accesses = [("w" if x[3] >> 26 & 3 == 1 else "r", x[3] >> 16 & 31, x[3] & 0xffff)
                    for x in log[last:] if x[1] == "w" and x[2] == table.MAP["MDIC"]]
        wanted = [x for x in table.PHY_OPEN if x[1] not in self.kept]
        missing = follow(accesses, [(k, r, m, v) for k, r, m, v, _ in wanted],
                         lambda a, w: a[:2] == w[:2] and a[2] & w[2] == w[3])
        if missing is not None:
            self.say(f"PHY: {wanted[missing][:4]} is missing or late", wanted[missing][4])


def follow(have, wanted, same):
    """Is wanted in have, in this order? None, or the index of what is missing."""
    at = 0
    for item in have:
        if at < len(wanted) and same(item, wanted[at]):
            at += 1
    return None if at == len(wanted) else at


def is_rst(entry):
    return entry[1] == "w" and entry[2] == table.MAP["CTRL"] and entry[3] & 1 << 26


def patterns(log):
    """For each access: does it belong to the register test?"""
    found, span = [], []
    for entry in [*log, None]:
        if entry is not None:
            span.append(entry)
        if entry is None or is_rst(entry):
            yes = any(x[1:] == ("w", table.MAP["TIPG"], PATTERN) for x in span)
            found += [yes] * len(span)
            span = []
    return found


def followed(checker, log):
    """THEN: what must come right behind a write."""
    rules = {table.MAP[r.register]: r for r in table.THEN}
    cold = [x for x in log if NAMES.get(x[2]) not in table.HOT]
    for i, entry in enumerate(cold):
        rule = rules.get(entry[2]) if entry[1] == "w" else None
        # The tick may have read something in between.
        if rule and (rule.what, table.MAP[rule.next]) not in [x[1:3] for x in cold[i + 1:i + 3]]:
            checker.say(f"{rule.register} is not flushed", rule.source)
        elif rule:
            later = [x for x in cold[i + 1:i + 3] if x[1] == "w"]
            first = cold[i + 1][1:3] == (rule.what, table.MAP[rule.next])
            if later and not first:
                checker.say(f"{rule.register} is not flushed before the next write", rule.source)


def judge(nic, steps, kept=()):
    nic.expect_log(r"tx queue \d hung", r"peer0: (NETDEV WATCHDOG|TX timeout)")
    checker, at = Checker(kept), nic.access_log()[1]
    flushes = 0
    for step in steps:
        checker.step_begins(step)
        begun = time.monotonic()
        step.do(nic)
        log, at = nic.access_log(at)
        print(f"{step.name}: {len(log)} accesses, {time.monotonic() - begun:.1f} s")
        for entry, pattern in zip(log, patterns(log)):
            checker.access(entry, pattern)
        followed(checker, log)
        checker.step_ends(log)
        if step.do is hang:
            have = [(k, NAMES.get(o), v) for _, k, o, v in log]
            flushes = follow(have, table.FLUSH,
                             lambda a, w: a[:2] == w[:2] and a[2] & w[2] == w[2])
    if flushes is not None:
        checker.wrong.append("hang: write-backs are not flushed twice  [Linux]")
    assert not checker.wrong, f"{len(checker.wrong)} breaches:\n" + "\n".join(
        dict.fromkeys(checker.wrong))


@pytest.mark.bare
@pytest.mark.guest(traced=True)
@pytest.mark.rule("D2", "R1")
def test_register_accesses(nic):
    judge(nic, STEPS)


@pytest.mark.bare
@pytest.mark.guest(traced=True, device="model")
@pytest.mark.rule("D2", "R1")
def test_register_accesses_of_a_slow_device(nic):
    """On the model polls do not end at the first look, a reset takes its time, and the PHY keeps
    what it has. For sleep, which can arm it there, see test_wake.py.
    """
    judge(nic, [x for x in STEPS if not x.may.get("sleeps")], kept=(4, 9))


@pytest.mark.bare
@pytest.mark.guest(traced=True)
def test_flash_behind_the_nvm(nic):
    """Behind each reset it is read again, and not updated by itself (Linux)."""
    nic.sh(f"echo 1 >/sys/bus/pci/devices/{nic.guest.pci()}/enable")
    nic.set_reg(EECD, nic.reg(EECD) | NVADDS_FLASH | AUPDEN)
    at = nic.access_log()[1]
    nic.load()
    log = nic.access_log(at)[0]
    resets = [i for i, x in enumerate(log) if is_rst(x)]
    assert len(resets) == 2
    for begin, end in zip(resets, [*resets[1:], len(log)]):
        writes = [x[2:] for x in log[begin:end] if x[1] == "w"]
        reread = next(i for i, (reg, value) in enumerate(writes)
                      if reg == table.MAP["CTRL_EXT"] and value & EE_RST)
        eecd = [value for reg, value in writes[reread:] if reg == EECD]
        assert eecd and not eecd[-1] & AUPDEN, writes[:20]
    # The first one is before any reset.
    first = next(x for x in log if x[1:3] == ("w", EECD))
    assert not first[3] & AUPDEN and log.index(first) < resets[0]
