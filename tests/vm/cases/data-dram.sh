# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that data stays right in local slabs through all that a program can do
# to its pages: threads, fork and copy on write, MADV_DONTNEED, huge pages.
# SMP: 1 2
# GROUP: dram
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=64
[ "$LEAP_FLAVOUR" = release ] || mib=8

leap_up dram://1,256M
disk=$(swap_written_bytes)
for options in "--threads 4" "--fork" "--dontneed --pattern stride" "--thp --fork --pattern seq"; do
	# shellcheck disable=SC2086
	run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" $options ||
		fail "wrong data with $options"
	say "right with $options"
done
[ "$(swap_written_bytes)" = "$disk" ] || fail "pages went to the swap disk"
[ "$(leap_stat loaded_pages)" -gt $((mib << 7)) ] || fail "too few pages were loaded"
