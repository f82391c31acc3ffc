# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that servers are added to a session and removed from it while programs run,
# again and again, with every byte right and no load failed: what a removed one had
# goes to the others, or to the swap disk when they are full. And that this may race
# with the end of the session and of the module. In local slabs, where it is fast.
# SMP: 1 2
# GROUP: dram
# TIMEOUT: 600
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32 rounds=5
[ "$LEAP_FLAVOUR" = release ] || mib=8 rounds=4
# shellcheck source=tests/vm/load.sh
. "${LEAP_LIB%/*}/load.sh"

sys=/sys/kernel/mm/leap
there() { [ -n "$(place_of "$1")" ]; }

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
refused "there is no session" add 64M
refused "there is no session" remove 64M

for latency in 0 200; do
	echo $latency >/sys/module/leap/parameters/dram_latency_us
	leapctl session create "dram://2,66M,64M?slab=2M" || fail "no session"
	load
	wait_for 20 holds 0 || fail "nothing is in the first server"
	for ((round = 1; round <= rounds; round++)); do
		before=$(leap_stat stored_pages)
		leapctl session add 68M || fail "it is not added"
		leapctl session remove 66M || fail "it is not removed"
		if there $((66 << 20)); then fail "it is there still"; fi
		[ "$(leap_stat stored_pages)" -ge "$before" ] || fail "its stores are not counted any more"
		leapctl session add 66M || fail "it is not added again"
		leapctl session remove 68M || fail "the other one is not removed"
	done
	[ "$(ls $sys/servers)" = "$(printf '%s\n' 0 1 add remove)" ] || fail "places: $(ls $sys/servers)"
	leapctl session show
	say "latency $latency: $(leap_stat moved_pages) pages moved so far"
	check_load
	[ "$(leap_stat moved_pages)" -gt 0 ] || fail "no page was moved"
	leapctl session destroy || fail "the session cannot be ended"
	[ "$(leap_stat slabs) $(leap_stat remote_pages)" = "0 0" ] || fail "slabs or pages stay"
done

say "bad inputs"
leapctl session create "dram://1,64M?slab=4M" || fail "no session"
refused "is no multiple of 2M" add 63
refused "is no multiple of 2M" add 10.0.0.2:9400
refused "no server is named" add ""
refused "no blanks" add "64M 64M"
refused "is no multiple of 2M" remove x
refused "is no server of the session" remove 62M
refused "needs its last server" remove 64M
for ((i = 1; i < 64; i++)); do leapctl session add 2M || fail "server $i is not added"; done
refused "64 servers" add 2M
leapctl session remove 2M || fail "one of many is not removed"
leapctl session add 2M || fail "its place is not free"
leapctl session show --json | jq -e '.servers | length == 64 and all(.capacity_bytes > 0)' || fail "session show --json"
leapctl session destroy || fail "the session cannot be ended"
leapctl session create "dram://2,64M,64M?replicas=2&slab=4M" || fail "no session"
refused "as many servers as copies" remove 64M
leapctl session add 66M || fail "it is not added"
load
leapctl session remove 64M || fail "one of three copies' servers is not removed"
check_load
leapctl session destroy || fail "the session cannot be ended"

say "nobody else has room"
leapctl session create "dram://2,64M,4M?slab=4M" || fail "no session"
load
disk=$(swap_written_bytes)
leapctl session remove 64M || fail "it is not removed"
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "nothing went to the disk"
leapctl session add 64M || fail "it is not added again"
check_load
leapctl session destroy || fail "the session cannot be ended"

say "races"
for ((round = 1; round <= rounds; round++)); do
	leapctl session create "dram://3,64M,66M,68M?slab=4M" || fail "no session"
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 1 || fail "wrong data"
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 1 &
	program=$!
	pause 0.$((RANDOM % 9))
	leapctl session remove --no-wait 64M || fail "it is not removed"
	leapctl session remove 66M 2>/dev/null &
	leapctl session add 70M 2>/dev/null &
	leapctl session destroy || fail "the session cannot be ended"
	wait "$program" || fail "wrong data"
	wait
done
swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
for ((round = 1; round <= rounds; round++)); do
	(while [ -d $sys ]; do
		echo 64M >$sys/servers/add
		echo 64M >$sys/servers/remove
	done) 2>/dev/null &
	pause 0.2
	rmmod leap || fail "rmmod failed"
	wait
	modprobe leap || fail "modprobe failed"
done
