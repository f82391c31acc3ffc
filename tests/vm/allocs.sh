# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Allocations that fail, on a kernel that can inject that (failslab, fail_page_alloc):
# whatever the module allocates, or lets others allocate for it, in whichever task.
# For cases that have sourced the library; use it by: . "${LEAP_LIB%/*}/allocs.sh"

# Most failures; the kernel counts down from there.
most=1000000

[ -e /sys/kernel/debug/failslab/require-start ] || skip "this kernel cannot let allocations fail"

# alloc_may_fail: those that may wait, too, and single pages, which the kernel spares
# otherwise; without a word
alloc_may_fail() {
	local dir
	for dir in /sys/kernel/debug/{failslab,fail_page_alloc}; do
		echo 0 >"$dir/verbose"
		echo N >"$dir/ignore-gfp-wait"
	done
	echo 0 >/sys/kernel/debug/fail_page_alloc/min-order
}

# alloc_fails PERCENT [EVERY]: of every so many (1). The module must be there; it is
# looked for on the stack.
alloc_fails() {
	local dir text end
	alloc_may_fail
	read -r text end < <(awk '$4 == "[leap]" && $2 ~ /[tT]/ { print $1 }' /proc/kallsyms | sort | sed -n '1p;$p' | xargs)
	for dir in /sys/kernel/debug/{failslab,fail_page_alloc}; do
		echo 0 >"$dir/probability"
		echo $most >"$dir/times"
		echo N >"$dir/task-filter"
		echo "0x$text" >"$dir/require-start"
		printf '%#x' $((0x$end + 4096)) >"$dir/require-end"
		echo "${2:-1}" >"$dir/interval"
		echo "$1" >"$dir/probability"
	done
}

alloc_fails_no_more() {
	local dir
	for dir in /sys/kernel/debug/{failslab,fail_page_alloc}; do echo 0 >"$dir/probability"; done
}

# alloc_failures: how many have failed since
alloc_failures() {
	local page slab
	read -r slab </sys/kernel/debug/failslab/times
	read -r page </sys/kernel/debug/fail_page_alloc/times
	echo $((2 * most - slab - page))
}
