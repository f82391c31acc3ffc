# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with backup=disk no byte is lost with the only server, whatever is
# under way when it is killed: what it had is read from the swap disk, also after
# it has come back empty, and also by the end of the session.
# RDMA: rxe siw
# TIMEOUT: 240
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=4
# shellcheck source=tests/vm/load.sh
. "${LEAP_LIB%/*}/load.sh"

kill_server() {
	on_m2 kill_leapd
	wait_for 20 server_is 0 lost || fail "nobody notices"
}
start_server() {
	on_m2 start_leapd 9400 --slab 4M || fail "leapd does not start"
}
back() { wait_for 60 server_is 0 up || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"; }

# lose WHAT: the server is killed while a program does WHAT, and comes back empty
lose() {
	local read
	load
	wait_more "$1" $((mib << 7))
	read=$(leap_stat backup_read_pages)
	kill_server
	wait_more backup_read_pages $((mib << 4))
	start_server
	back
	wait_more stored_pages $((mib << 6))
	check_load
	say "killed, $1: $(($(leap_stat backup_read_pages) - read)) pages read from the disk"
}

# from_disk WHEN: the holder's pages have to be right, and from the disk
from_disk() {
	say "read $1"
	must_end 0 backup_read_pages
	[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"
}

start_server
leap_up "rdma://1,$LEAP_M2:9400?backup=disk&verify=1&timeout_ms=$((2000 * LEAP_SCALE))"
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2 || fail "wrong data"
[ "$(leap_stat backup_written_pages)" = "$(leap_stat stored_pages)" ] ||
	fail "$(leap_stat stored_pages) pages stored, $(leap_stat backup_written_pages) written to the disk"
[ "$(leap_stat backup_read_pages)" = 0 ] || fail "pages were read from the disk for nothing"

lose stored_pages
lose loaded_pages

hold "$mib"
kill_server
from_disk "without a server"
start_server
back

hold "$mib"
kill_server
start_server
back
from_disk "with an empty one"

hold "$mib"
kill_server
leapctl session destroy || fail "the session cannot be ended without its server"
from_disk "after the session"
[ "$(leap_stat corrupt_pages)" = 0 ] || fail "$(leap_stat corrupt_pages) right pages were found wrong"
