# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a hard limit (memory.max), under which reclaim must make progress
# or the program dies, is survived: stores never wait for memory that only they
# can free. Also with all of the machine's memory nearly used up, if there is a
# reserve that software RDMA can take its packets from.
# RDMA: rxe siw
# MEM: 384
# GROUP: small
# TIMEOUT: 300
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=16 tries=4
[ "$LEAP_FLAVOUR" = release ] || { mib=8 tries=2; }

on_m2 start_leapd 9400 || fail "leapd does not start"
leap_up
for ((try = 1; try <= tries; try++)); do
	run_limited_max $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" --seed "$try" ||
		fail "try $try of $tries ended with status $?"
done
[ "$(leap_stat stored_pages)" -ge $((tries * mib << 7)) ] || fail "too few pages were stored"
say "$tries of $tries lived; $(leap_stat refused_stores) pages were sent to the disk"

# No limit but the machine's: more data than it has free.
sysctl -q vm.min_free_kbytes=32768
free=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
stored=$(leap_stat stored_pages)
leapctl run -- leap-test-verify $((free + 24576))K --passes 1 --pattern seq ||
	fail "wrong data with all memory in use"
[ "$(leap_stat stored_pages)" -gt $((stored + 4096)) ] || fail "the machine did not run short of memory"
[ "$(leap_stat failed_loads)" = 0 ] || fail "loads failed"
