# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "safety", as it runs in m1: what it costs to keep pages more safely, in
# scans with the trend prefetcher. Two servers each time, both in m2; with one copy
# of each page, two, one with a checksum, and one that the swap disk has as well;
# without checksums but where they are what is measured.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

options=(plain replicas=2 verify=1 backup=disk)

# scans OPTION ROUND: of a session of its own
scans() {
	local portal="rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?slab=8M" pattern text
	[ "$1" = verify=1 ] || portal+="&verify=0"
	[ "$1" = plain ] || portal+="&$1"
	leap_up "$portal"
	read_ahead trend
	for pattern in 1 10 0; do
		step "round $2: pattern $pattern, $1"
		counters >/run/before
		text=$(on_system $((MIB << 19)) leap-test-faultlat --json /run/scan.json "$MIB" "$pattern" 2>&1) ||
			fail "$1: $text"
		record /run/scan.json kind scan system "$1" round "$2" pattern "$pattern"
		say "$text"
	done
	leap_session_end
}

steps $((${#options[@]} * 3 * ROUNDS))
for port in 9400 9401; do
	on_m2 start_leapd $port --slab 8M || fail "leapd does not start in m2"
done
# Each round begins with another one, so that none has always the same neighbour
# when the machine is slow for a while.
for ((number = 1; number <= ROUNDS; number++)); do
	for ((i = 0; i < ${#options[@]}; i++)); do
		scans "${options[(i + number - 1) % ${#options[@]}]}" "$number"
	done
done
