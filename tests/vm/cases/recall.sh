# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a server that runs short of memory gets it back: leapd calls slabs
# back, what is in them goes to another server, or to the swap disk if there is
# none, while the program goes on and finds every byte right. A client that does
# not give back is cut off, and only past the deadline.
# RDMA: rxe siw
# MEM: 640
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=24
[ "$LEAP_FLAVOUR" = release ] || mib=4
log=$LEAP_SHARED/leapd.9400.log

status() { grep '"status"' "$log" | tail -n 1 | jq ".$1"; }
is() { [ "$(status "$1")" = "$2" ]; }
# m2_available: MiB
m2_available() { on_m2 cat /proc/meminfo | awk '/^MemAvailable/ { print int($2 / 1024) }'; }
# hog: takes so much memory in m2 that less than the reserve is left; in small
# steps, since its kernel answers nobody while it zeroes pages
hog() {
	local mib
	on_m2 eval "mkdir -p /run/hog; mountpoint -q /run/hog || mount -t tmpfs -o size=100% none /run/hog"
	for ((mib = $(m2_available) - reserve + 40; mib > 0; mib -= 8)); do
		on_m2 fallocate -l 8M "/run/hog/$mib" || fail "cannot take memory in m2"
	done
}
unhog() { on_m2 eval "rm -f /run/hog/*"; }
leapd_kib() { on_m2 eval "ps -o rss=,args= -C leapd | awk '/9400/ { print \$1 }'"; }
server_stat() { awk -v key="$2" '$1 == key { print $2 }' "/sys/kernel/mm/leap/servers/$1/stat"; }
serves() { [ "$(server_stat 0 remote_pages)" -gt "$1" ]; }

# give_back WHERE PORTAL: a program swaps, m2 runs short, the first server's slabs go
give_back() {
	local before after program
	leapctl session create "$2" || fail "no session"
	run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --passes 100000 &
	program=$!
	wait_for 60 serves $((mib << 5)) || fail "$1: nothing is stored"
	before=$(leapd_kib)
	hog
	wait_for 60 is slabs 0 || fail "$1: $(status slabs) slabs were not given back"
	after=$(leapd_kib)
	kill -0 "$program" || fail "$1: the program is gone; $(dmesg | grep 'leap: ' | tail -n 3)"
	say "$1: $(leap_stat recalled_slabs) slabs called back, $(leap_stat moved_pages) pages moved, leapd has $before KiB, then $after KiB"
	[ "$(server_stat 0 slabs) $(server_stat 0 remote_pages)" = "0 0" ] || fail "$1: something is left: $(cat /sys/kernel/mm/leap/servers/0/stat)"
	[ $((before - after)) -ge $((mib << 7)) ] || fail "$1: leapd's memory has not fallen"
	[ "$(status cut_off)" = 0 ] || fail "$1: the client was cut off"
	pkill -TERM -x leap-test-verif
	wait "$program" || fail "$1: wrong data"
	[ "$(leap_stat failed_loads)" = 0 ] || fail "$1: loads have failed"
	unhog
	wait_for 20 is shortage false || fail "$1: the shortage does not end"
	leapctl session destroy || fail "$1: the session cannot be ended"
}

reserve=$(($(m2_available) * 3 / 4))
on_m2 start_leapd 9400 --json --slab 2M --memory 64M --reserve ${reserve}M --recall $((20 * LEAP_SCALE)) ||
	fail "leapd does not start"
on_m2 start_leapd 9401 --slab 2M --memory 64M --reserve 16M || fail "a second leapd does not start"
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

timeout=timeout_ms=$((5000 * LEAP_SCALE))
both="rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?$timeout"
disk=$(swap_written_bytes)
give_back "to another server" "$both"
[ "$(leap_stat moved_pages)" -gt 0 ] || fail "no page was moved"
say "$((($(swap_written_bytes) - disk) >> 12)) pages went to the disk meanwhile"

# Writes that fail while slabs move: of the program's and of the mover's.
if inject fail_store 10; then
	give_back "with failures" "$both"
	inject fail_store 0
fi

disk=$(swap_written_bytes) moved=$(leap_stat moved_pages)
give_back "to the disk" "rdma://1,$LEAP_M2:9400?$timeout"
[ "$(leap_stat moved_pages)" = "$moved" ] || fail "pages were moved to nowhere"
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "nothing was written to the disk"

# Other clients: one that gives everything back when it is told to, and one that
# does not.
for how in obey-recalls ignore-recalls; do
	coproc leap-test-borrower "$LEAP_M2" 9400 $how
	borrower=$COPROC_PID
	until read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line && [ "$line" = holding ]; do
		kill -0 "$borrower" || fail "$how: $line"
	done
	hog
	cat <&"${COPROC[0]}" >/dev/null &
	wait "$borrower" || fail "$how: leapd does not react as it must"
	unhog
	wait_for 20 is shortage false || fail "$how: the shortage does not end"
	say "$how: $(status recalls) recalls, $(status cut_off) clients cut off so far"
done
[ "$(status cut_off)" = 1 ] || fail "$(status cut_off) clients were cut off, where one was due"
