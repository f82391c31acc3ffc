# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Programs of the soak that find out whether their data was right. Sourced by
# guest.sh.
# shellcheck source=tests/vm/workload.sh
. "${LEAP_LIB%/*}/workload.sh"

# When time began, what stops the programs, and where all random numbers come from.
epoch=$SECONDS stop=/run/soak.stop seed=''
mib=12
[ "$LEAP_FLAVOUR" = release ] || mib=4
keys=$((mib * 125))	# that many values redis has

# choose WORD...: sets $choice to one of these
choose() {
	local words=("$@")
	choice=${words[RANDOM % $#]}
}

# limited COMMAND...: with half of $mib in memory, the rest remote. Another process
# writes its output down: a page of tmpfs belongs to none and would go to the disk.
limited() { without_rseq run_limited $((mib << 19)) leapctl run -- "$@" 2>&1 | cat >"$said"; }

# note STATUS BYTES WRONG NAME...: one program has ended, having compared so many bytes
note() {
	local status=$1 bytes=$2 wrong=$3
	shift 3
	printf '{"at": %d, "program": "%s", "status": %d, "bytes": %d, "wrong": %d, "seconds": %d}\n' \
		$((SECONDS - epoch)) "$*" "$status" "$bytes" "$wrong" $((SECONDS - began)) \
		>>"$LEAP_SHARED/programs.jsonl"
	[ "$status" = 0 ] || say "status $status: $*: $(tail -n 3 "$said")"
}

run_verify() {
	local options=() status bytes wrong
	choose seq stride random
	options+=(--pattern "$choice" --seed $((RANDOM + 1)))
	choose 1 1 2 4
	options+=(--threads "$choice")
	choose --dontneed --unmap --remap --fork --thp --fork --thp --progress
	options+=("$choice")
	limited leap-test-verify "${mib}M" "${options[@]}"
	status=$?
	read -r _ bytes _ wrong _ < <(grep -a '^verified' "$said")
	note "$status" "${bytes:-0}" "${wrong:-0}" verify "${options[@]}"
}

# note_keeper STATUS NAME: a leap-test-keeper has ended
note_keeper() {
	local pages wrong
	read -r pages _ _ wrong _ < <(grep -a 'pages checked' "$said")
	note "$1" $((${pages:-0} << 12)) $((${wrong:-0} << 12)) "$2"
}

run_keeper() {
	leapctl run -- leap-test-keeper $((mib / 2)) 2 2>&1 | cat >"$said"
	note_keeper $? keeper
}

# same NAME COMMAND...: it must print what it has printed before any limit
same() {
	local name=$1 status wrong=0
	shift
	limited "$@"
	status=$?
	cmp -s "/run/soak/$name.want" "$said" ||
		wrong=$(cmp -l "/run/soak/$name.want" "$said" 2>/dev/null | wc -l)
	if [ "$status" = 0 ] && ! cmp "/run/soak/$name.want" "$said"; then status=1; fi
	note "$status" "$(stat -c %s "/run/soak/$name.want")" "$wrong" "$name"
}

# The buffer holds the whole file, else sort uses files instead of memory.
sort_it=(sort --parallel=1 -S $((mib * 4))M /run/soak/lines)
sql_it=(sqlite3 -init /run/soak/sql :memory: .quit)
run_sort() { same sort "${sort_it[@]}"; }
run_sqlite3() { same sqlite3 "${sql_it[@]}"; }

redis() { redis-cli -s "/run/soak/$BASHPID.sock" "$@"; }

# Values that a server with half of the memory gives back must be those it was given.
run_redis() {
	local socket=/run/soak/$BASHPID.sock server status wrong
	limited redis-server --port 0 --unixsocket "$socket" --save "" --daemonize no &
	server=$!
	wait_for 60 redis ping
	redis --pipe <"/run/soak/sets" >/dev/null
	for _ in 1 2 3; do redis --raw <"/run/soak/gets"; done >"$said.values"
	redis shutdown nosave
	wait "$server"
	status=$?
	wrong=$(cmp -l /run/soak/redis.want "$said.values" | wc -l)
	if [ "$status" = 0 ] && ! cmp /run/soak/redis.want "$said.values"; then status=1; fi
	note "$status" "$(stat -c %s "$said.values")" "$wrong" redis
}

# make_references: what programs print that have all the memory they want
make_references() {
	mkdir -p /run/soak
	make_lines $((mib << 18)) >/run/soak/lines
	make_sql $((mib * 800)) >/run/soak/sql
	echo "PRAGMA integrity_check;" >>/run/soak/sql
	make_sets "$keys" >/run/soak/sets
	make_gets "$keys" >/run/soak/gets
	for _ in 1 2 3; do awk '{ print $3 }' /run/soak/sets | tr -d '\r'; done >/run/soak/redis.want
	"${sort_it[@]}" >/run/soak/sort.want &&
		"${sql_it[@]}" >/run/soak/sqlite3.want
}

# runner NUMBER: one program after another until $stop is there
runner() {
	local kinds=(verify verify verify keeper sort sqlite3 redis) choice began
	RANDOM=$((seed * 16 + $1))
	said=/run/soak/said.$1
	while [ ! -e "$stop" ]; do
		choose "${kinds[@]}"
		began=$SECONDS
		"run_$choice"
	done
}

# end_program PID: it ends by SIGTERM, once it knows what to do then
end_program() {
	wait_for 120 grep -q stored "$said"
	kill -TERM "$1"
	wait "$1"
}

# watcher: loads pages all the time, and says how long that took at most
watcher() {
	local program status began line
	said=/run/soak/said.watcher
	while [ ! -e "$stop" ]; do
		began=$SECONDS
		leapctl run -- leap-test-stall load 1 >"$said" 2>&1 &
		program=$!
		while [ ! -e "$stop" ] && ((SECONDS - began < 60)); do pause 0.5; done
		end_program "$program"
		status=$?
		line=$(tail -n 1 "$said")
		jq -c --argjson at $((SECONDS - epoch)) '{at: $at} + .' <<<"$line" >>"$LEAP_SHARED/stalls.jsonl"
		note "$status" "$(($(jq .checked <<<"$line") << 12))" "$(($(jq .wrong <<<"$line") << 12))" stall
	done
}

# holder: one program that keeps its data through all that happens
holder() {
	local program began=$SECONDS
	said=/run/soak/said.holder
	leapctl run -- leap-test-keeper $((mib / 4)) >"$said" 2>&1 &
	program=$!
	while [ ! -e "$stop" ]; do pause 1; done
	end_program "$program"
	note_keeper $? holder
}

# limits: moves the memory limit of each group now and then
limits() {
	local group full
	declare -A first
	RANDOM=$((seed * 16 + 15))
	while [ ! -e "$stop" ]; do
		for group in /sys/fs/cgroup/run.*; do
			read -r full 2>/dev/null <"$group/memory.high" || continue
			[ "$full" != max ] || continue # the group is just being made
			: "${first[$group]:=$full}"
			full=${first[$group]}
			echo $((full / 2 + full * (RANDOM % 9) / 8)) 2>/dev/null >"$group/memory.high"
		done
		pause $((1 + RANDOM % 5))
	done
}
