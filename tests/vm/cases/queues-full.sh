# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that requests which find a queue full wait for their turn, stores and loads
# alike, and are right when it comes; and that they are tried elsewhere, and wait no
# longer, when their server is lost meanwhile. A slow link keeps the queues full.
# RDMA: rxe siw
# FLAVOUR: release
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=16
event=/sys/kernel/tracing/events/leap/leap_done
log=/sys/kernel/tracing/trace

# slow MS: the link, on the way to m2
slow() { tc qdisc change dev eth0 root netem limit 10000 delay "$1ms"; }

# waited OP: requests that have waited for longer than it takes one to be answered
waited() { grep -c "leap_done: $1 " $log; }
# full OP: a queue is full of them
full() { [ "$(waited "$1")" -ge 10 ]; }

verify() {
	run_limited $((mib << 19)) leapctl run -- \
		leap-test-verify "${mib}M" --threads 16 --passes 2 --pattern seq
}

on_m2 start_leapd 9400 || fail "leapd does not start"
on_m2 start_leapd 9401 || fail "the second leapd does not start"
lossy_link || fail "the link cannot be prepared"
leap_up "rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?replicas=2&verify=1&timeout_ms=$((3000 * LEAP_SCALE))"
usual=$(sysctl -n vm.page-cluster)
sysctl -q vm.page-cluster=6

slow 100
echo 'wait > 100000000' >$event/filter
echo >$log
echo 1 >$event/enable
verify || fail "wrong data while requests wait"
echo 0 >$event/enable
say "$(waited store) stores and $(waited load) loads have waited for others"
full store || fail "no queue was full of stores"
full load || fail "no queue was full of loads"

echo >$log
echo 1 >$event/enable
verify &
program=$!
wait_for 60 full store || fail "no queue is full again"
on_m2 kill_leapd 9401
wait_for 30 server_is 1 lost || fail "nobody notices that a server is gone"
slow 0
wait "$program" || fail "wrong data after a server was lost"
echo 0 >$event/enable
[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"
sysctl -q vm.page-cluster="$usual"
say "$(waited store) stores had waited when the server was lost"
