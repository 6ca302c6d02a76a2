# SPDX-License-Identifier: GPL-2.0
"""mii.py DEV: the PHY by the MII ioctls, as JSON: its address, its registers, what a register of
another PHY reads as, and how a write ends."""

import errno
import fcntl
import json
import socket
import struct
import sys

SIOCGMIIPHY, SIOCGMIIREG, SIOCSMIIREG, SIOCDEVPRIVATE = 0x8947, 0x8948, 0x8949, 0x89f0

s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def mii(command, phy=0, reg=0, value=0):
    """(PHY, value), or the name of the error."""
    try:
        got = fcntl.ioctl(s, command, struct.pack("16sHHHH16x", sys.argv[1].encode(), phy, reg,
                                                  value, 0))
    except OSError as error:
        return errno.errorcode[error.errno]
    return struct.unpack_from("HHHH", got, 16)[::3]


phy = mii(SIOCGMIIPHY)[0]
print(json.dumps({
    "phy": phy,
    "regs": [mii(SIOCGMIIREG, phy, reg)[1] for reg in range(32)],
    "other": mii(SIOCGMIIREG, phy ^ 3, 1)[1],
    "write": mii(SIOCSMIIREG, phy, 4, 1),
    "unknown": mii(SIOCDEVPRIVATE),
}))
