# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the parts of the bench share, as they run in m1. "settings" beside the
# results says how much is measured.

out=$LEAP_SHARED
# shellcheck source=/dev/null
. "$out/settings"

# steps NUMBER: how many steps this part has
steps() { steps=$1 step=0 started=$SECONDS; }

# step TEXT: begins the next step, with the time that is left by those before it;
# $AFTER is how many minutes the parts take that follow this one
step() {
	local left=''
	[ "$step" = 0 ] ||
		left=", about $(((SECONDS - started) * (steps - step) / step / 60 + AFTER + 1)) min left"
	step=$((step + 1))
	say "[$step/$steps$left] $*"
}

# raw NAME COMMAND...: a perftest program against its twin in m2
raw() {
	local name=$1
	shift
	on_m2 eval "setsid $* >/dev/null 2>&1 </dev/null &"
	wait_for 20 raw_client "$name" "$@" || fail "$1: $(cat "$out/$name.txt")"
	say "$name: $(grep -E '^ *4096' "$out/$name.txt" | tr -s ' ')"
}
raw_client() { "${@:2}" "$LEAP_M2" >"$out/$1.txt" 2>&1; }

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
	mkswap /dev/nvme0n1 >/dev/null 2>&1 # it warns of the swap that was there
	swapon /dev/nvme0n1 || fail "swapon of the remote disk failed"
}
nvme_down() {
	swapoff /dev/nvme0n1 || fail "swapoff of the remote disk failed"
	nvme disconnect -n s >/dev/null
	wait_for 10 test ! -e /dev/nvme0n1 || fail "/dev/nvme0n1 does not go away"
}

# What Leap and NVMe-oF need in m2.
serve_all() {
	on_m2 eval "$(declare -f nvme_serve); nvme_serve" || fail "no NVMe-oF target in m2"
	on_m2 start_leapd 9400 || fail "leapd does not start in m2"
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

# Without checksums, which NVMe-oF does not have either and which Leap keeps by itself
# only through rxe.
unchecked="rdma://1,$LEAP_M2:9400?verify=0"

# Where the swap is: "nvme", "leap", or "dram", local memory of which each request
# takes $2 microseconds.
swap_up() {
	case $1 in
	nvme) nvme_up ;;
	leap) leap_up "$unchecked" ;;
	dram)
		modprobe leap dram_latency_us="$2"
		leap_up dram://1,256M
		;;
	esac
}
swap_down() { if [ "$1" = nvme ]; then nvme_down; else leap_session_end; fi; }

# read_ahead SYSTEM: who reads ahead from then on: "nvme" and "readahead": the
# kernel, as it comes; "none": nobody; "trend" and "dram": Leap
read_ahead() {
	local pages=3 switch=off
	system=$1
	case $system in
	none) pages=0 ;;
	trend | dram) switch=on ;;
	esac
	echo "$pages" >/proc/sys/vm/page-cluster
	[ "$system" = nvme ] || leapctl prefetch "$switch" || fail "leapctl prefetch $switch failed"
}

# on_system BYTES COMMAND...: with that much memory, and attached if that is Leap
on_system() {
	local bytes=$1 attached=(leapctl run --)
	shift
	[ "$system" != nvme ] || attached=()
	run_limited "$bytes" "${attached[@]}" "$@"
}

# counters: "key value" lines of what the kernel and Leap count
counters() {
	cat /proc/vmstat /sys/kernel/mm/leap/stat 2>/dev/null |
		grep -E '^(pswpin|pswpout|swap_ra|swap_ra_hit|(stored|loaded)_pages|faults|misses|prefetch_[a-z]+) '
}

# record FILE KEY VALUE...: one line of JSON with these, with the object in FILE,
# and with how much each counter has grown since "counters >/run/before"
record() {
	local file=$1 arguments=() grown
	shift
	while [ $# != 0 ]; do
		arguments+=(--arg "$1" "$2")
		shift 2
	done
	grown=$(counters | awk 'NR == FNR { was[$1] = $2; next }
		{ printf "%s\"%s\":%d", sep, $1, $2 - was[$1]; sep = "," }' /run/before -)
	jq -c -n --slurpfile object "$file" --argjson grown "{$grown}" "${arguments[@]}" \
		'$object[0] + $grown + $ARGS.named | del(.object, .grown)' >>"$out/measured.jsonl" ||
		fail "cannot record $file"
}
