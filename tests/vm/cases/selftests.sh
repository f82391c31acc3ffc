# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that the kernel's own tests of mm that swap give the same result with
# Leap as with swap on a disk: copy on write of swapped pages, pinned ones among
# them, userfaultfd, droppable memory. That they do swap is seen from what reaches
# the disk in one run and the other guest in the other. They touch a page right
# after it was written out, so hardly one of them is read back. (khugepaged is
# not among them: it fails on the plain kernel, each time at another place.)
# Shared memory, which userfaultfd's tests write out, too, belongs to no process
# and stays on the disk, and droppable fills the machine, so that others swap.
# FLAVOUR: release
# TIMEOUT: 400
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

tests=(cow uffd-unit-tests droppable)

# results FILE: one line for each verdict, without what differs from run to run
results() { grep -aE '^(not )?ok |^Testing |^Run test|\.\.\. (OK|Fail|Skip|done|skipped)|^Bail out' "$1"; }

# run_all DIRECTORY [WRAPPER...]: every program's results and exit status
run_all() {
	local out=$1 test
	shift
	mkdir -p "$out"
	for test in "${tests[@]}"; do
		"$@" "$LEAP_BUILD/bin/selftests/$test" >"$out/$test.out" 2>&1 </dev/null
		echo "exit status $?" >"$out/$test.status"
		{ results "$out/$test.out"; cat "$out/$test.status"; } >"$out/$test"
		swap_written_bytes >"$out/$test.swapped"
		say "$out: $test: $(results "$out/$test.out" | wc -l) verdicts, $(cat "$out/$test.status"), $(swap_written_bytes) bytes on the disk so far"
	done
}

cd /run || exit
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
disk=$(swap_written_bytes)
run_all disk
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "the tests did not swap"
swapoff "$LEAP_SWAPDEV"

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
disk=$(swap_written_bytes)
run_all leap leapctl run --
say "$(leap_stat stored_pages) pages stored, $(leap_stat loaded_pages) loaded"

for test in "${tests[@]}"; do
	[ "$(results "disk/$test.out" | wc -l)" -gt 0 ] || fail "$test came to no verdict: $(cat "disk/$test.out")"
	diff -u "disk/$test" "leap/$test" || fail "$test gives another result with Leap"
done
[ "$(leap_stat stored_pages)" -gt 500 ] || fail "the tests did not use remote memory"
[ "$(cat leap/cow.swapped)" = "$disk" ] || fail "cow used the swap disk"
