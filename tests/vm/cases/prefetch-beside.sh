# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that programs do not confuse each other's prefetching: of two with opposite
# patterns at the same time, each has as much of what was prefetched for it in use
# as when it runs alone, within 2 points, and so have four ways in one program. In two
# of three rounds, that is: a scan takes a second or less, and reclaim that goes once
# around a program's pages while the other one runs finds no others to drop than those
# that were prefetched last. Whether it does so in that second is chance.
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

# round OTHER: do 10 and OTHER, at the same time, keep what they have alone?
round() {
	local pattern beside result=0
	begin 10
	begin "$1"
	for pattern in 10 "$1"; do
		beside=$(accuracy "$pattern")
		say "$pattern, of 10 and $1 together: $beside of 1000 are used, ${alone[$pattern]} alone"
		[ "${beside:-0}" -ge $((alone[$pattern] - 20)) ] || result=1
	done
	end 10 "$1"
	return $result
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
	good=0 bad=0
	while ((good < 2)); do
		if round $other; then
			((++good))
		else
			((++bad < 2)) || fail "10 and $other confuse each other"
		fi
	done
done
