# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The measurements, as they run in m1; "settings" beside the results says how
# many. Each scan reads 64 MiB under a memory.high of 32 MiB, and the kernel's
# readahead is off (page-cluster 0) for all of them.
. "$LEAP_LIB"

out=$LEAP_SHARED
# shellcheck source=/dev/null
. "$out/settings"
mib=64
echo 0 >/proc/sys/vm/page-cluster

# raw NAME COMMAND...: a perftest program against its twin in m2
raw() {
	local name=$1 result=$out/$1.txt
	shift
	on_m2 eval "setsid $* >/dev/null 2>&1 </dev/null &"
	client() { "$@" "$LEAP_M2" >"$result" 2>&1; }
	wait_for 20 client "$@" || fail "$1: $(cat "$result")"
	say "$name: $(grep -E '^ *4096' "$result" | tr -s ' ')"
}

# The peer's server: runs in m2, offers a RAM disk by NVMe-oF.
nvme_serve() {
	local nvmet=/sys/kernel/config/nvmet
	modprobe brd rd_nr=1 rd_size=262144
	modprobe nvmet-rdma
	mkdir -p $nvmet/subsystems/s/namespaces/1 $nvmet/ports/1
	echo 1 >$nvmet/subsystems/s/attr_allow_any_host
	echo -n /dev/ram0 >$nvmet/subsystems/s/namespaces/1/device_path
	echo 1 >$nvmet/subsystems/s/namespaces/1/enable
	echo rdma >$nvmet/ports/1/addr_trtype
	echo ipv4 >$nvmet/ports/1/addr_adrfam
	echo "$LEAP_M2" >$nvmet/ports/1/addr_traddr
	echo 4420 >$nvmet/ports/1/addr_trsvcid
	ln -s $nvmet/subsystems/s $nvmet/ports/1/subsystems/s
}

# Each backend: NAME_up puts the swap there, NAME_down takes it away.
nvme_up() {
	modprobe nvme-rdma
	nvme connect -t rdma -a "$LEAP_M2" -s 4420 -n s >/dev/null || fail "nvme connect failed"
	wait_for 10 test -b /dev/nvme0n1 || fail "no /dev/nvme0n1"
	mkswap /dev/nvme0n1 >/dev/null
	swapon /dev/nvme0n1 || fail "swapon of the remote disk failed"
}
nvme_down() {
	swapoff /dev/nvme0n1 || fail "swapoff of the remote disk failed"
	nvme disconnect -n s >/dev/null
	wait_for 10 test ! -e /dev/nvme0n1 || fail "/dev/nvme0n1 does not go away"
}

brd_up() {
	modprobe brd rd_nr=1 rd_size=262144
	mkswap /dev/ram0 >/dev/null
	swapon /dev/ram0 || fail "swapon of the RAM disk failed"
}
brd_down() {
	swapoff /dev/ram0 || fail "swapoff of the RAM disk failed"
	rmmod brd
}

# Ends the session, and says if it was not Leap alone that was measured.
leap_session_end() {
	local refused
	refused=$(($(leap_stat refused_stores) + $(leap_stat failed_stores)))
	[ "$refused" = 0 ] || say "$refused pages of this session went to the swap disk"
	leapctl session destroy || fail "the session cannot be ended"
	swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
	rmmod leap || fail "rmmod leap failed"
}
leap_rdma_up() { leap_up; }
leap_rdma_down() { leap_session_end; }
leap_dram_up() { leap_up dram://1,256M; }
leap_dram_down() { leap_session_end; }

# faultlat LIMITER BACKEND ARGUMENTS...: reads $mib MiB with half of it in memory
faultlat() {
	local limiter=$1 attached=()
	[[ $2 != leap_* ]] || attached=(leapctl run --)
	shift 2
	"$limiter" $((mib << 19)) "${attached[@]}" leap-test-faultlat "$@" 2>&1
}

# swapped: how many pages have been swapped in since boot
swapped() { awk '$1 == "pswpin" { print $2 }' /proc/vmstat; }

# scan BACKEND STRIDE ROUND: also counts the pages that were read from swap
scan() {
	local name=$1.$2.$3 text before
	before=$(swapped)
	text=$(faultlat run_limited "$1" --json "$out/$name.json" \
		--latencies "$out/$name.ns" "$mib" "$2") ||
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
	faultlat run_limited_max "$1" "$mib" 0 >"$out/survive.txt"
	result=$?
	[ "$result" = 0 ] || [ "$result" = 137 ] ||
		fail "$1 under memory.max: status $result, $(cat "$out/survive.txt")"
	echo "$1 $2 $result" >>"$out/survived"
	say "$1 under memory.max, try $2: $([ "$result" = 0 ] && echo completed || echo killed)"
}

on_m2 eval "$(declare -f nvme_serve); nvme_serve" || fail "no NVMe-oF target in m2"
on_m2 start_leapd 9400 || fail "leapd does not start in m2"
raw read_rate ib_read_bw -s 4096 -n 5000
raw write_rate ib_write_bw -s 4096 -n 5000
for ((number = 1; number <= ROUNDS; number++)); do
	say "round $number of $ROUNDS"
	round "$number"
done

say "one more scan, traced"
leap_rdma_up
trace scan leap_rdma 0 traced
leap_rdma_down

for backend in nvme leap_rdma; do
	"${backend}_up"
	for ((number = 1; number <= TRIES; number++)); do survive "$backend" "$number"; done
	"${backend}_down"
done
