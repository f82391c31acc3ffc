# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that leap-replay's models of the kernel's two kinds of readahead do what the
# kernel does: for the same patterns, the kernel's counters and the models' are put
# side by side. With all pages in swap and room for all it is the readahead alone
# that decides, and both must agree; with room for half, reclaim has its part.
# FLAVOUR: release
# GROUP: prefetch
# TIMEOUT: 240
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
pages=$((mib << 8))
declare -A model_of=([1]=kernel-vma [0]=kernel-cluster)

# counters: pages read, of these ahead, of these used, since boot
counters() {
	awk '{ now[$1] = $2 } END { print now["pswpin"], now["swap_ra"], now["swap_ra_hit"] }' /proc/vmstat
}

# modelled POLICY PATTERN OPTIONS...: the same of a run of the model
modelled() {
	local policy=$1 pattern=$2
	shift 2
	leap-replay --json -p "$policy" -w "$pattern" --pages $pages --passes 1 "$@" |
		jq -r '.[0] | "\(.misses + .prefetched) \(.prefetched) \(.hits + .late)"'
}

# near A B PERCENT: they differ by no more than that, or by 2 % of the pages: by slot the
# kernel has one state for all, which the scan before has left behind
near() {
	local apart=$(($1 > $2 ? $1 - $2 : $2 - $1))
	[ $((apart * 100)) -le $(($1 * $3 > 2 * pages ? $1 * $3 : 2 * pages)) ]
}

# compare TEXT PERCENT REAL... MODEL...: one line, three numbers each
compare() {
	local i text
	printf -v text '%-34s %6d %6d %6d   %6d %6d %6d' "$1" "${@:3}"
	say "$text"
	for i in 3 4 5; do
		near "${!i}" "${@:i+3:1}" "$2" || wrong+=("$1")
	done
}

# scan COMMAND...: what it has added to the kernel's counters
scan() {
	local before after
	read -r -a before < <(counters)
	"$@" >/dev/null || fail "$* failed"
	read -r -a after < <(counters)
	echo $((after[0] - before[0])) $((after[1] - before[1])) $((after[2] - before[2]))
}

modprobe leap dram_latency_us=300
leap_up dram://1,256M
wrong=()
say "$(printf '%-34s %20s   %20s' "read, ahead, used:" kernel model)"
for vma in 1 0; do
	echo $vma >/sys/kernel/mm/swap/vma_ra_enabled
	for pattern in sequential/1 stride10/10 reverse/reverse random/random; do
		policy=${model_of[$vma]} name=${pattern%/*} order=${pattern#*/}
		# At once, or pages would stay in the swap cache until they are written.
		echo 0 >/sys/module/leap/parameters/dram_latency_us
		# shellcheck disable=SC2046
		compare "$policy $name, in swap" 3 \
			$(scan leapctl run -- leap-test-faultlat --paged-out $mib "$order") \
			$(modelled "$policy" "$name" --paged-out --local 100)
		echo 300 >/sys/module/leap/parameters/dram_latency_us
		# shellcheck disable=SC2046
		compare "$policy $name, half" 10 \
			$(scan run_limited $((mib << 19)) leapctl run -- leap-test-faultlat $mib "$order") \
			$(modelled "$policy" "$name" --local 50)
	done
done
[ ${#wrong[@]} = 0 ] || fail "kernel and model are too far apart: $(printf '%s; ' "${wrong[@]}")"
