#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install what the models need, and check them: tests/verify/run.sh [NAME]...
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/python.sh
. scripts/python.sh
find_python "$@"
exec "$python" tests/verify/run.py "$@"
