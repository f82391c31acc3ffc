# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What real programs are given by cases, the soak and the bench: the same in every
# run. For scripts that have sourced the library; use it by:
# . "${LEAP_LIB%/*}/workload.sh"

# make_lines BYTES: for sort, in no order
make_lines() {
	python3 -c "
import random
random.seed(1)
size = 0
while size < $1:
    line = '%016x %s' % (random.getrandbits(64), 'x' * random.randrange(60))
    print(line)
    size += len(line) + 1"
}

# make_sql ROWS: for sqlite3, everything in memory: a table, an index, changes, and
# all of it read in another order
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
	SELECT * FROM t ORDER BY k;
	SQL
}

# make_sets KEYS: for redis, SETs of key:1 and so on to values of 2000 bytes
make_sets() {
	awk -v keys="$1" 'BEGIN {
		srand(1)
		for (i = 1; i <= keys; i++) {
			v = ""
			for (j = 0; j < 20; j++)
				v = v sprintf("%010d", rand() * 1000000000)
			v = v v v v v
			printf "SET key:%d %s%s\r\n", i, v, v
		}
	}'
}

# make_gets KEYS: asks redis for all of these
make_gets() { seq -f 'GET key:%.0f' "$1"; }

# peak COMMAND...: runs it in a cgroup of its own and leaves in the file "peak" how
# many bytes it needed
peak() {
	local group=/sys/fs/cgroup/peak result
	mkdir "$group" || return
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec "$@"
	)
	result=$?
	cat "$group/memory.peak" >peak
	rmdir "$group"
	return "$result"
}
