# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Allocations that fail, on a kernel that can inject that (failslab, fail_page_alloc).
# For cases that have sourced the library; use it by: . "${LEAP_LIB%/*}/allocs.sh"

most=1000000

[ -d /sys/kernel/debug/failslab ] || skip "this kernel cannot let allocations fail"

# alloc_fails PERCENT: also those that may wait, which the kernel spares otherwise;
# of tasks that are marked, unless the task asks for it itself
alloc_fails() {
	local dir
	for dir in /sys/kernel/debug/{failslab,fail_page_alloc}; do
		echo 0 >"$dir/verbose"
		echo $most >"$dir/times"
		echo Y >"$dir/task-filter"
		echo N >"$dir/ignore-gfp-wait"
		echo "$1" >"$dir/probability"
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

# alloc_failures: how many have failed since
alloc_failures() {
	local page slab
	read -r slab </sys/kernel/debug/failslab/times
	read -r page </sys/kernel/debug/fail_page_alloc/times
	echo $((2 * most - slab - page))
}

# mark_workers: allocations of kernel threads may fail, of those that there are now
mark_workers() {
	local pid
	for pid in $(pgrep 'kworker|kswapd'); do echo 1 >"/proc/$pid/make-it-fail"; done 2>/dev/null
}

# marked COMMAND...: so may those of the command
marked() (
	echo 1 >"/proc/$BASHPID/make-it-fail"
	exec "$@"
)
