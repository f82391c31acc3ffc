# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# For cases in which m2 runs short of memory while its leapd lends: a leapd on
# port 9400 that wants most of it left, and a hog. Sourced after $LEAP_LIB.

log=$LEAP_SHARED/leapd.9400.log
reserve=

# status KEY: of that leapd, a second ago
status() { grep '"status"' "$log" | tail -n 1 | jq ".$1"; }
# is KEY VALUE
is() { [ "$(status "$1")" = "$2" ]; }

# m2_available: MiB
m2_available() { on_m2 cat /proc/meminfo | awk '/^MemAvailable/ { print int($2 / 1024) }'; }

# start_careful_leapd OPTIONS...
start_careful_leapd() {
	unhog	# what a case before has left
	reserve=$(($(m2_available) * 3 / 4))
	on_m2 start_leapd 9400 --json --slab 2M --memory 64M --reserve ${reserve}M "$@"
}

# hog: takes so much memory in m2 that less than the reserve is left; in small
# steps, since its kernel answers nobody while it zeroes pages
hog() {
	on_m2 eval "mkdir -p /run/hog; mountpoint -q /run/hog || mount -t tmpfs -o size=100% none /run/hog"
	on_m2 dd if=/dev/zero of=/run/hog/hog bs=256K count=$((($(m2_available) - reserve + 40) * 4)) ||
		fail "cannot take memory in m2"
}
unhog() { on_m2 rm -f /run/hog/hog; }

leapd_kib() { on_m2 eval "ps -o rss=,args= -C leapd | awk '/9400/ { print \$1 }'"; }
serves() { [ "$(server_stat 0 remote_pages)" -gt "$1" ]; }

# give_back WHERE PORTAL: a program swaps, m2 runs short, all slabs of the first
# server of that portal go, and the program finds every byte right
give_back() {
	local mib=24 before after program started=$SECONDS
	[ "$LEAP_FLAVOUR" = release ] || mib=2
	leapctl session create "$2" || fail "no session"
	leapctl run -- leap-test-keeper $mib &
	program=$!
	wait_for 60 serves $((mib << 5)) || fail "$1: nothing is stored"
	before=$(leapd_kib)
	hog
	say "$1: m2 is short after $((SECONDS - started)) s"
	wait_for 60 is slabs 0 || fail "$1: $(status slabs) slabs were not given back"
	after=$(leapd_kib)
	kill -0 "$program" || fail "$1: the program is gone; $(dmesg | grep 'leap: ' | tail -n 3)"
	say "$1: $(leap_stat recalled_slabs) slabs called back, $(leap_stat moved_pages) pages moved, leapd has $before KiB, then $after KiB, after $((SECONDS - started)) s"
	[ "$(server_stat 0 slabs) $(server_stat 0 remote_pages)" = "0 0" ] || fail "$1: something is left: $(cat /sys/kernel/mm/leap/servers/0/stat)"
	[ $((before - after)) -ge $((mib << 7)) ] || fail "$1: leapd's memory has not fallen"
	[ "$(status cut_off)" = 0 ] || fail "$1: the client was cut off"
	pkill -TERM -x leap-test-keepe
	wait "$program" || fail "$1: wrong data"
	[ "$(leap_stat failed_loads)" = 0 ] || fail "$1: loads have failed"
	unhog
	wait_for 20 is shortage false || fail "$1: the shortage does not end"
	leapctl session destroy || fail "$1: the session cannot be ended"
	say "$1: over after $((SECONDS - started)) s"
}
