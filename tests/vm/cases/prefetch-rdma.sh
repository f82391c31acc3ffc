# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that data stays right when pages are read ahead over the network, where
# one request may serve several of them: in order and not, while some cannot be
# mapped for the device, and when the server dies with such requests under way.
# RDMA: rxe siw
# SMP: 1 2
# TIMEOUT: 180
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
leapctl prefetch on
for options in "--pattern stride" "--pattern seq --threads 2 --dontneed --remap"; do
	# shellcheck disable=SC2086
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" $options ||
		fail "wrong data with $options"
	say "right with $options: $(leap_stat prefetch_hits) hits, $(leap_stat prefetch_late) late"
done
[ "$(leap_stat prefetch_hits)" -gt 0 ] || fail "no page was prefetched"
run_limited_max "$half" leapctl run -- leap-test-verify "${mib}M" --pattern seq ||
	fail "wrong data, or killed, under memory.max"
if inject fail_map 20; then
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --pattern seq ||
		fail "wrong data with pages that cannot be mapped"
	inject fail_map 0
fi
[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
no_flight() { [ "$(leap_stat inflight_loads) $(leap_stat inflight_stores)" = "0 0" ]; }
wait_for 5 no_flight || fail "requests are under way without end"

before=$(leap_stat prefetch_issued)
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --pattern seq --passes 50 &
program=$!
reading() { [ "$(leap_stat prefetch_issued)" -gt $((before + 500)) ]; }
wait_for 60 reading || fail "the program does not read ahead"
on_m2 kill_leapd
wait "$program"
status=$?
say "server killed: exit status $status"
[ "$status" = $((128 + 7)) ] || fail "exit status $status, where SIGBUS was due"
wait_for 10 no_flight || fail "requests of a server that is gone are under way"
leapctl session destroy || leapctl session destroy --force || fail "the session cannot be ended"
