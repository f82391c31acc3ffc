# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that the prefetcher is right about scans in steps, forwards, backwards
# and in wide ones: 95 % of the faults find their page in the swap cache. Then
# that it lets random accesses alone, and that it does nothing when it is off.
# GROUP: prefetch
# SMP: 1
# TIMEOUT: 120
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

# In steps of ten that is ten ways of some hundred pages, nine of which are misses.
mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=12
half=$((mib << 19))
keys="faults misses prefetch_hits prefetch_late prefetch_issued prefetch_unused"

# note: keeps the counters of this moment
declare -A before=() grown=()
note() { for key in $keys; do before[$key]=$(leap_stat "$key"); done; }

# grown_since_note TEXT: how much each counter has grown, also on the console
grown_since_note() {
	local text=$1 key
	for key in $keys; do
		grown[$key]=$(($(leap_stat "$key") - before[$key]))
		text+=" $key ${grown[$key]}"
	done
	say "$text"
}

# scan OPTIONS...: runs it with half of its memory
scan() {
	note
	run_limited "$half" leapctl run -- leap-test-faultlat "$@" >/dev/null || fail "faultlat $* failed"
	grown_since_note "faultlat $*:"
}

modprobe leap dram_latency_us=500
leap_up dram://1,256M

scan $mib 10
[ "${grown[faults]}" = 0 ] || fail "a process prefetches although that is off"
[ "${grown[prefetch_issued]}" = 0 ] || fail "pages are prefetched although that is off"

echo 1 >/sys/kernel/mm/leap/prefetch/enabled
# The last one: 256 pages, then from the beginning, which costs a few misses each time.
for stride in 10 1 -1 $mib; do
	scan $mib "$stride"
	[ "${grown[faults]}" -ge $((mib << 5)) ] || fail "only ${grown[faults]} faults"
	[ $((grown[misses] * 20)) -le "${grown[faults]}" ] || fail "stride $stride: more than 5 % of the faults are misses"
	[ $((grown[prefetch_unused] * 20)) -le "${grown[prefetch_issued]}" ] ||
		fail "stride $stride: more than 5 % of what was prefetched was of no use"
done
scan $mib 0
[ $(((grown[prefetch_issued] - grown[prefetch_hits] - grown[prefetch_late]) * 50)) -le "${grown[faults]}" ] ||
	fail "random: more than 2 pages in 100 faults were prefetched in vain"

leapctl prefetch show
echo 0 >/sys/kernel/mm/leap/prefetch/enabled
scan $mib 10
[ "${grown[faults]}" = 0 ] || fail "a process prefetches although that is off again"
