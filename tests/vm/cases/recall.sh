# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a server that runs short of memory gets it back: leapd calls slabs
# back, and what is in them goes to another server, also if some of the writes
# fail, while the program goes on and finds every byte right.
# RDMA: rxe siw
# MEM: 640
# TIMEOUT: 170
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/shortage.sh
. "${LEAP_LIB%/*}/shortage.sh"

start_careful_leapd --recall $((20 * LEAP_SCALE)) || fail "leapd does not start"
on_m2 start_leapd 9401 --slab 2M --memory 64M --reserve 16M || fail "a second leapd does not start"
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

both="rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?timeout_ms=$((5000 * LEAP_SCALE))"
disk=$(swap_written_bytes)
give_back "to another server" "$both"
[ "$(leap_stat moved_pages)" -gt 0 ] || fail "no page was moved"
say "$((($(swap_written_bytes) - disk) >> 12)) pages went to the disk meanwhile"

# Writes that fail while slabs move: of the program's and of the mover's.
if inject fail_store 10; then
	give_back "with failures" "$both"
	inject fail_store 0
fi
