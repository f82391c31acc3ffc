# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a machine which is gone from one instant to the next does not keep
# what it has borrowed: leapd finds out by itself, although it has nothing to
# say to that machine and hears nothing of it.
# RDMA: rxe siw
# GROUP: power
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

status() { grep '"status"' "$LEAP_SHARED/leapd.9400.log" | tail -n 1 | jq ".$1"; }
is() { [ "$(status "$1")" = "$2" ]; }
queues() { rdma resource show qp | grep -c leapd; }
no_queues() { [ "$(queues)" = 0 ]; }

# On iWARP it is TCP that gives up, by default after a quarter of an hour.
echo 3 >/proc/sys/net/ipv4/tcp_retries2
start_leapd 9400 --json --slab 8M --memory 64M --reserve 32M || fail "leapd does not start"
on_m2 eval "tail -f /dev/null | setsid leap-test-borrower $LEAP_M1 9400 hold >/leap/hold.log 2>&1 &"
wait_for 20 grep -q holding "$LEAP_SHARED/hold.log" || fail "no clients: $(cat "$LEAP_SHARED/hold.log")"
wait_for 5 is lent_bytes $((8 << 20)) || fail "$(status lent_bytes) bytes are on loan"
say "$(status clients) clients, $(queues) queues, $(status lent_bytes) bytes on loan"

on_m2 power_cut
started=$SECONDS
wait_for 80 is lent_bytes 0 || fail "$(status lent_bytes) bytes are still on loan"
wait_for 30 is clients 0 || fail "$(status clients) clients are still there"
wait_for 10 no_queues || fail "$(queues) queues are still there"
say "all of it was back after $((SECONDS - started)) s: $(grep client-gone "$LEAP_SHARED/leapd.9400.log" | tail -n 1 | jq -r .text)"
stop_leapd
