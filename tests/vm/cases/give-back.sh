# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that remote memory which a program gives up, by MADV_DONTNEED and by
# munmap, comes back to the server: the pages in use fall there, and the slabs.
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=16
pages=$((mib << 8))
# Slabs of 2 MiB that the module keeps for what comes next, and some that are
# partly in use.
kept=$((17 + 3))

# used, slabs: what leapd says of itself, once a second
status() { grep '"status"' "$LEAP_SHARED/leapd.9400.log" | tail -n 1 | jq ".$1"; }
at_most() { [ "$(status "$1")" -le "$2" ]; }
at_least() { [ "$(status "$1")" -ge "$2" ]; }
numbers() { echo "$(leap_stat remote_pages) pages remote, at the server $(status used_pages) in $(status slabs) slabs"; }

on_m2 start_leapd 9400 --json --slab 2M || fail "leapd does not start"
leap_up
wait_for 5 at_least slabs 1 || fail "leapd gives no status"

# Two areas, all of both swapped out; each step waits for a line.
cat >/run/holder <<PY
import mmap, sys
size, page = $mib << 20, mmap.PAGESIZE
def area(stamp):
    a = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for i in range(0, size, page): a[i:i + 8] = (i + stamp).to_bytes(8, "little")
    a.madvise(21)  # MADV_PAGEOUT
    return a
def step(text):
    print(text, flush=True)
    sys.stdin.readline()
first, second = area(1), area(2)
step("stored")
first.madvise(mmap.MADV_DONTNEED)
step("dropped")
assert not any(first[i] for i in range(0, size, page)), "dropped pages are not zero"
# Some of what is still remote, and no more: reading brings pages home.
for i in range(0, size, 64 * page): assert second[i:i + 8] == (i + 2).to_bytes(8, "little")
second.close()
step("unmapped")
PY
coproc leapctl run -- python3 /run/holder
holder=$COPROC_PID
# expect TEXT: the next line of the program, after telling it to go on
expect() {
	local line=
	read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line
	[ "$line" = "$1" ] || fail "the program did not say: $1"
}

# The allocator keeps up to 64 free slots for each processor.
slack=$((64 * $(nproc)))
expect stored
remote() { [ "$(leap_stat remote_pages)" -ge "$1" ]; }
wait_for 20 remote $((2 * pages - slack)) || fail "not all is remote: $(numbers)"
wait_for 20 at_least used_pages $((2 * pages - slack)) || fail "the server does not know of all: $(numbers)"
at_least slabs "$mib" || fail "too few slabs are on loan: $(numbers)"
say "stored: $(numbers)"

echo >&"${COPROC[1]}"
expect dropped
few() { [ "$(leap_stat remote_pages)" -le "$1" ]; }
wait_for 20 few $((pages + slack)) || fail "MADV_DONTNEED frees nothing: $(numbers)"
wait_for 20 at_most used_pages $((pages + slack)) || fail "the server does not hear of MADV_DONTNEED: $(numbers)"
wait_for 20 at_most slabs $((mib / 2 + kept)) || fail "no slabs come back after MADV_DONTNEED: $(numbers)"
say "MADV_DONTNEED: $(numbers)"

echo >&"${COPROC[1]}"
expect unmapped
wait_for 20 few "$slack" || fail "munmap frees nothing: $(numbers)"
wait_for 20 at_most used_pages "$slack" || fail "the server does not hear of munmap: $(numbers)"
wait_for 20 at_most slabs "$kept" || fail "no slabs come back after munmap: $(numbers)"
say "munmap: $(numbers)"
echo >&"${COPROC[1]}"
wait "$holder" || fail "the program failed"
