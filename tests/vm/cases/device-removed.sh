# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that an RDMA device can be removed under a session: whoever removes it
# does not wait, the pages beyond it give SIGBUS, and with the device back a new
# session works.
# RDMA: rxe siw
# GROUP: device
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
portal="rdma://1,$LEAP_M2:9400"
driver=rdma_rxe
[ "$LEAP_RDMA" = rxe ] || driver=siw

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up "$portal"
without_rseq run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --passes 1000 &
program=$!
busy() { [ "$(leap_stat loaded_pages)" -gt 200 ]; }
wait_for 60 busy || fail "the program does not swap"

timeout $((30 * LEAP_SCALE)) rdma link delete "${LEAP_RDMA}0" || fail "the device cannot be removed: status $?"
wait "$program"
status=$?
[ "$status" = $((128 + 7)) ] || fail "the program ended with status $status instead of by SIGBUS"
server_is 0 lost || fail "a server without a device passes for alive"
leapctl session destroy --force || fail "the session cannot be ended"
rmmod "$driver" || fail "something holds the driver"

modprobe "$driver"
rdma link add "${LEAP_RDMA}0" type "$LEAP_RDMA" netdev eth0 || fail "no device any more"
leapctl session create "$portal" || fail "no session with the device back"
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" || fail "wrong data"
[ "$(leap_stat failed_loads)" -gt 0 ] || fail "no load failed when the device went"
