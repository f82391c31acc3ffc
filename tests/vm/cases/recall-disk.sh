# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that slabs which are called back by the only server are given back, too:
# what is in them goes to the swap disk while the program goes on. And that leapd
# leaves a client alone that gives back what it is asked for, and cuts one off that
# does not, but only past the deadline.
# RDMA: rxe siw
# MEM: 640
# TIMEOUT: 170
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/shortage.sh
. "${LEAP_LIB%/*}/shortage.sh"

# Eight full slabs at a time, and page by page: more than 12 s on the release kernel.
start_careful_leapd --recall $((20 + 10 * LEAP_SCALE)) || fail "leapd does not start"
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

disk=$(swap_written_bytes)
give_back "to the disk" "rdma://1,$LEAP_M2:9400?timeout_ms=$((5000 * LEAP_SCALE))"
[ "$(leap_stat moved_pages)" = 0 ] || fail "pages were moved to nowhere"
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "nothing was written to the disk"

for how in obey-recalls ignore-recalls; do
	coproc leap-test-borrower "$LEAP_M2" 9400 $how
	borrower=$COPROC_PID
	until read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line && [ "$line" = holding ]; do
		kill -0 "$borrower" || fail "$how: $line"
	done
	hog
	cat <&"${COPROC[0]}" >/dev/null &
	wait "$borrower" || fail "$how: leapd does not react as it must"
	unhog
	wait_for 20 is shortage false || fail "$how: the shortage does not end"
	say "$how: $(status recalls) recalls, $(status cut_off) clients cut off so far"
done
[ "$(status cut_off)" = 1 ] || fail "$(status cut_off) clients were cut off, where one was due"
