# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with backup=disk a swap disk that fails costs nothing while the pages
# can be read remotely, and that what it had before in a slot whose write has failed
# is never read: the access gets SIGBUS.
# GROUP: dram
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))
null=/sys/kernel/config/nullb/nullb0
sectors=$((mib * 5 << 10))	# so much that it is never half full, but for two versions

# bad FIRST LAST: these sectors can neither be read nor written; good mends them
bad() { echo "+$1-$2" >"$null/badblocks"; }
good() { echo "-$1-$2" >"$null/badblocks"; }

modprobe null_blk nr_devices=0 || skip "this kernel has no null_blk"
mkdir "$null" || fail "no null_blk device"
echo $((mib * 5 / 2)) >"$null/size"
echo 1 >"$null/memory_backed"
echo 1 >"$null/power" || fail "the null_blk device has no power"
mkswap /dev/nullb0 >/dev/null
modprobe leap || fail "modprobe leap failed"
swapon /dev/nullb0 || fail "swapon failed"
leapctl session create "dram://1,256M?backup=disk" || fail "no session"

bad 4096 $((sectors / 2))
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2 ||
	fail "wrong data with writes to the disk that fail"
[ "$(leap_stat failed_backups)" -gt 0 ] || fail "no write to the disk has failed"
[ "$(leap_stat backup_written_pages)" -gt 0 ] || fail "all writes to the disk have failed"
[ "$(leap_stat failed_stores)" = 0 ] || fail "a store failed with its write to the disk"
say "$(leap_stat failed_backups) writes to the disk failed, $(leap_stat backup_written_pages) did not"
good 4096 $((sectors / 2))

# Three versions of each page: the last one gets slots that others had, and in the
# second round the disk does not take it, but can be read again when the servers
# cannot.
inject fail_load 0 || skip "this kernel cannot inject errors"
for version in right old; do
	hold "$mib"
	tell store
	[ "$version" = right ] || bad 8 $((sectors - 1))
	tell store
	failed=$(more failed_backups)
	[ "$version" = right ] || good 8 $((sectors - 1))
	inject fail_load 100
	look
	inject fail_load 0
	read=$(more backup_read_pages)
	say "the disk has what is $version: $failed writes failed, $read pages read, status $status"
	if [ "$version" = right ]; then
		((status == 0 && failed == 0)) || fail "the disk is not as right as it was"
		enough "$read" || fail "not all pages were read from the disk"
	else
		enough "$failed" || fail "the disk has taken pages"
		((status == 128 + 7)) || fail "status $status, where SIGBUS was due"
	fi
done
leapctl session destroy || fail "the session cannot be ended"
swapoff /dev/nullb0 || fail "swapoff failed"
rmdir "$null"
rmmod null_blk
