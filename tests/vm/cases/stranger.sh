# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a server that speaks another version, or nonsense, or nothing at
# all, is refused with the right errno and one line of help, in bounded time;
# and that one which turns out to be a fraud later costs no byte.
# RDMA: rxe siw
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

portal="rdma://1,$LEAP_M2:9400?timeout_ms=$((1000 * LEAP_SCALE))"

# fraud HOW: that server, in place of the one before
fraud() {
	on_m2 pkill -x leap-test-leapd
	on_m2 wait_for 10 not rdma_listens 9400 || fail "port 9400 is still taken"
	on_m2 eval "setsid leap-test-leapd $LEAP_M2 9400 $1 >/leap/fraud.log 2>&1 </dev/null &"
	on_m2 wait_for 10 rdma_listens 9400 || fail "$1: $(cat "$LEAP_SHARED/fraud.log")"
}

# refused HOW TEXT: no session with that server, and a line that says TEXT
refused() {
	local how=$1 text=$2 said started=$SECONDS
	fraud "$how"
	if said=$(leapctl session create "$portal" 2>&1); then fail "$how: a session was made"; fi
	said=${said//$'\n'/ | }
	say "$how, $((SECONDS - started)) s: $said"
	[[ $said == *"$text"* ]] || fail "$how: nothing about: $text"
	[[ $said != *" | "* ]] || fail "$how: more than one line"
	((SECONDS - started < 8 * LEAP_SCALE)) || fail "$how: took $((SECONDS - started)) s"
	[ -z "$(cat /sys/kernel/mm/leap/session)" ] || fail "$how: a session stays"
}

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
refused refuse-version "versions differ"
refused welcome-version "versions differ"
refused welcome-noise "does not speak Leap"
refused welcome-empty "does not speak Leap"
refused welcome-sizes "does not speak Leap"
refused welcome-greedy "lends"
refused silent "in time"
refused answer-nothing "server"
refused answer-noise "server"
refused answer-short "server"
refused answer-other "server"
refused talk-early "server"
refused recall-flood "server"
refused drop-data "closed the connection"

# While a session is being made, its module stays.
fraud silent
leapctl session create "$portal" 2>/dev/null &
creating=$!
asked() { grep -q "a hello" "$LEAP_SHARED/fraud.log"; }
wait_for 10 asked || fail "the server is not asked"
if rmmod leap 2>/dev/null; then fail "rmmod took the module away from a session in the making"; fi
wait "$creating" && fail "silent: a session was made"

# It lends memory that it has not: the first store finds out, each time that the
# server is tried again.
losses() { dmesg | grep -c "leap: server 0 is lost"; }
fraud grant-nothing
lost=$(losses)
leapctl session create "$portal" || fail "grant-nothing: no session"
mib=8
disk=$(swap_written_bytes)
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" || fail "grant-nothing: wrong data"
[ "$(losses)" -gt "$lost" ] || fail "grant-nothing: the server passes for honest"
[ "$(leap_stat stored_pages)" = 0 ] || fail "grant-nothing: pages were stored in nothing"
[ "$(leap_stat failed_stores)" -gt 0 ] || fail "grant-nothing: no store failed"
[ "$(swap_written_bytes)" -gt $((disk + (mib << 18))) ] || fail "grant-nothing: the disk was not used"
leapctl session destroy || fail "grant-nothing: the session cannot be ended"
on_m2 pkill -x leap-test-leapd

# Nothing of all this is left in the way of an honest one.
on_m2 wait_for 10 not rdma_listens 9400 || fail "port 9400 is still taken"
on_m2 start_leapd 9400 || fail "leapd does not start"
# Large slabs take their time, when there is no fraud to find out.
leapctl session create "rdma://1,$LEAP_M2:9400" || fail "no session with a leapd"
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" ||
	fail "wrong data, or none: $(dmesg | grep 'leap: ' | tail -n 3)"
[ "$(leap_stat stored_pages)" -gt 0 ] || fail "nothing was stored"
