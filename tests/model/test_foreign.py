# SPDX-License-Identifier: GPL-2.0
"""Is the model right?  Drivers that nobody here wrote have to work on it."""

import re
import subprocess
import sys

import pytest
from client import wait_until
from hwlab import GuestConfig, pktgen
from hwlab.debs import DPDK, TESTPMD
from hwlab.guest import Guest, run_directory
from hwlab.model import Model, ModelGuest, ModelOptions, qemu
from hwlab.modeldemo import ModelDemo
from hwlab.util import die_with_parent, remove

pytestmark = pytest.mark.long

# What these drivers do that the table forbids: see Documentation/model.rst.
IPXE = {"rar-flush", "txdctl-unlike", "reserved", "tarc", "gcr", "mdio-owner", "reset-dma",
        "ring-size"}
EM = {"txdctl-unlike", "rctl-en"}
BOOTED = "the network has booted this"
LOCK = "/run/dpdk/rte/config"


def kinds(model):
    return {line.partition(":")[0] for line in model.offences()}


def test_e1000e():
    """Linux' own driver: link, pings, TCP both ways, counters; and no offence."""
    with ModelGuest(GuestConfig(device="model", driver="e1000e")) as guest:
        demo = ModelDemo(guest)
        demo.run()
        # What a busy machine makes the kernel say is not the model's matter.
        assert not [x for x in demo.rows if not x[1] and x[0] != "kernel log"]
        assert not guest.model.offences()


# To each connection of slirp's: the request's end, then a script of a quarter of a megabyte.
HTTP = f"""import sys
while sys.stdin.readline().strip():
    pass
body = b"#!ipxe\\n" + (b"#" * 63 + b"\\n") * 4096 + b"echo {BOOTED}\\nsleep 60\\n"
sys.stdout.buffer.write(b"HTTP/1.0 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n" % len(body) + body)
"""


def test_ipxe():
    """A boot over the network, by TFTP and from there by HTTP, by the ROM that QEMU has for its own
    device."""
    run = run_directory()
    model = None
    try:
        (run / "tftp").mkdir()
        (run / "tftp/boot.ipxe").write_text("#!ipxe\nchain http://10.0.2.100/more.ipxe\n")
        (run / "http.py").write_text(HTTP)
        model = Model(run, 0, Guest.mac("dut"), ModelOptions())
        command = [*qemu(), "-nodefaults", "-no-user-config", "-display", "none", "-m", "256M",
                   "-object", "memory-backend-memfd,id=m,size=256M,share=on",
                   "-machine", "q35,memory-backend=m,graphics=off,accel=tcg",
                   "-serial", f"file:{run}/console",
                   "-device", "pcie-root-port,id=port0,chassis=1",
                   "-device", '{"driver":"vfio-user-pci","bus":"port0","bootindex":1,'
                              '"romfile":"pxe-e1000e.rom",'
                              f'"socket":{{"type":"unix","path":"{model.socket}"}}}}',
                   "-netdev", f"user,id=u,restrict=on,tftp={run}/tftp,bootfile=boot.ipxe,"
                              f"guestfwd=tcp:10.0.2.100:80-cmd:{sys.executable} {run}/http.py",
                   "-netdev", "hubport,id=a,hubid=0,netdev=u",
                   "-netdev", f"stream,id=s,server=off,addr.type=unix,addr.path={model.wire}",
                   "-netdev", "hubport,id=b,hubid=0,netdev=s"]
        (run / "console").touch()
        with open(run / "qemu.log", "wb") as log:
            proc = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=die_with_parent)

        def booted():
            assert proc.poll() is None, (run / "qemu.log").read_text(errors="replace")
            return BOOTED in (run / "console").read_text(errors="replace")
        try:
            wait_until(booted, 90, lambda: (run / "console").read_text(errors="replace")[-1500:])
        finally:
            proc.kill()
            proc.wait()
        assert kinds(model) <= IPXE, "\n".join(model.offences())
    finally:
        if model:
            model.close()
        remove(run)


UIO = """
set -e
echo 64 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
mkdir -p /dev/hugepages && mount -t hugetlbfs none /dev/hugepages
modprobe uio_pci_generic
pci=$(hwlab pci 0)
echo uio_pci_generic >/sys/bus/pci/devices/$pci/driver_override
[ ! -e /sys/bus/pci/devices/$pci/driver ] || echo $pci >/sys/bus/pci/devices/$pci/driver/unbind
echo $pci >/sys/bus/pci/drivers_probe
"""


def test_dpdk():
    """DPDK's net_e1000_em: polls, and has no interrupt to speak of.  ASPM it leaves as it is."""
    config = GuestConfig(device="model", driver="e1000e", packages=DPDK)
    with ModelGuest(config, ModelOptions(errata="no-aspm")) as guest:
        guest.run("ip -n peer link set peer0 up", 60)
        guest.run(UIO, 60)
        for mode, count in (("txonly", "sent"), ("rxonly", "received")):
            proc = guest.spawn(f"exec timeout 40 {TESTPMD} -m 96 -a {guest.pci(0)} -- "
                               f"--forward-mode={mode} --total-num-mbufs=2048 --auto-start "
                               "--stats-period=1 </dev/null")
            proc.wait_output("Press enter to exit|RX-packets", 60)
            if mode == "rxonly":
                flood(guest)
            before = guest.model.stats()[count]
            wait_until(lambda c=count, b=before: guest.model.stats()[c] > b + 1000, 60,
                       lambda p=proc: p.output()[-1500:])
            # And by its own books.
            which = "TX-packets" if mode == "txonly" else "RX-packets"
            wait_until(lambda p=proc, w=which: max(map(int, re.findall(
                rf"{w}: *(\d+)", p.output())), default=0) > 1000, 60,
                lambda p=proc: p.output()[-1500:])
            proc.kill()
            # Threads may hold it when the process is a zombie already.
            guest.wait_for(f"! grep -q :$(stat -c %i {LOCK})\\  /proc/locks", 60,
                           what="the end of its lock")
        forward(guest)
        assert kinds(guest.model) <= EM, "\n".join(guest.model.offences())


VETH = """
set -e
ip link add to0 type veth peer name tcp0
ethtool -K tcp0 tx off tso off gso off
ip addr add 192.0.2.1/24 dev tcp0
ip link set to0 up
ip link set tcp0 up
ip -n peer addr add 192.0.2.2/24 dev peer0
"""


def forward(guest):
    """The kernel's TCP through DPDK: what comes to one end of a veth pair goes out by the device,
    and back."""
    guest.run(VETH, 60)
    proc = guest.spawn(f"exec {TESTPMD} -d librte_net_af_packet.so --vdev=net_af_packet0,iface=to0 "
                       f"-m 96 -a {guest.pci(0)} -- --forward-mode=io --total-num-mbufs=4096 "
                       "--auto-start --stats-period=5 </dev/null")
    wait_until(lambda: guest.run("ping -n -c 1 -W 1 192.0.2.2", check=False).rc == 0, 60,
               lambda: proc.output()[-1500:])
    guest.spawn("exec iperf3 -s", "peer")
    for way, count in (("", "sent"), ("-R", "received")):
        before = guest.model.stats()[count]
        wait_until(lambda w=way: guest.run(f"iperf3 -c 192.0.2.2 -n 4M {w}", 60,
                                           check=False).rc == 0, 60,
                   lambda w=way: f"TCP {w}\n{proc.output()[-1500:]}")
        assert guest.model.stats()[count] > before + (4 << 20) // 1500
    proc.kill()


def flood(guest):
    settings = ["count 20000", "pkt_size 60", f"dst_mac {Guest.mac('dut')}", "dst 192.0.2.1"]
    guest.run("\n".join(["modprobe pktgen", pktgen.RESET, *pktgen.device("peer0", settings)]),
              netns="peer")
    guest.spawn(pktgen.START, "peer")
