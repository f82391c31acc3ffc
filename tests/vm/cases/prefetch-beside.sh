# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that programs do not confuse each other's prefetching: of two with opposite
# patterns at the same time, each has as much of what was prefetched for it in use
# as when it runs alone, within 2 points, and so have four ways in one program.
# GROUP: prefetch
# SMP: 1
# FLAVOUR: release
# TIMEOUT: 300
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32

# begin PATTERN: a scan with half of its memory, which then stays to be looked at
begin() {
	mkfifo "/run/hold.$1"
	run_limited $((mib << 19)) leapctl run -- leap-test-faultlat --hold $mib "$1" \
		<>"/run/hold.$1" >"/run/scan.$1" 2>&1 &
}

# accuracy PATTERN: of its prefetches, in tenths of a percent
accuracy() {
	local pid
	wait_for 300 test -s "/run/scan.$1" || fail "the scan by $1 does not end"
	pid=$(pgrep -f "^leap-test-faultlat .* $1\$") || fail "$(cat "/run/scan.$1")"
	awk -v pid="$pid" '$1 == pid && $8 { print int(1000 * ($6 + $7) / $8) }' \
		/sys/kernel/mm/leap/prefetch/processes
}

# end PATTERN...: lets go of these scans
end() {
	for pattern; do echo >"/run/hold.$pattern"; done
	wait
	for pattern; do rm "/run/hold.$pattern" "/run/scan.$pattern"; done
}

modprobe leap dram_latency_us=500
leap_up dram://1,256M
leapctl prefetch on

declare -A alone
for pattern in 10 reverse 4x10; do
	begin $pattern
	alone[$pattern]=$(accuracy $pattern)
	end $pattern
	say "$pattern alone: ${alone[$pattern]} of 1000 are used"
	[ "${alone[$pattern]:-0}" -ge 950 ] || fail "$pattern alone: less than 95 % are used"
done
for other in reverse 4x10; do
	begin 10
	begin $other
	for pattern in 10 $other; do
		beside=$(accuracy "$pattern")
		say "$pattern, of 10 and $other together: $beside of 1000 are used"
		[ "${beside:-0}" -ge $((alone[$pattern] - 20)) ] ||
			fail "$pattern: ${alone[$pattern]} of 1000 alone, $beside beside another program"
	done
	end 10 $other
done
