# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that no client can harm leapd or another client: each kind of nonsense
# is refused in words or ends the connection of who sent it, no client reaches
# memory that is not lent to it or finds a byte that was somebody else's, leapd
# goes on serving all others, and nothing stays behind of any of it.
# RDMA: rxe siw
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=8
log=$LEAP_SHARED/leapd.9400.log
borrower=(leap-test-borrower "$LEAP_M2" 9400)

# rdma_objects: how many of each kind this guest has
rdma_objects() { rdma resource show | tr -s ' '; }
rdma_is() { [ "$(rdma_objects)" = "$1" ]; }
m2_objects() { on_m2 eval "rdma resource show | tr -s ' '"; }
m2_is() { [ "$(m2_objects)" = "$1" ]; }
leapd_kib() { on_m2 ps -o rss= -C leapd; }
leapd_files() { on_m2 eval "ls /proc/\$(leapd_pid)/fd | wc -l"; }
lent() { grep '"status"' "$log" | tail -n 1 | jq .lent_bytes; }
nothing_lent() { [ "$(lent)" = 0 ]; }
alive() { [ "$(on_m2 leapd_pid)" = "$leapd" ] || fail "$1: leapd is gone: $(tail -n 3 "$log")"; }

# misbehave: in every way that there is
misbehave() {
	local how said
	for how in $(leap-test-borrower names); do
		said=$("${borrower[@]}" "$how" 2>&1) || fail "$how: ${said//$'\n'/ | }"
		alive "$how"
		while read -r line; do say "$how: ${line:-as it must be}"; done < <(uniq <<<"$said")
	done
}

rdma_before=$(rdma_objects)
on_m2 start_leapd 9400 --json --slab 8M --memory 128M --reserve 32M || fail "leapd does not start"
leapd=$(on_m2 leapd_pid)
rdma_m2=$(m2_objects)
wait_for 5 nothing_lent || fail "leapd gives no status"

misbehave
kib=$(leapd_kib) files=$(leapd_files)

# One machine takes all that a machine gets; the other is served, but cannot
# pose as the first.
coproc "${borrower[@]}" hold
holder=$COPROC_PID
read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line
say "hold: $line"
read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line
[ "$line" = holding ] || fail "hold: $line"
said=$(on_m2 "${borrower[@]}" steal) || fail "steal: $said"
say "steal: ${said//$'\n'/ | }"
eval "exec ${COPROC[1]}>&-"
wait "$holder" || fail "hold: it has lost its places"

misbehave >/dev/null
wait_for 10 nothing_lent || fail "$(lent) bytes are still on loan"
grown=$(($(leapd_kib) - kib)) files=$(($(leapd_files) - files))
say "once more all of it: leapd is $grown KiB larger, has $files files more"
[ "$grown" -lt 256 ] || fail "leapd leaks memory"
[ "$files" = 0 ] || fail "leapd leaks files"
wait_for 10 m2_is "$rdma_m2" || fail "RDMA objects are left in m2: before: $rdma_m2, after: $(m2_objects)"
wait_for 10 rdma_is "$rdma_before" || fail "RDMA objects are left: before: $rdma_before, after: $(rdma_objects)"

leap_up
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" || fail "wrong data after all that"
[ "$(leap_stat stored_pages)" -gt 0 ] || fail "nothing was stored"
leapctl session destroy || fail "the session cannot be ended"
wait_for 10 nothing_lent || fail "$(lent) bytes are still on loan"
alive "at the end"
