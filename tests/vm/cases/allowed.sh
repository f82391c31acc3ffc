# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that leapd lends to nobody who is not on its list of addresses, whatever
# they send, and to those who are no more than it is told to.
# RDMA: rxe siw
# TIMEOUT: 90
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

portal="rdma://1,$LEAP_M2:9400?timeout_ms=$((2000 * LEAP_SCALE))"

# listen OPTIONS...: leapd with these, in place of the one before
listen() {
	on_m2 stop_leapd
	on_m2 start_leapd 9400 --slab 2M "$@" || fail "leapd does not start: $*"
}

# refused: nobody gets in, in no way, and is told why in one line
refused() {
	local said
	if said=$(leapctl session create "$portal" 2>&1); then fail "a session was made"; fi
	say "${said//$'\n'/ | }"
	[[ $said == *"lends nothing to that address"* ]] || fail "it does not say why"
	[ -z "$(cat /sys/kernel/mm/leap/session)" ] || fail "a session stays"
	if said=$(leap-test-borrower "$LEAP_M2" 9400 put-twice 2>&1); then fail "a borrower got in"; fi
	[[ $said == *"lends nothing to that address"* ]] || fail "borrower: $said"
	if leap-test-borrower "$LEAP_M2" 9400 noise-for-hello >/dev/null 2>&1; then fail "noise got in"; fi
}

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

listen --allow "$LEAP_M2"
refused
listen --allow fd00::/8 --allow "${LEAP_M2%.*}.0/29"
refused

# On the list twice, and one slab for each client.
listen --allow 127.0.0.1 --allow "${LEAP_M1%.*}.0/28" --allow "$LEAP_M1" --memory 64M --per-client 3M
leapctl session create "$portal" || fail "no session, though the address is allowed"
leapctl run -- leap-test-keeper 4 1 || fail "wrong data"
stored() { [ "$(leap_stat stored_pages)" -gt 0 ]; }	# maybe not before the end
wait_for 10 stored || fail "nothing was stored"
[ "$(leap_stat slabs)" = 1 ] || fail "$(leap_stat slabs) slabs of 2 MiB, where one was due"
say "$(leap_stat slabs) slabs, $(leap_stat refused_stores) pages went to the disk for that"
[ "$(leap_stat refused_stores)" -gt 0 ] || fail "the limit was never reached"
leapctl session destroy || fail "the session cannot be ended"
