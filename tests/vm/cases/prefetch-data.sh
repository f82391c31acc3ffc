# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that data stays right with the prefetcher on, through all that a program
# can do to its pages meanwhile, and while it is switched on and off, its swap
# area goes, its session ends and its memory shrinks to almost nothing.
# GROUP: prefetch
# SMP: 1 2
# TIMEOUT: 240
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))
prefetch=/sys/kernel/mm/leap/prefetch

# begin OPTIONS...: a program that swaps, in the background
begin() {
	local before
	before=$(leap_stat loaded_pages)
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" "$@" &
	program=$!
	wait_for 30 loaded $((before + (mib << 4))) || fail "the program does not swap"
}
loaded() { [ "$(leap_stat loaded_pages)" -gt "$1" ]; }

# end TEXT: the program's data was right
end() {
	wait "$program" || fail "wrong data: $*"
	say "right: $*"
}

running() { kill -0 "$program" 2>/dev/null; }

modprobe leap dram_latency_us=300
leap_up dram://1,256M
leapctl prefetch on

for options in "--pattern seq" "--pattern stride" "--pattern random" \
	"--pattern seq --threads 4" "--pattern stride --fork" \
	"--pattern seq --dontneed --threads 2" "--pattern stride --remap" \
	"--pattern seq --thp --fork --remap"; do
	# shellcheck disable=SC2086
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" $options ||
		fail "wrong data with $options"
	say "right with $options: $(leap_stat prefetch_hits) hits, $(leap_stat prefetch_issued) prefetched"
done
[ "$(leap_stat prefetch_hits)" -gt 0 ] || fail "no page was prefetched"

begin --pattern seq --passes 4 --threads 2
while running; do
	leapctl prefetch off
	leapctl prefetch on --history 16 --window 32
	echo 8 >$prefetch/buffer
	pause 0.1
	leapctl prefetch on --history 32 --window 8
	echo 0 >$prefetch/buffer_active
	echo 2000 >$prefetch/buffer
	pause 0.1
	echo 1 >$prefetch/buffer_active
	cat $prefetch/processes >/dev/null
done
end "the prefetcher switched on and off"

begin --pattern seq --passes 3
swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
swapon "$LEAP_SWAPDEV"
end "swapoff"

begin --pattern stride --passes 3
leapctl session destroy || fail "the session cannot be ended under load"
end "the end of the session"
leapctl session create dram://1,256M || fail "no second session"

begin --pattern seq --passes 2
for group in /sys/fs/cgroup/run.*; do
	for bytes in $((half / 2)) 262144 0 "$half"; do
		echo $bytes >"$group/memory.high"
		pause 0.3
	done
done
end "memory.high down to 0 and up again"

run_limited_max "$half" leapctl run -- leap-test-verify "${mib}M" --pattern seq ||
	fail "wrong data, or killed, under memory.max"
say "right: memory.max"

begin --pattern seq --passes 9
pkill -KILL -x leap-test-verif
wait "$program"
# Each processor keeps up to 64 free slots in a cache of the swap allocator.
gone() { [ "$(leap_stat remote_pages)" -le $((64 * $(nproc))) ]; }
wait_for 20 gone || fail "$(leap_stat remote_pages) pages are still remote after exit"
say "right: exit with prefetches under way"

leapctl session destroy || fail "the session cannot be ended"
rmmod leap || fail "rmmod refuses a module without a session"
