# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that allocations that fail do no harm to sessions through RDMA: making one
# works or is refused, and leaves nothing behind that keeps the next try from working;
# one that is there loses no byte, nor does it when it has to connect again.
# FLAVOUR: debug
# RDMA: rxe siw
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/allocs.sh
. "${LEAP_LIB%/*}/allocs.sh"

mib=4
tries=20
portal="rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?replicas=2&verify=1&slab=2M&timeout_ms=$((3000 * LEAP_SCALE))"

verify() {
	run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --threads 2 --passes "$1"
}

on_m2 start_leapd 9400 --slab 2M || fail "leapd does not start"
on_m2 start_leapd 9401 --slab 2M || fail "the second leapd does not start"
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

# Further and further on the way to a session.
made=0 failed=0 every=2
for ((i = 0; i < tries; i++)); do
	every=$((every * 3 / 2 + 1))
	alloc_fails 100 $every
	if leapctl session create "$portal" >/run/made 2>&1; then made=$((made + 1)); fi
	failed=$((failed + $(alloc_failures)))
	alloc_fails_no_more
	if [ -n "$(cat /sys/kernel/mm/leap/session)" ]; then
		leapctl session destroy || fail "try $i: the session cannot be ended"
	fi
done
say "$made of $tries sessions were made while $failed allocations failed; of the last one: $(cat /run/made)"
[ "$failed" -ge $((tries - made)) ] || fail "only $failed allocations have failed"
[ "$made" -lt "$tries" ] || fail "no session was refused"
[ "$made" -gt 0 ] || fail "each session was refused"

leapctl session create "$portal" || fail "no session after that"
alloc_fails 5
verify 2 || fail "wrong data while allocations fail"
failed=$(alloc_failures)
alloc_fails_no_more
say "$failed allocations failed: $(leap_stat refused_stores) stores refused, $(leap_stat failed_stores) failed"
[ "$failed" -ge 100 ] || fail "only $failed allocations have failed"
[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads failed"

# Connecting again takes allocations, too; what fails is tried again.
alloc_fails 2
on_m2 kill_leapd 9401
wait_for 30 server_is 1 lost || fail "nobody notices that a server is gone"
on_m2 start_leapd 9401 --slab 2M || fail "the second leapd does not start again"
pause $((2 * LEAP_SCALE))
alloc_fails_no_more
wait_for 60 server_is 1 up || fail "the server is not used again"
verify 1 || fail "wrong data afterwards"
leapctl session destroy || fail "the session cannot be ended"
