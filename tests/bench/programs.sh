# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "programs", as it runs in m1: how long real programs take with all, half
# and a quarter of the memory that they need. What each of them prints must be
# the same as without a limit.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/workload.sh
. "${LEAP_LIB%/*}/workload.sh"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

programs=(sort sqlite3 redis stream matmul pagerank)
cd /run || exit

# Loads redis by its protocol, and asks for a quarter of the values in no order.
make_requests() {
	head -c $((PROGRAM_MIB << 17)) lines | sed '$d' >values
	awk '{ printf "SET key:%d \"%s %s\"\r\n", NR, $0, $0 }' values >sets
	awk 'NR % 4 == 1 { print $1, "GET key:" NR }' values | sort | cut -d' ' -f2- >gets
}

# timed COMMAND...: "seconds" is how long it ran
timed() {
	local start=$EPOCHREALTIME result
	"$@"
	result=$?
	awk -v from="$start" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", to - from }' >seconds
	return "$result"
}

# program_NAME PREFIX...: runs it by that command and prints a digest of its result.
# The buffer of sort holds the whole file, else it uses files instead of memory. The
# rounds are few because each of them reads everything from swap again.
program_sort() { timed "$@" sort --parallel=1 -S $((PROGRAM_MIB * 4))M lines | sha256sum; }
program_sqlite3() { timed "$@" sqlite3 -init sql :memory: .quit 2>&1 | sha256sum; }
program_stream() { timed "$@" leap-test-kernels stream "$PROGRAM_MIB" 2; }
program_matmul() { timed "$@" leap-test-kernels matmul "$PROGRAM_MIB" 4; }
program_pagerank() { timed "$@" leap-test-kernels pagerank "$PROGRAM_MIB" 4; }

redis() { redis-cli -s /run/redis.sock "$@"; }
requests() {
	redis --pipe <sets >replies || return
	grep -q 'errors: 0' replies || return
	redis <gets | sha256sum
}
program_redis() {
	"$@" redis-server --port 0 --unixsocket /run/redis.sock --save "" --daemonize no >redis.log 2>&1 &
	wait_for 20 redis ping || return
	timed requests || return
	redis shutdown nosave
	wait $!
}

# measure PROGRAM PERCENT SYSTEM
measure() {
	local got right=true
	step "$1 with $2 % of $((needs[$1] >> 20)) MiB on $3"
	read_ahead "$3"
	counters >before
	got=$("program_$1" on_system $((needs[$1] * $2 / 100))) || got="status $?"
	if [ "$got" != "${results[$1]}" ]; then
		right=false wrong=$((wrong + 1))
		say "WRONG: $got instead of ${results[$1]}"
	fi
	echo "{\"seconds\":$(cat seconds),\"percent\":$2,\"right\":$right}" >run.json
	record run.json kind program system "$3" program "$1" needs "${needs[$1]}"
	say "$(cat seconds) s"
}

make_lines $((PROGRAM_MIB << 19)) >lines
make_sql $((PROGRAM_MIB * 1350)) >sql
make_requests
declare -A needs=() results=()
wrong=0
steps $((${#programs[@]} * 10))
serve_all
raw read_latency.1 ib_read_lat -s 4096 -n 2000
raw read_rate.1 ib_read_bw -s 4096 -n 10000
for program in "${programs[@]}"; do
	step "$program without a limit"
	results[$program]=$("program_$program" peak) || fail "$program: ${results[$program]}"
	needs[$program]=$(cat peak)
	say "$(cat seconds) s, $((needs[$program] >> 20)) MiB, ${results[$program]}"
	echo "{\"seconds\":$(cat seconds),\"needs\":${needs[$program]}}" |
		jq -c --arg program "$program" '{kind: "free", $program} + .' >>"$out/measured.jsonl"
done
# Begins with what tells best how long all of it will take.
for percent in 50 25 100; do
	swap_up nvme
	for program in "${programs[@]}"; do measure "$program" "$percent" nvme; done
	swap_down nvme
	swap_up leap
	for program in "${programs[@]}"; do
		for name in readahead trend; do measure "$program" "$percent" "$name"; done
	done
	swap_down leap
done
[ "$wrong" = 0 ] || fail "$wrong results are wrong"
