# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The measurements, as they run in m1. Each scan reads 64 MiB under a memory.high
# of 32 MiB, with the kernel's readahead off (page-cluster 0) everywhere.
. "$LEAP_LIB"

out=$LEAP_SHARED
# shellcheck source=/dev/null
. "$out/settings"
mib=64
limit=$((mib << 19))
echo 0 >/proc/sys/vm/page-cluster

# raw NAME COMMAND...: a perftest program against its twin in m2
raw() {
	local name=$1
	shift
	on_m2 eval "setsid $* >/dev/null 2>&1 </dev/null &"
	client() { "$@" "$LEAP_M2" >"$out/$name.txt" 2>&1; }
	wait_for 20 client "$@" || fail "$1 does not run"
	say "$name: $(grep -E '^ *4096' "$out/$name.txt" | tr -s ' ')"
}

nvme_serve() {
	local nvmet=/sys/kernel/config/nvmet
	modprobe -a brd nvmet-rdma
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

# Each backend: NAME_up puts the swap there, NAME_run runs a program on it,
# NAME_down takes it away.
nvme_up() {
	modprobe nvme-rdma
	nvme connect -t rdma -a "$LEAP_M2" -s 4420 -n s >/dev/null || fail "nvme connect failed"
	wait_for 10 test -b /dev/nvme0n1
	mkswap /dev/nvme0n1 >/dev/null
	swapon /dev/nvme0n1 || fail "swapon of the remote disk failed"
}
nvme_run() { "$@"; }
nvme_down() {
	swapoff /dev/nvme0n1
	nvme disconnect -n s >/dev/null
	wait_for 10 test ! -e /dev/nvme0n1
}

brd_up() {
	modprobe brd rd_size=262144
	mkswap /dev/ram0 >/dev/null
	swapon /dev/ram0 || fail "swapon of the RAM disk failed"
}
brd_run() { "$@"; }
brd_down() { swapoff /dev/ram0; }

leap_session() {
	modprobe leap
	swapon "$LEAP_SWAPDEV" || fail "swapon failed"
	leapctl session create "$1" || fail "no session"
}
leap_end() {
	leapctl session destroy || fail "the session cannot be ended"
	swapoff "$LEAP_SWAPDEV"
	rmmod leap
}
leap_rdma_up() { leap_session "rdma://1,$LEAP_M2:9400"; }
leap_rdma_run() { leapctl run -- "$@"; }
leap_rdma_down() { leap_end; }
leap_dram_up() { leap_session dram://1,256M; }
leap_dram_run() { leapctl run -- "$@"; }
leap_dram_down() { leap_end; }

# scan BACKEND STRIDE ROUND
scan() {
	local name=$1.$2.$3
	run_limited "$limit" "$1_run" leap-test-faultlat --json "$out/$name.json" \
		--latencies "$out/$name.ns" "$mib" "$2" >"$out/$name.txt" ||
		fail "$name: $(cat "$out/$name.txt")"
	say "$name: $(cat "$out/$name.txt")"
}

# survive BACKEND: how many of $TRIES programs live under a hard limit
survive() {
	local i lived=0
	for ((i = 0; i < TRIES; i++)); do
		if run_limited_max "$limit" "$1_run" leap-test-faultlat "$mib" 0 >/dev/null 2>&1; then
			lived=$((lived + 1))
		fi
	done
	echo "$1 $lived $TRIES" >>"$out/survived"
	say "$1: $lived of $TRIES under memory.max"
}

# stages: where the time of a demand load goes, from one traced random scan
stages() {
	local tracing=/sys/kernel/tracing
	echo 16384 >$tracing/buffer_size_kb
	echo 'demand == 1' >$tracing/events/leap/leap_done/filter
	echo 1 >$tracing/events/leap/leap_done/enable
	run_limited "$limit" leap_rdma_run leap-test-faultlat --json "$out/traced.json" "$mib" 0 >/dev/null
	echo 0 >$tracing/events/leap/leap_done/enable
	sed -n 's/.*wait=\([0-9]*\) wire=\([0-9]*\).*/\1 \2/p' $tracing/trace >"$out/stages"
}

raw read_latency ib_read_lat -s 4096 -n 2000
raw read_rate ib_read_bw -s 4096 -n 5000
raw write_rate ib_write_bw -s 4096 -n 5000
on_m2 nvme_serve || on_m2 eval "$(declare -f nvme_serve); nvme_serve" || fail "no NVMe-oF target"
on_m2 start_leapd 9400 || fail "leapd does not start"
for ((round = 1; round <= ROUNDS; round++)); do
	for backend in nvme leap_rdma brd leap_dram; do
		${backend}_up
		for stride in 1 10 0; do scan "$backend" "$stride" "$round"; done
		${backend}_down
	done
done
leap_rdma_up
stages
leap_rdma_down
for backend in nvme leap_rdma; do
	${backend}_up
	survive "$backend"
	${backend}_down
done
