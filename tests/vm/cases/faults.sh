# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A cell of the fault matrix, of which make fault-matrix runs all: one of two servers
# is killed while a program loads. Proves that it goes on with the other copies.
# TIMEOUT: 120
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

LEAP_CASE=kill.load.2 bash "${LEAP_LIB%/*}/cell.sh" || fail "kill.load.2"
