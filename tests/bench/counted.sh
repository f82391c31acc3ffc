# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "counted", as it runs in m1, which is alone: accesses in an order and in
# none, in local memory. Its latency is such that a page takes as long, with the
# kernel's readahead, as through NVMe-oF over rxe in the part "patterns": 2.17 ms.
# Time is counted in instructions, so what else this machine does changes nothing, and
# a few percent can be seen, and one access in a hundred.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

latency_us=2050
compute_us=500

# scan PATTERN SYSTEM
scan() {
	local us=0 text
	counted=$((counted + 1))
	say "[$counted/20] pattern $1 on $2"
	read_ahead "$2"
	[[ $1 != *+ ]] || us=$compute_us
	counters >/run/before
	text=$(on_system $((MIB << 19)) leap-test-faultlat --json /run/scan.json --compute-us "$us" \
		--latencies "$out/$2.$1.$counted.ns" "$MIB" "${1%+}" 2>&1) || fail "$1 on $2: $text"
	record /run/scan.json kind scan system "$2" pattern "$1" latency_us "$latency_us"
	say "$text"
}

counted=0
swap_up dram "$latency_us"
# Of the kernel's accesses about one in a hundred reclaims, too: by chance p99 is such a one.
for pattern in 1 1+ 10 10+ 10+ 10+; do
	scan "$pattern" readahead
	scan "$pattern" trend
done
for pattern in random zipf; do
	for system in none trend trend none; do scan "$pattern" "$system"; done
done
swap_down dram
