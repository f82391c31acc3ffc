# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that an error costs what it must and no more: a failed store goes to
# the swap disk, a failed load gives SIGBUS to that access and never wrong data;
# a session with lost pages ends only by force, and the next one works; and what
# could not be read once is read again, by other processes and by swapoff, too.
# GROUP: dram
# TIMEOUT: 120
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))

leap_up dram://1,256M

disk=$(swap_written_bytes)
inject fail_store 30 || skip "this kernel cannot inject errors"
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" || fail "wrong data with stores that fail"
inject fail_store 0
[ "$(leap_stat failed_stores)" -gt 0 ] || fail "no store failed"
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "failed stores did not go to the disk"
say "$(leap_stat failed_stores) stores failed, no byte was lost"

inject fail_load 5
without_rseq run_limited "$half" leapctl run -- leap-test-verify "${mib}M"
status=$?
inject fail_load 0
[ "$(leap_stat failed_loads)" -gt 0 ] || fail "no load failed"
[ "$status" = $((128 + 7)) ] || fail "exit status $status, where SIGBUS was due"
say "a failed load gave SIGBUS"

# Every page of a sleeping program cannot be read: the session stays, unless
# forced; then the program gets SIGBUS and the rest goes on. 8 MiB are Python's own.
run_limited $((half + (8 << 20))) leapctl run -- python3 -c "
import os, signal, sys
b = bytearray(os.urandom(4096)) * (${mib} << 8)
for i in range(0, len(b), 4096): b[i] = i >> 12 & 255
print('ready', flush=True)
signal.pause()
for i in range(0, len(b), 4096): assert b[i] == i >> 12 & 255
" >/tmp/sleeper &
group=$!
wait_for 60 grep -q ready /tmp/sleeper || fail "the program does not get ready"
sleeper=$(pgrep -n -x python3)
inject fail_load 100
leapctl session destroy && fail "a session with unreadable pages was ended without force"
inject fail_load 0
[ "$(leap_stat remote_pages)" -gt 0 ] || fail "pages were given up"
leapctl session destroy --force || fail "force did not end the session"

# Lost pages outlive the module, too, and are no burden to the next one.
rmmod leap || fail "rmmod failed"
modprobe leap || fail "modprobe failed"
[ "$(leap_stat remote_pages)" = 0 ] || fail "a new module has pages"
kill -USR1 "$sleeper"
wait "$group"
status=$?
say "after force: status $status"
[ "$status" != 0 ] || fail "lost pages were read as if nothing had happened"

leapctl session create dram://1,256M || fail "no session after a forced end"
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" || fail "wrong data in the next session"

# Pages that were read ahead in vain stay in the swap cache without their data.
# foreign_read PID: reads all memory of that program that it may write to
foreign_read() {
	python3 - "$1" <<'PY'
import os, sys
mem = os.open(f"/proc/{sys.argv[1]}/mem", os.O_RDONLY)
for line in open(f"/proc/{sys.argv[1]}/maps"):
    span, access = line.split()[:2]
    start, end = (int(word, 16) for word in span.split("-"))
    for at in range(start, end, 4096) if access == "rw-p" else ():
        os.pread(mem, 8, at)
PY
}
ahead_in_vain() {
	local before
	before=$(leap_stat failed_loads)
	inject fail_load 100
	tell ahead
	inject fail_load 0
	[ "$(leap_stat failed_loads)" -ge $((before + 512)) ] || fail "no page was read ahead in vain"
}
leapctl session destroy || fail "the session cannot be ended"
echo 100 >/sys/module/leap/parameters/dram_latency_us
leapctl session create dram://1,256M || fail "no session with latency"
hold 4
ahead_in_vain
foreign_read "$(pgrep -n -x python3)" || fail "another process cannot read a page that is there"
tell store
ahead_in_vain
swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
must_end 0
echo 0 >/sys/module/leap/parameters/dram_latency_us
