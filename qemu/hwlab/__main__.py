# SPDX-License-Identifier: GPL-2.0
"""python3 qemu/hwlab run|deps …"""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hwlab.cli import main

sys.exit(main(sys.argv[1:]))
