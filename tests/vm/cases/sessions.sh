# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a session leaves nothing behind: many of them, each with pages
# stored, cost no memory, no RDMA object and no slab on either side; nor do
# sessions that fail, nor loading and unloading the module.
# RDMA: rxe siw
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

rounds=20 mib=8
[ "$LEAP_FLAVOUR" = release ] || { rounds=8 mib=2; }

# rdma_objects: how many of each kind this guest has. Of rxe's and siw's own
# work, some is put off.
rdma_objects() { rdma resource show | tr -s ' '; }
rdma_is() { [ "$(rdma_objects)" = "$1" ]; }
m2_objects() { on_m2 eval "rdma resource show | tr -s ' '"; }
m2_is() { [ "$(m2_objects)" = "$1" ]; }
# mappings: large allocations of the module
mappings() { grep -c '\[leap\]' /proc/vmallocinfo; }
# available: KiB, with the free pages that the processors keep for themselves
available() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '$1 == "MemAvailable:" { n += $2 } $1 == "count:" { n += 4 * $2 } END { print n }' \
		/proc/meminfo /proc/zoneinfo
}
leapd_kib() { on_m2 ps -o rss= -C leapd; }
lent() { grep '"status"' "$LEAP_SHARED/leapd.9400.log" | tail -n 1 | jq .lent_bytes; }
nothing_lent() { [ "$(lent)" = 0 ]; }

# session PORTAL: makes one, uses and ends it
session() {
	local stored
	leapctl session create "$1" || fail "$1: no session"
	stored=$(leap_stat stored_pages)
	run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --passes 1 >/dev/null ||
		fail "$1: wrong data"
	[ "$(leap_stat stored_pages)" -gt "$stored" ] || fail "$1: nothing was stored"
	leapctl session destroy || fail "$1: the session cannot be ended"
	[ "$(leap_stat slabs) $(leap_stat remote_pages)" = "0 0" ] || fail "$1: slabs or pages stay"
}

rdma_before=$(rdma_objects)
on_m2 start_leapd 9400 --json || fail "leapd does not start"
rdma_m2=$(m2_objects)
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
mappings=$(mappings)

for ((round = 1; round <= rounds; round++)); do
	session "rdma://1,$LEAP_M2:9400"
	session "dram://1,64M"
	if leapctl session create "rdma://1,$LEAP_M2:9401" 2>/dev/null; then fail "a session with nobody"; fi
	# Some memory is taken once and kept; what goes on growing is a leak.
	if [ "$round" = $((rounds / 4)) ]; then available=$(available) leapd=$(leapd_kib); fi
done
lost=$((available - $(available))) grown=$(($(leapd_kib) - leapd))
say "$((rounds * 3 / 4)) rounds: $lost KiB less available, leapd $grown KiB larger"
# A leaked session would be its map of 640 KiB each time, one slab 64 MiB.
[ "$lost" -lt 3072 ] || fail "sessions leak memory"
[ "$grown" -lt 1024 ] || fail "leapd leaks memory"
wait_for 10 rdma_is "$rdma_before" || fail "RDMA objects are left: before: $rdma_before, after: $(rdma_objects)"
[ "$(mappings)" = "$mappings" ] || fail "vmalloc areas are left: $(grep '\[leap\]' /proc/vmallocinfo)"
wait_for 10 nothing_lent || fail "leapd still lends $(lent) bytes"
wait_for 10 m2_is "$rdma_m2" || fail "RDMA objects are left in m2: before: $rdma_m2, after: $(m2_objects)"

swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
for ((round = 1; round <= 5; round++)); do
	rmmod leap || fail "rmmod failed"
	modprobe leap || fail "modprobe failed"
done
