# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with checksums no byte that a server has changed reaches a program:
# whoever reads such a page gets SIGBUS, which is counted, and all others go on;
# that a server which changes nothing is never found guilty; that a second copy takes
# the wrong one's place, also when pages move; and that through rxe there are checksums
# without being asked for, and none with verify=0.
# RDMA: rxe siw
# TIMEOUT: 480
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/holder.sh
. "${LEAP_LIB%/*}/holder.sh"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=2

on_m2 start_leapd 9400 --slab 8M || fail "leapd does not start"
options="timeout_ms=$((5000 * LEAP_SCALE))"
checksums() { value_of verify /sys/kernel/mm/leap/session; }
leap_up "rdma://1,$LEAP_M2:9400?$options&verify=0"
[ "$(checksums)" = 0 ] || fail "verify=0 keeps checksums"
leapctl session destroy || fail "the session cannot be ended"
[ "$LEAP_RDMA" = rxe ] || options+="&verify=1"
leapctl session create "rdma://1,$LEAP_M2:9400?$options" || fail "no second session"
[ "$(checksums)" = 1 ] || fail "no checksums are kept"
leapctl run -- leap-test-keeper $mib 2 || fail "wrong data"
stored() { [ "$(leap_stat stored_pages)" -gt 0 ]; }
wait_for 10 stored || fail "nothing was stored"	# its last pages may be on their way
[ "$(leap_stat corrupt_pages)" = 0 ] || fail "$(leap_stat corrupt_pages) right pages were found wrong"

# All of it is stored, then every page of a server changes in one bit, then it is read.
cat >"$LEAP_SHARED/spoil" <<PY
import re, sys
pid = open(f"/run/leapd.{sys.argv[1]}.pid").read().strip()
spoilt = 0
with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "r+b", 0) as mem:
    for line in maps:
        start, end, rights, rest = re.match(r"(\w+)-(\w+) (\S+) \S+ \S+ \S+(.*)", line).groups()
        start, end = int(start, 16), int(end, 16)
        if rights[:2] != "rw" or rest.strip() or end - start < 8 << 20: continue
        for at in range(start, end, 4096):
            mem.seek(at)
            page = bytearray(mem.read(4096))
            if not any(page[:8]): continue
            page[4000] ^= 4
            mem.seek(at)
            mem.write(page)
            spoilt += 1
print(spoilt)
PY
# spoil PORT: changes each page there; all that is held must be there
spoil() {
	corrupt=$(leap_stat corrupt_pages)
	spoilt=$(on_m2 python3 /leap/spoil "$1") || fail "cannot change leapd's memory: $spoilt"
	enough "$spoilt" || fail "only $spoilt pages were changed"
}

hold $mib
spoil 9400
look
[ "$status" = $((128 + 7)) ] || fail "exit status $status, where SIGBUS was due"
[ "$(leap_stat corrupt_pages)" -gt 0 ] || fail "no page was found wrong"
say "$spoilt pages changed, $(leap_stat corrupt_pages) of them found when they were read"
leapctl run -- leap-test-keeper $mib 1 || fail "wrong data afterwards"
leapctl session destroy || fail "the session cannot be ended"

# With a second copy nobody needs the wrong one: not who reads it, and not who copies
# it, when the server that has the right one is to leave.
for port in 9401 9402; do
	on_m2 start_leapd $port --slab 8M || fail "a leapd does not start"
done
leapctl session create "rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?replicas=2&$options" ||
	fail "no session with two servers"
hold $mib
failed=$(leap_stat failed_loads)

# found TEXT: so many pages were found wrong since spoil, and no load has failed
found() {
	local found=$(($(leap_stat corrupt_pages) - corrupt))
	[ $found -gt 0 ] || fail "no page was found wrong $1"
	[ "$(leap_stat failed_loads)" = "$failed" ] || fail "a load has failed though there is a copy"
	say "$found wrong copies found $1"
}

# The one that is read from for so few pages as there are here.
tell check
bad=9400 good=9401
[ "$(server_stat 0 loaded_pages)" -ge "$(server_stat 1 loaded_pages)" ] || bad=9401 good=9400
spoil $bad
tell check
found "by a program"
wait_for 60 complete || fail "copies are missing"
spoil $bad
leapctl session add "$LEAP_M2:9402" || fail "cannot add a server"
leapctl session remove "$LEAP_M2:$good" || fail "cannot remove a server"
must_end 0
[ "$(leap_stat failed_loads)" = "$failed" ] || fail "a load has failed though there is a copy"
leapctl session destroy || fail "the session cannot be ended"

# What is wrong where it can be read, and right on a server that is away, is not made
# up for with the wrong bytes: when the server is back it would be left for them.
on_m2 stop_leapd
for port in 9400 9401 9402; do
	on_m2 start_leapd $port --slab 8M --grace $((120 * LEAP_SCALE)) || fail "a leapd does not start"
done
leapctl session create "rdma://2,$LEAP_M2:9400,$LEAP_M2:9401?replicas=2&$options" ||
	fail "no session with two servers again"
hold $mib
failed=$(leap_stat failed_loads)
spoil 9400
on_m2 signal_leapd STOP 9401
wait_for $((20 * LEAP_SCALE)) server_is 1 lost || fail "nobody notices"
slabs=$(leap_stat slabs)
leapctl session add "$LEAP_M2:9402" || fail "cannot add a server"
more_slabs() { [ "$(leap_stat slabs)" -gt "$slabs" ]; }
wait_for 60 more_slabs || fail "no copy is made up for"
for _ in {1..10}; do	# no longer: what is away for 60 s is given up
	! complete || fail "wrong copies were made"
	pause 2
done
on_m2 signal_leapd CONT 9401
wait_for 60 server_is 1 up || fail "it does not come back"
wait_for 120 complete || fail "copies are missing: $(missing)"
must_end 0
[ "$(leap_stat failed_loads)" = "$failed" ] || fail "a load has failed though there was a copy"
leapctl session destroy || fail "the session cannot be ended"
