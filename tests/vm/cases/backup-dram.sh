# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with backup=disk the swap disk has what is remote, and that neither
# loads nor stores that fail cost a byte then, nor a session that cannot read one
# page remotely and ends: in local slabs, where nothing else can go wrong.
# SMP: 1 2
# GROUP: dram
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))
verify() { without_rseq run_limited "$half" leapctl run -- leap-test-verify "${mib}M" "$@"; }

leap_up "dram://1,256M?backup=disk&verify=1"
leapctl session show | grep -q "^backup  *disk" || fail "the session does not say that it has a backup"

disk=$(swap_written_bytes)
for options in "--threads 4" "--fork" "--thp --fork --pattern seq"; do
	# shellcheck disable=SC2086
	verify $options || fail "wrong data with $options"
done
disk=$((($(swap_written_bytes) - disk) >> 12))
stored=$(leap_stat stored_pages) written=$(leap_stat backup_written_pages)
((stored > 0 && written == stored)) || fail "$stored pages stored, $written written to the disk"
((disk >= stored)) || fail "$stored pages stored, but the disk has seen $disk"
[ "$(leap_stat backup_read_pages)" = 0 ] || fail "$(leap_stat backup_read_pages) pages were read from the disk for nothing"

inject fail_load 50 || skip "this kernel cannot inject errors"
verify --threads 2 || fail "wrong data with loads that fail"
[ "$(leap_stat backup_read_pages)" -gt 0 ] || fail "no page was read from the disk"
say "half of the loads failed, $(leap_stat backup_read_pages) pages were read from the disk"

inject fail_load 0
inject fail_store 50
verify --threads 2 || fail "wrong data with stores that fail"
[ "$(leap_stat failed_stores)" -gt 0 ] || fail "no store failed"
inject fail_load 50
for options in "--threads 2" "--thp --fork --pattern seq"; do
	# shellcheck disable=SC2086
	verify $options || fail "wrong data with loads and stores that fail and $options"
done
inject fail_store 0
[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"

# A session of which no page can be read remotely ends without force.
inject fail_load 0
hold "$mib"
inject fail_load 100
leapctl session destroy || fail "a session with a copy of all pages cannot be ended"
inject fail_load 0
must_end 0 backup_read_pages
[ "$(leap_stat remote_pages)" = 0 ] || fail "$(leap_stat remote_pages) pages are remote without a session"
[ "$(leap_stat corrupt_pages)" = 0 ] || fail "$(leap_stat corrupt_pages) right pages were found wrong"
