# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that only attached processes use remote memory: two programs side by
# side, counters and the swap disk tell them apart; children are attached too;
# a detached process still reads what it has stored.
# GROUP: dram
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))

leap_up dram://1,256M

# Not attached: all to the disk.
disk=$(swap_written_bytes)
run_limited "$half" leap-test-verify "${mib}M" || fail "wrong data on the disk"
[ "$(leap_stat stored_pages)" = 0 ] || fail "pages of a process that is not attached went remote"
[ "$(swap_written_bytes)" -gt $((disk + (mib << 18))) ] || fail "the disk was not used"

# Side by side: one goes here, the other there.
disk=$(swap_written_bytes)
run_limited "$half" leap-test-verify "${mib}M" &
plain=$!
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --seed 2 || fail "wrong data, attached"
wait "$plain" || fail "wrong data, beside an attached process"
[ "$(leap_stat stored_pages)" -ge $((mib << 6)) ] || fail "the attached process stored nothing"
[ "$(swap_written_bytes)" -gt $((disk + (mib << 18))) ] || fail "the other did not use the disk"

# Children of an attached shell, by fork and by exec.
disk=$(swap_written_bytes) before=$(leap_stat stored_pages)
run_limited "$half" leapctl run -- bash -c "leap-test-verify ${mib}M; exit \$?" || fail "wrong data in a child"
[ "$(leap_stat stored_pages)" -ge $((before + (mib << 6))) ] || fail "the child was not attached"
[ "$(swap_written_bytes)" = "$disk" ] || fail "the child's pages went to the disk"

# Detached in the middle: reads from remote, writes to the disk.
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --passes 4 &
verify=$!
stored() { [ "$(leap_stat stored_pages)" -gt "$1" ]; }
wait_for 30 stored $(($(leap_stat stored_pages) + (mib << 5))) || fail "nothing is stored"
leapctl detach --all || fail "detach --all failed"
disk=$(swap_written_bytes)
wait "$verify" || fail "wrong data after detaching"
[ "$(swap_written_bytes)" -gt "$disk" ] || fail "a detached process did not use the disk"

# tmpfs belongs to no process.
before=$(leap_stat stored_pages)
mkdir -p /tmp/files && mount -t tmpfs files /tmp/files
run_limited "$half" leapctl run -- bash -c \
	"head -c ${mib}M /dev/urandom >/tmp/files/a && cp /tmp/files/a /tmp/files/b && cmp /tmp/files/a /tmp/files/b" ||
	fail "wrong data in tmpfs"
umount /tmp/files
[ $(($(leap_stat stored_pages) - before)) -lt $((mib << 6)) ] || fail "tmpfs pages went remote"
