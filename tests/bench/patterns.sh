# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "patterns", as it runs in m1: how long accesses in an order take when
# something reads ahead. Each scan reads $MIB MiB under a memory.high of half of
# that. A pattern is one of leap-test-faultlat's, "+" with computing in between.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

compute_us=500
patterns=(1 1+ 10 10+ reverse 2x10 4x10 random zipf)

# scan PATTERN ROUND SYSTEM
scan() {
	local name us=0 text
	step "round $2: pattern $1 on $3"
	name=$3.$1.$step
	read_ahead "$3"
	[[ $1 != *+ ]] || us=$compute_us
	counters >/run/before
	text=$(on_system $((MIB << 19)) leap-test-faultlat --json /run/scan.json --compute-us "$us" \
		--latencies "$out/$name.ns" "$MIB" "${1%+}" 2>&1) || fail "$name: $text"
	record /run/scan.json kind scan system "$system" pattern "$1" round "$2"
	say "$text"
}

# raw_rates NAME: what the link does at that time; local memory gets its latency
raw_rates() {
	raw "read_latency.$1" ib_read_lat -s 4096 -n 2000
	raw "read_rate.$1" ib_read_bw -s 4096 -n 10000
	raw "write_rate.$1" ib_write_bw -s 4096 -n 5000
	latency_us=$(awk '$1 == 4096 { printf "%d", $5 }' "$out/read_latency.$1.txt")
}

nvme_scans() { for pattern in "${patterns[@]}"; do scan "$pattern" "$1" nvme; done; }

# Where nothing can be foreseen, a prefetcher may cost nothing, which only scans
# close to each other can show.
leap_scans() {
	for pattern in "${patterns[@]}"; do
		scan "$pattern" "$1" readahead
		scan "$pattern" "$1" trend
		[[ $pattern = random || $pattern = zipf ]] || continue
		scan "$pattern" "$1" none
		scan "$pattern" "$1" none
		scan "$pattern" "$1" trend
	done
}

# Without the link's limit, but with its latency.
dram_scans() { for pattern in 1 1+ 10 10+; do scan "$pattern" "$1" dram; done; }

# round NUMBER: each begins with another swap, so that none has always the same
# neighbour when the machine is slow for a while
round() {
	local swaps=(nvme leap dram) swap i
	for ((i = 0; i < 3; i++)); do
		swap=${swaps[(i + $1 - 1) % 3]}
		raw_rates "$1.$swap"
		swap_up "$swap" "$latency_us"
		"${swap}_scans" "$1"
		swap_down "$swap"
	done
}

# beside PATTERN PATTERN: two programs at the same time; each stays after its scan
# until its counters have been read
beside() {
	local pattern pid
	for pattern; do
		mkfifo "/run/hold.$pattern"
		on_system $((MIB << 19)) leap-test-faultlat --hold "$MIB" "$pattern" \
			<>"/run/hold.$pattern" >"/run/beside.$pattern" 2>&1 &
	done
	for pattern; do
		wait_for 300 test -s "/run/beside.$pattern" || fail "pattern $pattern beside another does not end"
		pid=$(pgrep -f "^leap-test-faultlat .* $pattern\$") || fail "$(cat "/run/beside.$pattern")"
		awk -v pid="$pid" 'BEGIN { split("faults misses prefetch_hits prefetch_late prefetch_issued", key) }
			$1 == pid { for (i = 1; i <= 5; i++) printf "%s\"%s\":%d", i == 1 ? "{" : ",", key[i], $(i + 3) }
			END { print "}" }' /sys/kernel/mm/leap/prefetch/processes >/run/beside.json
		jq -c --arg pattern "$pattern" --arg both "$*" \
			'{kind: "beside", $pattern, $both} + .' /run/beside.json >>"$out/measured.jsonl"
		say "$pattern of $*: $(cat /run/beside.json)"
	done
	for pattern; do echo >"/run/hold.$pattern"; done
	wait
	for pattern; do rm "/run/hold.$pattern"; done
}

# Each pattern on NVMe-oF and twice on Leap, two of them on Leap three more times,
# and the four in local memory.
steps $((ROUNDS * (3 * ${#patterns[@]} + 6 + 4) + 2))
serve_all
for ((number = 1; number <= ROUNDS; number++)); do round "$number"; done
swap_up leap
read_ahead trend
step "two programs, stride 10 and reverse"
beside 10 reverse
step "two programs, sequential and random"
beside 1 random
swap_down leap
