# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that an allocation that fails does no harm: each one of each command once,
# those of faults and of the reclaim that they do, and those of the module in any task
# now and then.
# FLAVOUR: debug
# GROUP: dram
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/allocs.sh
. "${LEAP_LIB%/*}/allocs.sh"

mib=4

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
alloc_may_fail
for portal in "dram://1,64M?slab=4M" "dram://2,64M,64M?replicas=2&verify=1&slab=4M"; do
	say "$portal"
	run_limited $((mib << 19)) leap-test-fail-nth "$portal" "$mib" || fail "$portal: status $?"
done

# Workers borrow and give back slabs, move and rebuild, read ahead, and reclaim.
leapctl session create "dram://2,64M,64M?replicas=2&verify=1&slab=4M" || fail "no session"
leapctl prefetch on || fail "prefetch on failed"
alloc_fails 10
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --threads 2 --passes 10 ||
	fail "wrong data while allocations fail"
failed=$(alloc_failures)
alloc_fails_no_more
[ "$failed" -ge 100 ] || fail "only $failed allocations have failed"
say "$failed allocations failed: $(leap_stat refused_stores) stores refused, $(leap_stat failed_stores) failed"
[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads failed"
leapctl session destroy || fail "the session cannot be ended"
