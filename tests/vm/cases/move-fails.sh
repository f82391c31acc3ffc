# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that moving slabs which fails half-way costs no copy: a server that is to be
# removed keeps what it has until all other copies are whole, so that another server may
# be lost right after it has gone.
# RDMA: rxe siw
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=4

server() { echo "$LEAP_M2:940$1"; }
gone() { [ -z "$(place_of "$(server "$1")")" ]; }
moved() { [ "$(leap_stat moved_pages)" -gt "$1" ]; }

for i in 0 1 2 3; do
	on_m2 start_leapd "940$i" --slab 2M --memory 64M || fail "leapd $i does not start"
done
leap_up "rdma://2,$(server 0),$(server 1)?replicas=2&slab=2M&timeout_ms=$((2000 * LEAP_SCALE))"
hold $mib

# The first home of each slab is free now: the next one comes before the others.
leapctl session add "$(server 2)" || fail "it is not added"
leapctl session remove "$(server 0)" || fail "it is not removed"
wait_for 30 complete || fail "$(missing) copies are missing"

leapctl session add "$(server 3)" || fail "it is not added"
before=$(leap_stat moved_pages)
inject fail_store 30 || skip "this kernel cannot inject errors"
leapctl session remove --no-wait "$(server 1)" || fail "it is not removed"
wait_for 30 moved "$before" || fail "nothing moves"
pause 1
inject fail_store 0
say "$(($(leap_stat moved_pages) - before)) pages moved while stores failed; the server is $(gone 1 && echo gone || echo there)"
wait_for 60 gone 1 || fail "it does not go"
wait_for 30 complete || fail "$(missing) copies are missing"

on_m2 kill_leapd 9402
wait_for 20 server_is "$(place_of "$(server 2)")" lost || fail "nobody notices"
must_end 0
say "all of $((mib << 8)) pages were on the last server"
