#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# Install what the tests need, and run them: tests/run.sh [PYTEST ARGS]
# T chooses: an expression for pytest -k, or a node id or file. JOBS: tests side by side.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
scripts/deps.sh lab build check test package headers
choice=()
case ${T-} in
'') set -- "$@" tests ;;
*.py* | *::* | */*) set -- "$@" "$T" ;;
*) choice=(-k "$T") && set -- "$@" tests ;;
esac
export PYTHONDONTWRITEBYTECODE=1
status=0
/usr/bin/python3 -m pytest -c tests/pytest.ini --rootdir=. -n "${JOBS:-2}" \
	--dist loadgroup "${choice[@]}" "$@" || status=$?
if [ $status = 5 ]; then
	echo "no test matches${T:+ T=$T}: names are listed by tests/run.sh --collect-only -q" >&2
fi
exit $status
