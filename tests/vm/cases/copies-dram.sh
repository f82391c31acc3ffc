# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that several copies of each page are kept and read right, and that an
# error of one copy is no error: in local slabs, where nothing else can go wrong.
# SMP: 1 2
# GROUP: dram
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
for replicas in 2 3; do
	leapctl session create "dram://3,128M,128M,128M?replicas=$replicas&verify=1&slab=4M" || fail "no session"
	before=$(leap_stat stored_pages)
	for options in "--threads 4" "--fork" "--thp --fork --pattern seq"; do
		# shellcheck disable=SC2086
		run_limited "$half" leapctl run -- leap-test-verify "${mib}M" $options ||
			fail "wrong data with $options"
	done
	stored=$(($(leap_stat stored_pages) - before))
	copies=$(cat /sys/kernel/mm/leap/servers/?/stat | awk '$1 == "stored_pages" { n += $2 } END { print n }')
	((copies == replicas * stored)) || fail "$copies copies of $stored pages"
	complete || fail "$(missing) copies are missing without an error"

	if inject fail_store 10 && inject fail_load 5; then
		without_rseq run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2
		status=$?
		inject fail_store 0
		inject fail_load 0
		case $status in
		0) ;;
		$((128 + 7))) [ "$(leap_stat failed_loads)" -gt 0 ] || fail "SIGBUS without a load that failed" ;;
		*) fail "status $status with errors" ;;
		esac
		say "$replicas copies: status $status, $(leap_stat retried_loads) loads tried again so far, $(leap_stat failed_loads) failed, $(leap_stat rebuilt_pages) pages rebuilt"
		wait_for 30 complete || fail "$(missing) copies are missing still"
	fi
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" || fail "wrong data afterwards"
	leapctl session destroy || fail "the session cannot be ended"
done
[ "$(leap_stat corrupt_pages)" = 0 ] || fail "$(leap_stat corrupt_pages) right pages were found wrong"
