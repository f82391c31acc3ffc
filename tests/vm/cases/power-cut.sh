# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a server that is gone from one instant to the next (no disconnect,
# no answer) is noticed within the timeout, and nothing hangs.
# RDMA: rxe siw
# GROUP: power
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up "rdma://1,$LEAP_M2:9400?timeout_ms=$((2000 * LEAP_SCALE))"
without_rseq run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 1000 &
program=$!
stored() { [ "$(leap_stat stored_pages)" -gt $((mib << 6)) ]; }
wait_for 60 stored || fail "nothing is stored"
on_m2 power_cut
wait_for 30 server_is 0 lost || fail "the server's death goes unnoticed"
wait "$program"
status=$?
[ "$status" = $((128 + 7)) ] || fail "exit status $status, where SIGBUS was due"
leapctl session destroy --force || fail "the session cannot be ended"
swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
rmmod leap || fail "rmmod failed"
