# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that zero pages and zswap keep their place in front of remote memory,
# and that large folios go out whole and come back right.
# GROUP: dram
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=16
half=$((mib << 19))
thp=/sys/kernel/mm/transparent_hugepage/hugepages-64kB

vmstat() { awk -v key="$1" '$1 == key { print $2 }' /proc/vmstat; }

leap_up dram://1,256M

# Zero pages never travel; what the interpreter itself swaps out does.
zero=$(vmstat swpout_zero)
run_limited $((mib << 20)) leapctl run -- python3 -c "
b = bytearray(${mib} << 22)
for i in range(0, len(b), 4096): b[i] = 0
for i in range(0, len(b), 4096): assert not b[i]
" || fail "zero pages came back wrong"
zero=$(($(vmstat swpout_zero) - zero))
say "$zero zero pages and $(leap_stat stored_pages) others were swapped out"
[ "$zero" -gt $((mib << 9)) ] || fail "too few zero pages were swapped out"
[ "$(leap_stat stored_pages)" -lt $((zero / 2)) ] || fail "zero pages went remote"

# Large folios.
echo never >${thp/64/2048}/enabled
echo always >$thp/enabled
out=$(cat $thp/stats/swpout)
before=$(leap_stat stored_pages)
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --thp || fail "wrong data in large folios"
echo never >$thp/enabled
say "$(($(cat $thp/stats/swpout) - out)) folios of 64 KiB went out whole"
[ "$(cat $thp/stats/swpout)" -gt "$out" ] || fail "no large folio went out whole"
[ "$(leap_stat stored_pages)" -gt $((before + (mib << 6))) ] || fail "large folios did not go remote"

# zswap is asked first; what it writes back goes remote.
echo 1 >/sys/module/zswap/parameters/enabled || skip "no zswap"
before=$(leap_stat stored_pages)
zswpout=$(vmstat zswpout)
run_limited "$half" leapctl run -- leap-test-verify "${mib}M" || fail "wrong data behind zswap"
echo 0 >/sys/module/zswap/parameters/enabled
[ "$(vmstat zswpout)" -gt "$zswpout" ] || fail "zswap was not asked"
