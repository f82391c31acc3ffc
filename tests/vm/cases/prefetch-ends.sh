# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that nothing goes wrong, and nothing stays, when what is being prefetched
# goes away meanwhile: by munmap and madvise right in front of a scan, by a program's
# death, and with it the state of its prefetcher, whether there is a session or not.
# GROUP: prefetch
# SMP: 1 2
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))

# Each processor keeps up to 64 free slots in a cache of the swap allocator.
gone() { [ "$(leap_stat remote_pages)" -le $((64 * $(nproc))) ]; }

# short_lived N: programs that swap and end, each with a prefetcher of its own
short_lived() {
	local i
	for ((i = 0; i < $1; i++)); do
		run_limited $((1 << 19)) leapctl run -- leap-test-verify 1M --pattern seq --passes 1 >/dev/null ||
			fail "wrong data in a short program"
	done
}

modprobe leap dram_latency_us=300
leap_up dram://1,256M
leapctl prefetch on

for options in "--pattern seq --unmap --threads 2" "--pattern stride --unmap --fork" \
	"--pattern seq --unmap --dontneed --thp"; do
	# shellcheck disable=SC2086
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" $options || fail "wrong data with $options"
	say "right with $options: $(leap_stat prefetch_hits) hits, $(leap_stat prefetch_unused) unused"
done
[ "$(leap_stat prefetch_hits)" -gt 0 ] || fail "no page was prefetched"

for _ in 1 2 3 4 5; do
	before=$(leap_stat prefetch_hits)
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --pattern seq --passes 99 &
	hits() { [ "$(leap_stat prefetch_hits)" -gt $((before + 100)) ]; }
	wait_for 60 hits || fail "no page is prefetched"
	pkill -KILL -x leap-test-verif
	wait
done
wait_for 20 gone || fail "$(leap_stat remote_pages) pages are still remote after five deaths"
say "right: five deaths in the middle of a scan"

no_prefetchers() { [ "$(leap_stat prefetchers)" = 0 ]; }
# without_prefetchers TEXT: they all go, soon after the programs
without_prefetchers() { wait_for 10 no_prefetchers || fail "$1: $(leap_stat prefetchers) prefetchers of nobody"; }

short_lived 5
without_prefetchers "with a session"
leapctl session destroy || fail "the session cannot be ended"
# What is read ahead now is read by the kernel; a page that is there makes a prefetcher.
run_limited $((1 << 20)) leapctl run -- leap-test-verify 2M --pattern seq --passes 99 &
has_prefetcher() { [ "$(leap_stat prefetchers)" -gt 0 ]; }
wait_for 60 has_prefetcher || fail "a program without remote pages has no prefetcher"
pkill -KILL -x leap-test-verif
wait
without_prefetchers "without a session"
say "right: no prefetcher is left, with a session and without"
[ "$(wc -c </sys/kernel/mm/leap/prefetch/processes)" = 0 ] || fail "a process is left"
rmmod leap || fail "rmmod refuses a module without a session"
