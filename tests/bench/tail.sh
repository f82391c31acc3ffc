# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "tail", as it runs in m1: the processor's time during the slowest
# accesses of a steady stream, stride 10 with 500 us of computing, when the trend
# prefetcher reads ahead. From the kernel's trace, which makes them slower yet.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

tracing=/sys/kernel/tracing
events=(leap/leap_fault sched/sched_switch irq/softirq_entry irq/softirq_exit
	workqueue/workqueue_execute_start workqueue/workqueue_execute_end)

# traced SYSTEM: a scan, of which only the accesses are in the trace
traced() {
	local event text
	step "stride 10 with computing on $1"
	read_ahead "$1"
	echo 32768 >$tracing/buffer_size_kb
	echo >$tracing/trace
	for event in "${events[@]}"; do echo 1 >"$tracing/events/$event/enable"; done
	text=$(on_system $((MIB << 19)) leap-test-faultlat --compute-us 500 --mark-us 100 \
		--json "$out/$1.json" "$MIB" 10 2>&1) || fail "$1: $text"
	for event in "${events[@]}"; do echo 0 >"$tracing/events/$event/enable"; done
	grep -v '^#' $tracing/trace >"$out/$1.trace"
	say "$text"
}

steps 2
serve_all
raw read_latency.1 ib_read_lat -s 4096 -n 2000
raw read_rate.1 ib_read_bw -s 4096 -n 10000
latency_us=$(awk '$1 == 4096 { printf "%d", $5 }' "$out/read_latency.1.txt")
for system in trend dram; do
	if [ $system = dram ]; then swap_up dram "$latency_us"; else swap_up leap; fi
	traced $system
	leap_session_end
done
