# SPDX-License-Identifier: GPL-2.0
"""Lines of shell scripts for pktgen, the kernel's packet generator, in a guest."""

TOP = "/proc/net/pktgen"
RESET = f"echo reset >{TOP}/pgctrl"
START = f"echo start >{TOP}/pgctrl"
STOP = f"echo stop >{TOP}/pgctrl"


def device(name, settings, thread=0):
    """Give a thread a device, and set that up.

    A reset takes effect in the thread, perhaps only after the device was added, and nothing tells
    whether it has: so the device must still be there a little later.
    """
    return [f"for n in 1 2 3 4 5; do echo add_device {name} >{TOP}/kpktgend_{thread} || :; "
            f"sleep 0.1; [ ! -e {TOP}/{name} ] || break; done",
            *(f"echo {x} >{TOP}/{name}" for x in settings)]
