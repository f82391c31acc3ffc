# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that no byte of a client outlives its slab: each slab is full of zeros
# when it is lent, and is so again when leapd gives its memory back to the kernel,
# whether its client has returned it, has left, or is gone.
# RDMA: rxe siw
# TIMEOUT: 60
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

looker=$(type -P leap-test-zeroed.so) || fail "there is no leap-test-zeroed.so"
log=$LEAP_SHARED/leapd.9400.log

# The looker sees what is there.
said=$(LD_PRELOAD=$looker python3 -c "
import mmap
for what in b'x', b'':
    a = mmap.mmap(-1, 2 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    a[5000:5000 + len(what)] = what
    a.close()" 2>&1)
[ "$said" = "given back: 512 pages, 1 with something in them
given back: 512 pages, 0 with something in them" ] || fail "the looker is blind: $said"

on_m2 eval "LD_PRELOAD=$looker start_leapd 9400 --slab 2M" || fail "leapd does not start"
for round in 1 2 3; do
	said=$(leap-test-borrower "$LEAP_M2" 9400 old-data 2>&1) || fail "$said"
	said=$(leap-test-borrower "$LEAP_M2" 9400 foreign-memory 2>&1) || fail "$said"
done
on_m2 stop_leapd
given=$(grep -c '^given back: 512 pages' "$log")
say "$given slabs given back, $(grep -c '^given back.* 0 with something' "$log") of them zeroed"
[ "$given" -ge $((round * 8)) ] || fail "only $given slabs were seen"
if grep '^given back' "$log" | grep -v ' 0 with something'; then fail "a client's bytes are left in leapd's memory"; fi
