# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Finds out how much memory the machine has to keep free (vm.min_free_kbytes) for
# software RDMA to go on when programs use all the rest. Proves that too little of
# it costs a program its pages at worst, never a wrong byte or the machine: it gets
# SIGBUS, the server comes back, and the next program is not worse off.
# FLAVOUR: release
# RDMA: rxe siw
# MEM: 384
# GROUP: small
# TIMEOUT: 1500
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

usual=$(sysctl -n vm.min_free_kbytes)
declare -A verdicts=([0]="all right" [$((128 + 7))]="SIGBUS" [$((128 + 9))]="killed for memory")

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
for kib in 65536 32768 16384 8192 "$usual"; do
	sysctl -q vm.min_free_kbytes="$kib"
	free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
	stored=$(leap_stat stored_pages)
	without_rseq leapctl run -- leap-test-verify $((free + 24576))K --passes 1 --pattern seq
	status=$?
	[ -n "${verdicts[$status]}" ] || fail "min_free_kbytes $kib: status $status"
	[ "$kib" -lt 32768 ] || [ "$status" = 0 ] || fail "min_free_kbytes $kib: ${verdicts[$status]}"
	say "min_free_kbytes $kib: ${verdicts[$status]}, $(($(leap_stat stored_pages) - stored)) pages stored"
	wait_for 60 server_is 0 up || fail "the server does not come back"
done
sysctl -q vm.min_free_kbytes="$usual"
run_limited $((8 << 20)) leapctl run -- leap-test-verify 16M || fail "wrong data afterwards"
