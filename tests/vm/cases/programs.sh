# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that programs which nobody here wrote come to the same result with half
# of the memory that they need, the rest of it in the other guest, as without a
# limit: sort, sqlite3, jq. (redis-server has a case of its own.)
# FLAVOUR: release
# TIMEOUT: 600
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/workload.sh
. "${LEAP_LIB%/*}/workload.sh"

mib=8
set -o pipefail
cd /run || exit

# same NAME COMMAND...: what it prints without a limit, it must print with half
# of the memory, and swap meanwhile. Another process writes that down: a page of
# tmpfs belongs to none and would go to the disk.
same() {
	local name=$1 stored loaded peak
	shift
	peak "$@" >"$name.free" 2>&1 || fail "$name: $(tail -n 3 "$name.free")"
	peak=$(cat peak)
	stored=$(leap_stat stored_pages) loaded=$(leap_stat loaded_pages)
	run_limited $((peak / 2)) leapctl run -- "$@" 2>&1 | cat >"$name.limited" ||
		fail "$name with half of its memory: $(tail -n 3 "$name.limited")"
	cmp "$name.free" "$name.limited" || fail "$name gives another result with half of its memory"
	stored=$(($(leap_stat stored_pages) - stored)) loaded=$(($(leap_stat loaded_pages) - loaded))
	say "$name: $(wc -c <"$name.free") bytes of output are the same with half of $((peak >> 20)) MiB;" \
		"$stored pages stored, $loaded loaded, $SECONDS s so far"
	[ "$stored" -gt $((peak >> 15)) ] || fail "$name hardly used remote memory"
	[ "$loaded" -gt 100 ] || fail "$name hardly read remote memory"
}

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
disk=$(swap_written_bytes)

make_lines $((mib << 20)) >lines
make_sql $((mib * 2000)) >sql
echo "PRAGMA integrity_check;" >>sql
awk '{ printf "{\"key\":\"%s\",\"text\":\"%s\",\"number\":%d}\n", $1, $2, NR }' lines |
	head -c $((mib << 17)) | sed '$d' >objects
# The buffer holds the whole file, else sort uses files instead of memory.
same sort sort --parallel=1 -S $((mib * 4))M lines
same sqlite3 sqlite3 -init sql :memory: .quit
same jq jq -c -s 'reverse | map(select(.number % 2 == 0)) | .[]' objects

[ "$(swap_written_bytes)" = "$disk" ] || fail "$(($(swap_written_bytes) - disk)) bytes reached the swap disk"
[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
