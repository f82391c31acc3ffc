# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Records the programs of this folder, each with half of the memory that it needs:
#   make vm M1=tests/replay/traces/record.sh OUT=DIR T=1800
#   gzip -9n DIR/*.trace && mv DIR/*.trace.gz tests/replay/traces
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

export LC_ALL=C
group=/sys/fs/cgroup/recorded
client=:

# in_group COMMAND...: with $client beside it
in_group() {
	(
		echo "$BASHPID" >$group/cgroup.procs
		exec "$@"
	) &
	$client
	wait $!
}

# record NAME COMMAND...: once to see what it needs, once with half of that
record() {
	local name=$1 trace=$LEAP_SHARED/$1.trace peak
	shift
	mkdir $group
	in_group "$@" >/run/first || fail "$name failed"
	peak=$(cat $group/memory.peak)
	rmdir $group
	mkdir $group
	echo $((peak / 2)) >$group/memory.high
	in_group leapctl record -o "$trace" -- "$@" >/run/second || fail "$name failed when recorded"
	cat $group/memory.events | tr '\n' ' '
	rmdir $group
	cmp /run/first /run/second || fail "$name printed something else when recorded"
	say "$name: peak $((peak >> 10)) KiB, $(stat -c %s "$trace") bytes"
}

# What redis-server is asked for: every key written, then read at random.
redis_client() {
	wait_for 30 redis-cli -p 6400 ping
	redis-benchmark -p 6400 -t set,get -r 12000 -n 30000 -d 700 -P 8 -c 4 -q >/dev/null
	redis-cli -p 6400 shutdown nosave
}

# sqlite_script ROWS: a table, an index on what has no order, and queries by both
sqlite_script() {
	cat <<-END
		CREATE TABLE t(id INTEGER PRIMARY KEY, k INTEGER, v TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
			INSERT INTO t SELECT i, (i * 7919) % 1000003, printf('%0180d', i) FROM n;
		CREATE INDEX by_k ON t(k);
		SELECT count(*), sum(length(v)) FROM t;
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
			SELECT sum(length(t.v)) FROM n JOIN t ON t.k = (n.i * 7919 * 11) % 1000003;
		SELECT sum(k) FROM t WHERE id BETWEEN 10000 AND 30000 AND v LIKE '%7';
	END
}

modprobe leap
on_m2 start_leapd || fail "no server"
leap_up
awk 'BEGIN { srand(7); for (i = 0; i < 150000; i++) printf "%08x%08x some text\n", rand() * 2^31, rand() * 2^31 }' >/run/lines
sqlite_script 60000 >/run/script

record stream leap-test-kernels stream 16 3
record matmul leap-test-kernels matmul 16 5
record pagerank leap-test-kernels pagerank 16 4
record sort sort --parallel=1 -S 64M -o /dev/null /run/lines
record sqlite sqlite3 :memory: ".read /run/script"
client=redis_client
record redis redis-server --port 6400 --save '' --appendonly no --daemonize no --logfile /dev/null
leap_down
