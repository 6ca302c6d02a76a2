# SPDX-License-Identifier: GPL-2.0
"""What DPDK's testpmd reaches on the same device: nothing between it and the ring."""

import re
import statistics

import measure
from hwlab.debs import TESTPMD


def testpmd(nic, mode, field, seconds, source=None):
    """Median packets/s of the seconds that testpmd counts, without the first and the last."""
    pci = nic.guest.pci(nic.index)
    command = (f"exec timeout {seconds + 8} {TESTPMD} -m 128 --in-memory -a {pci} -- "
               f"--forward-mode={mode} --total-num-mbufs=2048 "
               "--txd=512 --rxd=512 --txpkts=60 --stats-period=1 --auto-start --nb-cores=1")
    process = nic.guest.spawn(command)
    try:
        process.wait_output(r"(?s)NIC statistics", 60)
        if source:
            source()
        else:
            process.wait_output(rf"(?s)({field}.*){{{seconds}}}", 60)
    finally:
        process.signal("INT")
        process.wait(20, check=False)
    found = [int(x) for x in re.findall(rf"{field}:\s+(\d+)", process.output())]
    busy = [x for x in found if x > max(found) / 3]
    return statistics.median(busy[1:-1] or busy)


def ceiling(nic):
    """{mode: packets/s}; the device has no other driver meanwhile."""
    nic.guest.unload_driver("hartwell")
    pci = nic.guest.pci(nic.index)
    nic.sh(f"""set -e
        echo 128 >/proc/sys/vm/nr_hugepages
        mkdir -p /dev/hugepages; mountpoint -q /dev/hugepages ||
            mount -t hugetlbfs none /dev/hugepages
        modprobe uio_pci_generic
        echo uio_pci_generic >/sys/bus/pci/devices/{pci}/driver_override
        echo {pci} >/sys/bus/pci/drivers_probe""")
    figures = {}
    seconds = 2 if nic.short else 5
    if nic.index == 0:
        figures["txonly"] = testpmd(nic, "txonly", "Tx-pps", seconds)
    else:
        def source():
            nic.sh(measure.pktgen_script(nic.peer_dev, nic.mac, 200_000 * seconds,
                                         [f"dst {nic.elsewhere}"]), netns=nic.netns)
        figures["rxonly"] = testpmd(nic, "rxonly", "Rx-pps", seconds, source)
    nic.sh(f"echo {pci} >/sys/bus/pci/drivers/uio_pci_generic/unbind;"
           "echo 0 >/proc/sys/vm/nr_hugepages")
    return figures
