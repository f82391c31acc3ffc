# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that the copies of a server that is to leave while it is away are not given up
# before they have all been made up for elsewhere: if the only other server is killed
# in the middle of that, the first one still has what it had when it is back.
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=16
# shellcheck source=tests/vm/load.sh
. "${LEAP_LIB%/*}/load.sh"

for port in 9400 9401 9402; do
	on_m2 start_leapd $port --slab 4M --grace $((60 * LEAP_SCALE)) || fail "leapd does not start"
done
leap_up "rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?replicas=2&slab=4M&timeout_ms=$((1000 * LEAP_SCALE))"
hold $mib
wait_for 60 complete || fail "$(missing) copies are missing at first"
leapctl session add "$LEAP_M2:9402" || fail "cannot add a server"
echo 1 >/sys/module/leap/parameters/rebuild_mib
rebuilt=$(leap_stat rebuilt_pages)
on_m2 signal_leapd STOP 9400
wait_for 20 server_is 0 lost || fail "nobody notices"
leapctl session remove "$LEAP_M2:9400" >/run/removed 2>&1 &
removing=$!
wait_for 30 busy rebuilt_pages $((rebuilt + 256)) || fail "nothing is rebuilt"
pause 1	# ten times a second it is looked what can be given up
on_m2 kill_leapd 9401
wait_for 20 server_is 1 lost || fail "nobody notices that the other one is gone"
[ "$(leap_stat rebuilt_pages)" -lt $((rebuilt + (mib << 8) * 3 / 4)) ] || fail "the rebuild was over too soon"
on_m2 signal_leapd CONT 9400
away() { grep -qsE 'lost|reconnecting' /sys/kernel/mm/leap/servers/0/state; }
wait_for 60 not away || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"
say "$(($(leap_stat rebuilt_pages) - rebuilt)) of $((mib << 8)) pages rebuilt when the frozen server was back"
echo 64 >/sys/module/leap/parameters/rebuild_mib
must_end 0
wait $removing || fail "it does not leave: $(cat /run/removed)"
[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"
leapctl session destroy --force || fail "the session cannot be ended"
