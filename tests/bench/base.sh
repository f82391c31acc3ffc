# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The part "base", as it runs in m1: what a load costs without anything read
# ahead. Each scan reads $MIB MiB under a memory.high of half of that, and the
# kernel's readahead is off (page-cluster 0) for all of them.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/bench/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

echo 0 >/proc/sys/vm/page-cluster

brd_up() {
	modprobe brd rd_nr=1 rd_size=262144
	mkswap /dev/ram0 >/dev/null
	swapon /dev/ram0 || fail "swapon of the RAM disk failed"
}
brd_down() {
	swapoff /dev/ram0 || fail "swapoff of the RAM disk failed"
	rmmod brd
}

leap_rdma_up() { leap_up "$unchecked"; }
leap_rdma_down() { leap_session_end; }
leap_dram_up() { leap_up dram://1,256M; }
leap_dram_down() { leap_session_end; }

# faultlat LIMITER BACKEND ARGUMENTS...: reads $MIB MiB with half of it in memory
faultlat() {
	local limiter=$1 attached=()
	[[ $2 != leap_* ]] || attached=(leapctl run --)
	shift 2
	"$limiter" $((MIB << 19)) "${attached[@]}" leap-test-faultlat "$@" 2>&1
}

# swapped: how many pages have been swapped in since boot
swapped() { awk '$1 == "pswpin" { print $2 }' /proc/vmstat; }

# scan BACKEND STRIDE ROUND: also counts the pages that were read from swap
scan() {
	local name=$1.$2.$3 text before
	step "round $3: pattern $2 on $1"
	before=$(swapped)
	text=$(faultlat run_limited "$1" --json "$out/$name.json" \
		--latencies "$out/$name.ns" "$MIB" "$2") ||
		fail "$name: $text"
	echo $(($(swapped) - before)) >"$out/$name.pages"
	say "$name: $text"
}

# round NUMBER: everything once. Each round begins with another backend, so that
# none has always the same neighbour when the machine is slow for a while.
round() {
	local backends=(raw nvme leap_rdma brd leap_dram) i backend stride
	for ((i = 0; i < 5; i++)); do
		backend=${backends[(i + $1 - 1) % 5]}
		if [ "$backend" = raw ]; then
			step "round $1: raw reads"
			raw "read_latency.$1" ib_read_lat -s 4096 -n 2000
			continue
		fi
		"${backend}_up"
		for stride in 1 10 0; do scan "$backend" "$stride" "$1"; done
		"${backend}_down"
	done
}

# trace COMMAND...: writes when the program faulted, when Leap's transport got
# and finished the load that the fault needed, and when the program ran again
trace() {
	local events=/sys/kernel/tracing/events event
	echo 16384 >/sys/kernel/tracing/buffer_size_kb
	echo 'demand == 1' >$events/leap/leap_submit/filter
	echo 'demand == 1' >$events/leap/leap_done/filter
	echo 'next_comm == "leap-test-fault"' >$events/sched/sched_switch/filter
	for event in exceptions/page_fault_user leap/leap_submit leap/leap_done sched/sched_switch; do
		echo 1 >$events/$event/enable
	done
	"$@"
	echo 0 >$events/enable
	grep -v '^#' /sys/kernel/tracing/trace >"$out/trace"
}

# survive BACKEND TRY: does a program live under a hard limit? Only a kill by
# the kernel may be its end.
survive() {
	local result
	step "$1 under memory.max, try $2"
	faultlat run_limited_max "$1" "$MIB" 0 >"$out/survive.txt"
	result=$?
	[ "$result" = 0 ] || [ "$result" = 137 ] ||
		fail "$1 under memory.max: status $result, $(cat "$out/survive.txt")"
	echo "$1 $2 $result" >>"$out/survived"
	if [ "$result" = 0 ]; then say completed; else say killed; fi
}

# Scans and raw reads of the rounds, the traced scan, and the tries.
steps $((ROUNDS * 13 + 1 + 2 * TRIES))
serve_all
raw read_rate ib_read_bw -s 4096 -n 5000
raw write_rate ib_write_bw -s 4096 -n 5000
for ((number = 1; number <= ROUNDS; number++)); do round "$number"; done

leap_rdma_up
trace scan leap_rdma 0 traced
leap_rdma_down

for backend in nvme leap_rdma; do
	"${backend}_up"
	for ((number = 1; number <= TRIES; number++)); do survive "$backend" "$number"; done
	"${backend}_down"
done
