# SPDX-License-Identifier: GPL-2.0
"""ynl.py CLI.PY [ARG]...: the kernel's netlink tool, with the parser of YAML that is in C.

The one in Python takes an emulated processor ten seconds for a family.
"""

import os
import runpy
import sys

import yaml

yaml.SafeLoader = yaml.CSafeLoader
del sys.argv[0]
sys.path.insert(0, os.path.dirname(sys.argv[0]))
runpy.run_path(sys.argv[0], run_name="__main__")
