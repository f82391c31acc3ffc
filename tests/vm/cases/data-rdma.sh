# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves the main promise: a program with twice the data it may keep in memory
# pages to the other guest's memory, every byte comes back right, nothing
# reaches the swap disk, and the server gets its memory back afterwards.
# RDMA: rxe siw
# SMP: 1 2
# TIMEOUT: 120
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=64
[ "$LEAP_FLAVOUR" = release ] || mib=8

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
disk=$(swap_written_bytes)
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --threads 2 ||
	fail "the data came back wrong"
[ "$(swap_written_bytes)" = "$disk" ] || fail "pages went to the swap disk"
[ "$(leap_stat stored_pages)" -ge $((mib << 7)) ] || fail "too few pages were stored"
[ "$(leap_stat loaded_pages)" -ge $((mib << 7)) ] || fail "too few pages were loaded"
[ "$(leap_stat stored_bytes)" = $(($(leap_stat stored_pages) * 4096)) ] || fail "bytes do not match pages"
[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
[ "$(leap_stat failed_stores)" = 0 ] || fail "stores failed"

# Pages that the device cannot take for a while: stores go to the disk, loads
# wait, for there is no other copy.
if inject fail_map 20; then
	run_limited $((mib << 18)) leapctl run -- leap-test-verify "$((mib / 2))M" ||
		fail "wrong data with pages that cannot be mapped"
	inject fail_map 0
	[ "$(leap_stat failed_stores)" -gt 0 ] || fail "no page could not be mapped"
	[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
fi
no_flight() { [ "$(leap_stat inflight_loads) $(leap_stat inflight_stores)" = "0 0" ]; }
wait_for 5 no_flight || fail "requests are under way without end"
leapctl session destroy || fail "the session cannot be ended"
wait_for 10 grep -q "client-gone: it says goodbye" "$LEAP_SHARED/leapd.9400.log" ||
	fail "leapd has not heard the goodbye"
