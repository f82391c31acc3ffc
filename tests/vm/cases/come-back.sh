# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a session outlives its only server. One that was frozen, or cut off
# by the network, is used again with what it had; of one that was killed and has
# come back empty, an access to a page that was there gets SIGBUS and nothing else
# does. Meanwhile stores go to the swap disk, and afterwards to the server.
# RDMA: rxe siw
# TIMEOUT: 240
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=4
half=$((mib << 19))

# others WHERE: another program finds its data right, which goes there
others() {
	local disk stored
	disk=$(swap_written_bytes) stored=$(leap_stat stored_pages)
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 1 || fail "wrong data"
	disk=$((($(swap_written_bytes) - disk) >> 12)) stored=$(($(leap_stat stored_pages) - stored))
	say "$disk pages went to the disk, $stored to the server"
	if [ "$1" = disk ]; then ((stored == 0 && disk > 0)); else ((stored > 0)); fi || fail "they had to go to the $1"
}

lossy_link || fail "the link cannot be prepared"
on_m2 start_leapd 9400 --slab 4M || fail "leapd does not start"
leap_up "rdma://1,$LEAP_M2:9400?timeout_ms=$((2000 * LEAP_SCALE))"
leapctl prefetch on

hold "$mib"
say "the server freezes"
on_m2 signal_leapd STOP
wait_for 20 server_is 0 lost || fail "nobody notices"
tell ahead	# what is read ahead in vain now is not lost
pause $((3 * LEAP_SCALE))	# it hears of more than one attempt to reach it then
on_m2 signal_leapd CONT
wait_for 60 server_is 0 up || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"
dmesg | grep "leap: " | tail -n 1
must_end 0 loaded_pages
others server

hold "$mib"
say "the network fails, and the kernel reads ahead"
leapctl prefetch off
drop 100 || fail "the link cannot be cut"
wait_for 30 server_is 0 lost || fail "nobody notices"
tell ahead
undrop
wait_for 90 server_is 0 up || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"
dmesg | grep "leap: " | tail -n 1
must_end 0 loaded_pages
leapctl prefetch on
others server

hold "$mib"
say "leapd is killed"
on_m2 kill_leapd
wait_for 20 server_is 0 lost || fail "nobody notices"
others disk
on_m2 start_leapd 9400 --slab 4M || fail "leapd does not start again"
wait_for 60 server_is 0 up || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"
dmesg | grep "leap: " | tail -n 1
others server
must_end $((128 + 7))
[ "$(leap_stat failed_loads)" -gt 0 ] || fail "no load has failed"
others server
leapctl session destroy || fail "the session cannot be ended"
