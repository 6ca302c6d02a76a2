# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# Sourced: find_python sets $python to a Python of 3.11 or later.

python_is_fit()
{
	command -v "$1" >/dev/null 2>&1 &&
		"$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# The arguments are those of the caller: with --help or --dry-run nothing is installed.
find_python()
{
	local arg
	# Debian's own comes first: packages of the test group are installed for it.
	for python in /usr/bin/python3 python3; do
		python_is_fit "$python" && return
	done
	for arg; do
		case $arg in
		--help | -h | --dry-run | --list)
			echo "$0: $arg needs python3, 3.11 or later: install that first" >&2
			exit 1
			;;
		--) break ;;
		esac
	done
	if [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && command -v apt-get >/dev/null; then
		echo "lab: installing python3" >&2
		export DEBIAN_FRONTEND=noninteractive
		if ! { apt-get -q update && apt-get -q -y --no-install-recommends install \
			python3; } >/dev/null; then
			echo "$0: installing python3 failed: see above" >&2
			exit 1
		fi
		python=/usr/bin/python3
		python_is_fit "$python" && return
	fi
	echo "$0: python3, 3.11 or later, is missing: install it" >&2
	echo "    (on Debian: sudo apt-get install python3)" >&2
	exit 1
}
