#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Ask a kernel what it offers: probe.sh HEADER RELEASE PROBES COMPILER ARGUMENTS...
# Called by Kbuild, as the user's shell may be any. probes.c says what a probe looks like.
#
# All probes are one translation unit: a kernel's headers take half a second to read.  Those that
# have errors are left out the next time, until the rest compiles.  Only that last compilation
# writes the list of headers read, on which kbuild makes the result depend.
set -u
header=$1 release=$2 probes=$3
shift 3
errors=$header.errors
trap 'rm -f "$errors"' EXIT
failed=
export LC_ALL=C

# The probes without those in $failed, whose lines stay, empty.
remaining()
{
	echo "#line 1 \"$probes\""
	awk -v failed="$failed" '
		/^HWL_(HAVE|NEED)\(/ { split($0, part, /[(,]/); name = part[2] }
		/^$/ { name = "" }
		{ print name != "" && index(failed, " " name " ") ? "" : $0 }' "$probes"
}

# The names of the probes in which the compiler found errors; those in a macro are followed by
# notes that say where it is used.
in_error()
{
	awk -v file="$probes" '
		FILENAME == file {
			if (/^HWL_(HAVE|NEED)\(/) { split($0, part, /[(,]/); name = part[2] }
			if (/^$/) name = ""
			probe[FNR] = name
			next
		}
		/: (fatal )?error:/ { pending = 1 }
		/: warning:/ { pending = 0 }
		pending && index($0, file ":") == 1 {
			split(substr($0, length(file) + 2), part, ":")
			if (probe[part[1]] != "") { print probe[part[1]]; pending = 0 }
		}' "$probes" "$errors" | sort -u
}

while ! remaining | "$@" -Wno-error -Werror=implicit-function-declaration -fsyntax-only \
	-x c - 2>"$errors"; do
	names=$(in_error)
	if [ -z "$names" ]; then
		echo "hartwell: nothing can be compiled for Linux $release:" \
			"$(grep -m 1 -E 'error:|not found' "$errors" || head -n 1 "$errors")" >&2
		exit 1
	fi
	for name in $names; do
		failed="$failed $name "
	done
done

lacking=$(awk -v failed="$failed" '
	/^HWL_NEED\(/ {
		split($0, part, /[(,]/)
		if (index(failed, " " part[2] " ")) {
			split($0, part, "\"")
			printf "%s%s", n++ ? ", " : "", part[2]
		}
	}' "$probes")
if [ -n "$lacking" ]; then
	echo "hartwell: Linux $release lacks what the driver needs: $lacking" >&2
	exit 1
fi

awk -v failed="$failed" -v release="$release" '
	BEGIN { print "/* Made by src/compat/probe.sh: what Linux " release " offers. */" }
	/^HWL_HAVE\(/ {
		split($0, part, /[(,]/)
		print "#define HWL_HAVE_" part[2], index(failed, " " part[2] " ") ? 0 : 1
	}' "$probes" >"$header"
