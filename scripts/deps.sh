#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install what the project needs on this machine, by group, or print the kernel build directory
# that modules are built against by default: see --help.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=scripts/python.sh
. "$top/scripts/python.sh"
find_python "$@"
exec "$python" "$top/qemu/hwlab" deps "$@"
