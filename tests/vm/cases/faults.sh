# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Three cells of the fault matrix, of which make fault-matrix runs all: one of two
# servers is killed while a program loads, the only one freezes while it reads ahead,
# and one is started anew during swapoff, with a copy on the disk.
# TIMEOUT: 300
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

for cell in kill.load.2 freeze.prefetch.1 restart.swapoff.disk; do
	LEAP_CASE=$cell bash "${LEAP_LIB%/*}/cell.sh" || fail "$cell"
done
