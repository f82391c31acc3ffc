# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a server can be added and another one removed while a program runs: its
# data is right, no load fails, and the removed leapd has no client left. That one
# which is dead can be removed, too, without losing a byte that has another copy. And
# that what cannot be done is refused with a sentence that says why.
# RDMA: rxe siw
# TIMEOUT: 240
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=4
# shellcheck source=tests/vm/load.sh
. "${LEAP_LIB%/*}/load.sh"
timeout=timeout_ms=$((2000 * LEAP_SCALE))

server() { echo "$LEAP_M2:940$1"; }
start_server() {
	on_m2 start_leapd "940$1" --slab "${2:-4M}" --memory 128M --json ||
		fail "leapd $1 does not start"
}
# clients PORT: as its leapd says
clients() { grep '"status"' "$LEAP_SHARED/leapd.940$1.log" | tail -n 1 | jq ".clients + .clients_away"; }
alone() { [ "$(clients "$1")" = 0 ]; }
uses() { holds "$(place_of "$(server "$1")")"; }
gone() { [ -z "$(place_of "$(server "$1")")" ]; }

for i in 0 1 2; do start_server $i; done
start_server 3 8M
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
refused "there is no session" add "$(server 2)"
leapctl session create "rdma://2,$(server 0),$(server 1)?slab=4M&$timeout" || fail "no session"

load
wait_for 30 uses 0 || fail "nothing is on the first server"
leapctl session add "$(server 2)" || fail "it is not added"
stored=$(leap_stat stored_pages)
leapctl session remove "$(server 0)" || fail "it is not removed"
gone 0 || fail "it is there still"
wait_for 10 alone 0 || fail "the removed leapd has $(clients 0) clients"
[ "$(leap_stat stored_pages)" -ge "$stored" ] || fail "its stores are not counted any more"
[ "$(leap_stat moved_pages)" -gt 0 ] || fail "no page was moved"
say "$(leap_stat moved_pages) pages were moved"
wait_for 30 uses 2 || fail "nothing is placed on the new server"
leapctl session add "$(server 0)" || fail "it is not added again"
[ "$(place_of "$(server 0)")" = 0 ] || fail "its place is not used again"
leapctl session remove --no-wait "$(server 1)" || fail "it is not removed"
wait_for 60 gone 1 || fail "it does not go: $(leapctl session show)"
check_load
leapctl session show

say "bad inputs"
refused "is server 0 already" add "$(server 0)"
refused "is no server of the session" remove "$(server 1)"
refused "no leapd listens" add "$(server 7)"
refused "slabs of 8 MiB" add "$(server 3)"
refused "is no IP address" add somewhere:9400
refused "no port" add "$LEAP_M2"
refused "no server is named" add ""
wait_for 10 alone 3 || fail "the leapd with other slabs has $(clients 3) clients"
leapctl session remove "$(server 2)" || fail "it is not removed"
refused "needs its last server" remove "$(server 0)"
leapctl session destroy || fail "the session cannot be ended"

say "a dead server, two copies"
leapctl session create "rdma://2,$(server 0),$(server 1)?replicas=2&slab=4M&$timeout" || fail "no session"
refused "as many servers as copies" remove "$(server 0)"
load
on_m2 kill_leapd 9400
wait_for 20 server_is 0 lost || fail "nobody notices"
leapctl session add "$(server 2)" || fail "it is not added"
leapctl session remove "$(server 0)" || fail "the dead one is not removed"
gone 0 || fail "it is there still"
wait_for 30 complete || fail "$(missing) copies are missing"
check_load
start_server 0
leapctl session add "$(server 0)" || fail "it is not added again"
wait_for 10 server_is 0 up || fail "it is not in service"
load
leapctl session remove --no-wait "$(server 1)" || fail "it is not removed"
leapctl session remove --no-wait "$(server 1)" || fail "twice is an error"
leapctl session destroy || fail "the session cannot be ended while a server is removed"
end_load
for i in 0 1 2; do wait_for 20 alone $i || fail "leapd $i has $(clients $i) clients at the end"; done
