# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that the system call refuses bad pointers, lengths, portals and
# callers, each with the errno that is documented, and makes no session of them.
# TIMEOUT: 60
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

modprobe leap || fail "modprobe leap failed"
leap-test-portal || fail "see the lines that begin with: not ok"
