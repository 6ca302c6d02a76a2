# SPDX-License-Identifier: GPL-2.0
"""Join tar archives: a tar file ends with blocks of zeros, which must not be in the middle."""

import sys
import tarfile


def main():
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|", format=tarfile.PAX_FORMAT) as out:
        for name in sys.argv[1:]:
            with tarfile.open(name) as part:
                for info in part:
                    out.addfile(info, part.extractfile(info) if info.isreg() else None)


main()
