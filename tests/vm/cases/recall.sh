# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a server that runs short of memory gets it back: leapd calls slabs
# back, and what is in them goes to another server, also if some of the writes
# fail, while the program goes on and finds every byte right. If the server dies
# while that goes on, what was left there is lost, and nothing else.
# RDMA: rxe siw
# MEM: 640
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/shortage.sh
. "${LEAP_LIB%/*}/shortage.sh"

start_careful_leapd --recall $((30 * LEAP_SCALE)) || fail "leapd does not start"
# Less than the first, so that slabs come from there as long as they can.
on_m2 start_leapd 9401 --slab 2M --memory 16M --reserve 16M || fail "a second leapd does not start"
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

# It dies as soon as the first slab has been given back.
leapctl session create "$both" || fail "no session"
moved=$(leap_stat moved_pages)
without_rseq leapctl run -- leap-test-keeper 2 &
program=$!
wait_for 60 serves 64 || fail "nothing is stored"
hog
moves() { [ "$(leap_stat moved_pages)" -gt "$moved" ]; }
wait_for 60 moves || fail "no page is moved"
on_m2 kill_leapd 9400
wait_for 20 server_is 0 lost || fail "nobody has noticed that the server is dead"
say "killed after $(($(leap_stat moved_pages) - moved)) pages were moved"
pkill -TERM -x leap-test-keepe
wait "$program"
status=$?
[ "$status" = 0 ] || [ "$status" = $((128 + 7)) ] || fail "exit status $status, where 0 or SIGBUS was due"
leapctl session destroy --force || fail "the session cannot be ended"
