#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Boot a QEMU guest with an emulated 82574L and drive it: see --help.
# All the work is done by the Python package in qemu/hwlab; this makes sure there is a Python.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/python.sh
. "$top/scripts/python.sh"
find_python "$@"
exec "$python" "$top/qemu/hwlab" run "$@"
