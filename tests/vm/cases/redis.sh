# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that redis-server with half of the memory that it needs, the rest of it
# in the other guest, has the same values as one without a limit: all are read
# back by its protocol, by its own digest of everything, and from the snapshot
# that a forked child writes while the parent's pages are remote.
# FLAVOUR: release
# TIMEOUT: 600
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/workload.sh
. "${LEAP_LIB%/*}/workload.sh"

# Few keys with long values, for the time goes by the number of questions.
keys=8000
cd /run || exit

redis() { redis-cli -s "/run/$1.sock" "${@:2}"; }
# Another process writes the log: a page of tmpfs belongs to none and would go to
# the disk.
serve() {
	local name=$1
	shift
	"$@" redis-server --port 0 --unixsocket "/run/$name.sock" --save "" --dir "$LEAP_SHARED" \
		--dbfilename "$name.rdb" --enable-debug-command yes --daemonize no 2>&1 | cat >"$name.log" &
	wait_for 20 redis "$name" ping || fail "redis does not start: $(cat "$name.log")"
}
fill() { redis "$1" --pipe <commands >/dev/null; }
read_back() { make_gets "$keys" | redis "$1" | sha256sum; }
digest() { redis "$1" debug digest; }
finish() {
	redis "$1" shutdown nosave
	wait_for 20 not redis "$1" ping
}
so_far() { say "$1 after $SECONDS s, $(leap_stat stored_pages) pages stored, $(leap_stat loaded_pages) loaded"; }

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
disk=$(swap_written_bytes)

make_sets "$keys" >commands
serve free
fill free || fail "redis cannot be filled"
free=$(read_back free) free_digest=$(digest free)
used=$(redis free info memory | tr -d '\r' | awk -F: '$1 == "used_memory_rss" { print $2 }')
finish free

serve limited run_limited $((used / 2)) leapctl run --
fill limited || fail "redis cannot be filled with half of its memory"
so_far "filled with half of $((used >> 20)) MiB"
[ "$(read_back limited)" = "$free" ] || fail "redis has other values with half of its memory"
so_far "read back"
[ "$(digest limited)" = "$free_digest" ] || fail "redis has another digest with half of its memory"
[ "$(redis limited bgsave)" = "Background saving started" ] || fail "redis does not save"
saved() { redis limited info persistence | grep -q "rdb_bgsave_in_progress:0"; }
wait_for 120 saved || fail "redis does not end to save"
redis limited info persistence | grep -q "rdb_last_bgsave_status:ok" || fail "redis could not save"
so_far "saved"
finish limited
[ "$(leap_stat stored_pages)" -gt $((used >> 15)) ] || fail "redis hardly used remote memory"
[ "$(leap_stat loaded_pages)" -gt $((used >> 15)) ] || fail "redis hardly read remote memory"

# What the child saw, read by a server without a limit.
mv "$LEAP_SHARED/limited.rdb" "$LEAP_SHARED/again.rdb"
serve again
[ "$(digest again)" = "$free_digest" ] || fail "the snapshot of redis's child is wrong"
finish again
[ "$(swap_written_bytes)" = "$disk" ] || fail "$(($(swap_written_bytes) - disk)) bytes reached the swap disk"
[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
