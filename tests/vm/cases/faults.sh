# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Two cells of the fault matrix, of which make fault-matrix runs all: a server is
# killed while a program loads, with a second copy and without.
# TIMEOUT: 120
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

for cell in kill.load.2 kill.load.1; do
	LEAP_CASE=$cell bash "${LEAP_LIB%/*}/cell.sh" || fail "$cell"
	say "$cell is well after $SECONDS s"
done
