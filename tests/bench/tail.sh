# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "tail", as it runs in m1: the slowest accesses of a steady stream, stride
# 10 with 500 us of computing. How slow they are, and from the kernel's trace, which
# makes them slower yet, who had the processor meanwhile.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tracing=/sys/kernel/tracing
events=(leap/leap_fault sched/sched_switch irq/softirq_entry irq/softirq_exit
	workqueue/workqueue_execute_start workqueue/workqueue_execute_end)

# scan OPTIONS...: on the system that reads ahead
scan() {
	on_system $((MIB << 19)) leap-test-faultlat --json /run/scan.json --compute-us 500 \
		"$@" "$MIB" 10 2>&1
}

# plain SYSTEM ROUND
plain() {
	local text
	step "round $2: $1"
	read_ahead "$1"
	counters >/run/before
	text=$(scan) || fail "$1: $text"
	record /run/scan.json kind scan system "$1" round "$2"
	say "$text"
}

# traced SYSTEM: only the accesses of the scan are in the trace
traced() {
	local event text
	step "traced: $1"
	echo 32768 >$tracing/buffer_size_kb
	echo >$tracing/trace
	for event in "${events[@]}"; do echo 1 >"$tracing/events/$event/enable"; done
	text=$(scan --mark-us 100) || fail "$1: $text"
	for event in "${events[@]}"; do echo 0 >"$tracing/events/$event/enable"; done
	mv /run/scan.json "$out/$1.json"
	grep -v '^#' $tracing/trace >"$out/$1.trace"
	say "$text"
}

steps $((3 * ROUNDS + 2))
serve_all
for ((number = 1; number <= ROUNDS; number++)); do
	raw "read_latency.$number" ib_read_lat -s 4096 -n 2000
	raw "read_rate.$number" ib_read_bw -s 4096 -n 10000
	latency_us=$(awk '$1 == 4096 { printf "%d", $5 }' "$out/read_latency.$number.txt")
	for system in nvme trend dram; do
		swap_up "${system/trend/leap}" "$latency_us"
		plain "$system" "$number"
		if [ "$number" = 1 ] && [ "$system" != nvme ]; then traced "$system"; fi
		swap_down "${system/trend/leap}"
	done
done
