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

mib=8
set -o pipefail
cd /run || exit

# peak COMMAND...: runs it in a cgroup of its own and leaves in $peak how many
# bytes it needed
peak() {
	local group=/sys/fs/cgroup/peak result
	mkdir "$group" || return
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec "$@"
	)
	result=$?
	peak=$(cat "$group/memory.peak")
	rmdir "$group"
	return "$result"
}

# same NAME COMMAND...: what it prints without a limit, it must print with half
# of the memory, and swap meanwhile. Another process writes that down: a page of
# tmpfs belongs to none and would go to the disk.
same() {
	local name=$1 stored loaded
	shift
	peak "$@" >"$name.free" 2>&1 || fail "$name: $(tail -n 3 "$name.free")"
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

# Lines in no order, the same in every run.
make_lines() {
	python3 -c "
import random
random.seed(1)
size = 0
while size < $1 << 20:
    line = '%016x %s' % (random.getrandbits(64), 'x' * random.randrange(60))
    print(line)
    size += len(line) + 1"
}

# Everything in memory: a table, an index, changes, and all of it read again.
make_sql() {
	cat <<-SQL
	.bail on
	PRAGMA cache_size = -1000000;
	PRAGMA temp_store = MEMORY;
	CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, v TEXT);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
	INSERT INTO t SELECT i, i * 2654435761 % 4294967296,
		printf('%.*c', 100 + i % 300, char(97 + i % 26)) || i FROM n;
	CREATE INDEX t_k ON t(k);
	UPDATE t SET v = v || k WHERE k % 3 = 0;
	DELETE FROM t WHERE k % 7 = 0;
	PRAGMA integrity_check;
	SELECT * FROM t ORDER BY k;
	SQL
}

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
disk=$(swap_written_bytes)

make_lines "$mib" >lines
make_sql $((mib * 2000)) >sql
awk '{ printf "{\"key\":\"%s\",\"text\":\"%s\",\"number\":%d}\n", $1, $2, NR }' lines |
	head -c $((mib << 17)) | sed '$d' >objects
# The buffer holds the whole file, else sort uses files instead of memory.
same sort sort --parallel=1 -S $((mib * 4))M lines
same sqlite3 sqlite3 -init sql :memory: .quit
same jq jq -c -s 'reverse | map(select(.number % 2 == 0)) | .[]' objects

[ "$(swap_written_bytes)" = "$disk" ] || fail "$(($(swap_written_bytes) - disk)) bytes reached the swap disk"
[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
