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
# shellcheck source=tests/vm/versions.sh
. "${LEAP_LIB%/*}/versions.sh"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=4
half=$((mib << 19))

kill_server() {
	on_m2 pkill -KILL -x leapd
	wait_for 20 server_is 0 lost || fail "nobody notices"
}
start_server() {
	on_m2 wait_for 10 not rdma_listens 9400
	on_m2 start_leapd 9400 --slab 4M || fail "leapd does not start"
}
back() { wait_for 60 server_is 0 up || fail "it does not come back: $(dmesg | grep 'leap: ' | tail -n 3)"; }
busy() { [ "$(leap_stat "$1")" -gt "$2" ]; }
no_failed_load() { [ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"; }

# lose WHAT: the server is killed while a program does WHAT, and comes back empty
lose() {
	local program read more
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2 --passes 100000 &
	program=$!
	more=$(($(leap_stat "$1") + (mib << 7)))
	wait_for 60 busy "$1" "$more" || fail "$1 has not grown by enough"
	read=$(leap_stat backup_read_pages)
	kill_server
	wait_for 60 busy backup_read_pages $((read + (mib << 4))) || fail "nothing is read from the disk"
	start_server
	back
	more=$(($(leap_stat stored_pages) + (mib << 6)))
	wait_for 60 busy stored_pages "$more" || fail "nothing is stored any more"
	kill -0 "$program" || fail "the program is gone; $(dmesg | grep 'leap: ' | tail -n 3)"
	pkill -TERM -x leap-test-verif
	wait "$program" || fail "$1: wrong data"
	no_failed_load
	say "killed, $1: $(($(leap_stat backup_read_pages) - read)) pages read from the disk"
}

# keep: a program has all of its pages stored
remote() { [ "$(leap_stat remote_pages)" -ge $((before + (mib << 8) * 9 / 10)) ]; }
keep() {
	before=$(leap_stat remote_pages)
	hold "$mib"
	wait_for 20 remote || fail "only $(leap_stat remote_pages) pages are remote"
	read=$(leap_stat backup_read_pages)
}

# look WHEN: lets it read them; they have to be right, and from the disk
look() {
	go_on
	wait "$holder" || fail "$1: the program ended with status $?"
	read=$(($(leap_stat backup_read_pages) - read))
	((read >= (mib << 8) * 9 / 10)) || fail "$1: only $read pages were read from the disk"
	no_failed_load
	say "$1: $read pages read from the disk"
}

start_server
leap_up "rdma://1,$LEAP_M2:9400?backup=disk&verify=1&timeout_ms=$((2000 * LEAP_SCALE))"
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2 || fail "wrong data"
[ "$(leap_stat backup_written_pages)" = "$(leap_stat stored_pages)" ] ||
	fail "$(leap_stat stored_pages) pages stored, $(leap_stat backup_written_pages) written to the disk"
[ "$(leap_stat backup_read_pages)" = 0 ] || fail "pages were read from the disk for nothing"

lose stored_pages
lose loaded_pages

keep
kill_server
look "without a server"
start_server
back

keep
kill_server
start_server
back
look "with an empty one"

keep
kill_server
leapctl session destroy || fail "the session cannot be ended without its server"
look "after the session"
[ "$(leap_stat corrupt_pages)" = 0 ] || fail "$(leap_stat corrupt_pages) right pages were found wrong"
