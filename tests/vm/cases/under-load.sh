# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that nothing is lost when the ground moves: attach and detach, swapoff,
# rmmod (refused) and the end of the session while a program swaps; exit while
# requests are under way.
# GROUP: dram
# SMP: 1
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))
latency=/sys/module/leap/parameters/dram_latency_us

# begin OPTIONS...: a program that swaps, in the background
begin() {
	local before
	before=$(leap_stat stored_pages)
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" "$@" &
	program=$!
	wait_for 30 stored $((before + (mib << 5))) || fail "the program does not swap"
}
stored() { [ "$(leap_stat stored_pages)" -gt "$1" ]; }
pid_of_program() { pgrep -n -x leap-test-verif; }

leap_up dram://1,256M

begin --passes 4
if rmmod leap 2>/dev/null; then fail "rmmod took a module with remote pages away"; fi
while kill -0 "$program" 2>/dev/null; do
	pid=$(pid_of_program) || break
	leapctl detach "$pid" 2>/dev/null
	pause 0.2
	leapctl attach "$pid" 2>/dev/null
	pause 0.2
done
wait "$program" || fail "wrong data while attached and detached in turn"
say "attach and detach: right"

begin --passes 3
swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
swapon "$LEAP_SWAPDEV"
wait "$program" || fail "wrong data after swapoff"
say "swapoff: right"

begin --passes 4
leapctl session destroy || fail "the session cannot be ended under load"
[ "$(leap_stat remote_pages)" = 0 ] || fail "pages are still remote"
wait "$program" || fail "wrong data after the end of the session"
say "end of the session: right"

leapctl session create dram://1,256M || fail "no second session"
echo 20000 >$latency
begin
pkill -KILL -x leap-test-verif
wait "$program"
echo 0 >$latency
# Each processor keeps up to 64 free slots in a cache of the swap allocator.
gone() { [ "$(leap_stat remote_pages)" -le $((64 * $(nproc))) ]; }
wait_for 20 gone || fail "$(leap_stat remote_pages) pages are still remote after exit"
# Two are kept ahead of demand, and those pages may sit in a third.
few_slabs() { [ "$(leap_stat slabs)" -le 3 ]; }
wait_for 20 few_slabs || fail "slabs of a program that is gone are still on loan"
say "exit with requests under way: right"
leapctl session destroy || fail "the session cannot be ended"
rmmod leap || fail "rmmod refuses a module without a session"
