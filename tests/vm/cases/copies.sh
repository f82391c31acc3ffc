# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with two copies of each page a server that is killed costs no byte,
# whatever is under way just then; that the copies it had are made up for when it
# is back, not faster than they may be; that then the other one may be killed, too;
# and that one which was away is read only for what was not stored meanwhile.
# RDMA: rxe siw
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=4
# shellcheck source=tests/vm/load.sh
. "${LEAP_LIB%/*}/load.sh"
portal="rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?replicas=2&slab=4M&timeout_ms=$((2000 * LEAP_SCALE))"

kill_server() { on_m2 kill_leapd "940$1"; }
start_server() {
	on_m2 start_leapd "940$1" --slab 4M --memory 128M || fail "leapd $1 does not start"
}

# lose INDEX WHAT: that server is killed while a program does WHAT, and comes back
lose() {
	load
	wait_more "$2" $((mib << 7))
	kill_server "$1"
	wait_for 20 server_is "$1" lost || fail "nobody notices"
	wait_more loaded_pages $((mib << 6))
	start_server "$1"
	wait_for 60 server_is "$1" up || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"
	check_load
	say "server $1 killed, $2: $(leap_stat retried_loads) loads tried again so far, $(leap_stat rebuilt_pages) pages rebuilt"
}

start_server 0
start_server 1
leap_up "$portal"
disk=$(swap_written_bytes)
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2 || fail "wrong data"
[ "$(swap_written_bytes)" = "$disk" ] || fail "pages went to the swap disk"
for i in 0 1; do
	[ "$(server_stat $i stored_pages)" -ge "$(leap_stat stored_pages)" ] ||
		fail "server $i has $(server_stat $i stored_pages) of $(leap_stat stored_pages) pages"
done
leapctl session show

lose 0 stored_pages
lose 1 loaded_pages

# What a program has stored before survives both, one after the other, if there is
# time to rebuild in between.
wait_for 60 complete || fail "$(missing) copies are missing still"
hold "$mib"
echo 2 >/sys/module/leap/parameters/rebuild_mib
for i in 0 1; do
	kill_server $i
	wait_for 20 server_is $i lost || fail "nobody notices"
	wait_for 5 not complete || fail "no copies are missing"
	leapctl session show | grep -q "copies .* [1-9][0-9]* are missing now" || fail "nothing is shown to be missing"
	start_server $i
	wait_for 60 server_is $i up || fail "it does not come back"
	left=$(missing) started=${EPOCHREALTIME/./}
	wait_for 120 complete || fail "$(missing) copies are missing still"
	took=$(((${EPOCHREALTIME/./} - started) / 1000))
	say "$left pages copied in $took ms"
	[ "$took" -ge $((left * 900 / 512)) ] || fail "that is more than 2 MiB a second"
done
echo 64 >/sys/module/leap/parameters/rebuild_mib
must_end 0 loaded_pages
[ "$(leap_stat rebuilt_pages)" -ge $((mib << 7)) ] || fail "too little was rebuilt"
[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"

# One that was frozen has old versions of half of the pages. They are checked while it
# is the other one that has the new ones, and when it has got these, too.
hold "$mib"
echo 1 >/sys/module/leap/parameters/rebuild_mib
on_m2 signal_leapd STOP 9400
wait_for 20 server_is 0 lost || fail "nobody notices"
tell half
on_m2 signal_leapd CONT 9400
wait_for 60 server_is 0 up || fail "it does not come back"
read_before=$(server_stat 0 loaded_pages)
tell check
# On the debug kernel that may take longer than the slowest rebuild.
[ "$LEAP_FLAVOUR" != release ] || ! complete || fail "the rebuild was over too soon"
[ "$(server_stat 0 loaded_pages)" -gt "$read_before" ] || fail "what it has is not used again"
echo 64 >/sys/module/leap/parameters/rebuild_mib
wait_for 60 complete || fail "$(missing) copies are missing still"
kill_server 1
wait_for 20 server_is 1 lost || fail "nobody notices"
must_end 0
start_server 1
wait_for 60 server_is 1 up || fail "it does not come back"
wait_for 60 complete || fail "$(missing) copies are missing still"

# Errors here and there, on both: now and then on both copies of a page.
if inject fail_store 10 && inject fail_load 5; then
	retried=$(leap_stat retried_loads)
	without_rseq run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 2
	status=$?
	inject fail_store 0
	inject fail_load 0
	case $status in
	0) ;;
	$((128 + 7))) [ "$(leap_stat failed_loads)" -gt 0 ] || fail "SIGBUS without a load that failed" ;;
	*) fail "status $status with errors" ;;
	esac
	[ "$(leap_stat retried_loads)" -gt "$retried" ] || fail "no load was tried again"
	say "with errors: status $status, $(($(leap_stat retried_loads) - retried)) loads tried again, $(leap_stat failed_loads) failed, $(leap_stat rebuilt_pages) pages rebuilt so far"
fi
wait_for 60 complete || fail "$(missing) copies are missing at the end"
leapctl session destroy || fail "the session cannot be ended"
