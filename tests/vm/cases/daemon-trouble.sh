# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a daemon that is not there, goes, or is none gives a clear error
# and never a hang or wrong data.
# RDMA: rxe siw
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))
portal="rdma://1,$LEAP_M2:9400?timeout_ms=$((2000 * LEAP_SCALE))"

# refused TEXT: session create fails with a sentence that has it
refused() {
	local said
	if said=$(leapctl session create "$portal" 2>&1); then fail "a session without a server"; fi
	say "$said"
	[[ $said == *"$1"* ]] || fail "nothing about: $1"
}

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
refused "no leapd"

on_m2 start_leapd 9400 || fail "leapd does not start"
on_m2 stop_leapd
refused "no leapd"

# A stranger that speaks RDMA but not Leap.
on_m2 eval "setsid rping -s -a $LEAP_M2 -p 9400 >/dev/null 2>&1 </dev/null &"
on_m2 wait_for 10 rdma_listens 9400
refused "Leap"
on_m2 pkill -x rping
on_m2 wait_for 10 not rdma_listens 9400

# Killed while it holds pages.
on_m2 start_leapd 9400 --memory 128M || fail "leapd does not start"
leapctl session create "$portal" || fail "no session"
without_rseq run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 1000 &
program=$!
stored() { [ "$(leap_stat stored_pages)" -gt $((mib << 6)) ]; }
wait_for 60 stored || fail "nothing is stored"
on_m2 kill_leapd
wait_for 30 server_is 0 lost || fail "the server's death goes unnoticed"
wait "$program"
status=$?
[ "$status" = $((128 + 7)) ] || fail "exit status $status, where SIGBUS was due"

# The rest goes on: pages go to the disk, and are right.
disk=$(swap_written_bytes)
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" || fail "wrong data without a server"
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "the disk was not used"
leapctl session destroy --force || fail "the session of a dead server cannot be ended"

# And a new server is as good as the first.
on_m2 start_leapd 9400 || fail "leapd does not start again"
leapctl session create "$portal" || fail "no session with a new server"
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" || fail "wrong data with a new server"

# Nobody reads what a server says: it serves all the same, and ends when told to.
leapctl session destroy || fail "the session cannot be ended"
on_m2 stop_leapd
cat >"$LEAP_SHARED/unread" <<'PY'
import fcntl, os, subprocess, sys
end, full = os.pipe()
fcntl.fcntl(full, fcntl.F_SETFL, os.O_NONBLOCK)
try:
    while True: os.write(full, bytes(4096))
except BlockingIOError: fcntl.fcntl(full, fcntl.F_SETFL, 0)
subprocess.run(sys.argv[1:], stdout=full, stderr=full)
PY
on_m2 eval "setsid python3 $LEAP_SHARED/unread leapd $LEAP_M2 9400 --json >/dev/null 2>&1 </dev/null &"
on_m2 wait_for 10 rdma_listens 9400 || fail "a leapd that nobody listens to does not start"
leapctl session create "$portal" || fail "no session with a leapd that nobody listens to"
pause 3
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 1 || fail "wrong data"
leapctl session destroy || fail "the session cannot be ended"
on_m2 pkill -TERM -x leapd
on_m2 wait_for 10 not pgrep -x leapd || fail "a leapd that nobody listens to does not end"
