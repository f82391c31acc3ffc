# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves by the kernel's leak detector that all memory is freed: of sessions that
# ended well, were refused, lost their server or pages, and of attached processes.
# FLAVOUR: debug
# CMDLINE: kmemleak=on
# GROUP: leak
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

leaks=/sys/kernel/debug/kmemleak
mib=2
portal="rdma://1,$LEAP_M2:9400?timeout_ms=$((1000 * LEAP_SCALE))"

verify() { run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" "$@" >/dev/null; }

echo scan=off >$leaks || skip "no kmemleak in this kernel"
echo clear >$leaks

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
leapctl session create "$portal" 2>/dev/null && fail "a session with nobody"
leapctl session create "dram://0" 2>/dev/null && fail "a session with a bad portal"
on_m2 start_leapd 9400 || fail "leapd does not start"
for _ in 1 2 3; do
	leapctl session create "$portal" || fail "no session"
	verify --fork || fail "wrong data"
	leapctl session destroy || fail "the session cannot be ended"
done

# A session with errors, whose server is killed.
leapctl session create "$portal" || fail "no session"
inject fail_store 30
verify || fail "wrong data with stores that fail"
inject fail_store 0
stored=$(leap_stat stored_pages)
verify --passes 1000 &
program=$!
more() { [ "$(leap_stat stored_pages)" -gt $((stored + 100)) ]; }
wait_for 30 more || fail "nothing is stored"
on_m2 kill_leapd
wait "$program"
leapctl session destroy --force || fail "the session cannot be ended by force"

leapctl session create dram://1,64M || fail "no session in local memory"
verify || fail "wrong data in local memory"
swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
leapctl session destroy || fail "the session cannot be ended"
rmmod leap || fail "rmmod failed"

# What was freed by RCU is gone by the second scan; the detector wants some
# seconds of age before it calls a block lost.
old_enough() { (($(date +%s) - ended > 6)); }
ended=$(date +%s)
wait_for 10 old_enough
echo scan >$leaks
echo scan >$leaks
cat $leaks
[ -z "$(cat $leaks)" ] || fail "memory was leaked: $(head -n 5 $leaks)"
