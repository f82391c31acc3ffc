# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with checksums no byte that a server has changed reaches a program:
# whoever reads such a page gets SIGBUS, which is counted, and all others go on;
# that a server which changes nothing is never found guilty; and that through rxe
# there are checksums without being asked for, and none with verify=0.
# RDMA: rxe siw
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=16
[ "$LEAP_FLAVOUR" = release ] || mib=2

on_m2 start_leapd 9400 --slab 8M || fail "leapd does not start"
portal="rdma://1,$LEAP_M2:9400?timeout_ms=$((5000 * LEAP_SCALE))"
checksums() { value_of verify /sys/kernel/mm/leap/session; }
leap_up "$portal&verify=0"
[ "$(checksums)" = 0 ] || fail "verify=0 keeps checksums"
leapctl session destroy || fail "the session cannot be ended"
[ "$LEAP_RDMA" = rxe ] || portal+="&verify=1"
leapctl session create "$portal" || fail "no second session"
[ "$(checksums)" = 1 ] || fail "no checksums are kept"
leapctl run -- leap-test-keeper $mib 2 || fail "wrong data"
[ "$(leap_stat stored_pages)" -gt 0 ] || fail "nothing was stored"
[ "$(leap_stat corrupt_pages)" = 0 ] || fail "$(leap_stat corrupt_pages) right pages were found wrong"

# All of it is stored, then every page changes in one bit, then it is read. What has
# just been written is in the swap cache still, and leaves it when it is swapped out
# once more: it is clean then.
cat >/run/holder <<PY
import ctypes, mmap, sys, time
size, page = $mib << 20, mmap.PAGESIZE
a = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
there = (ctypes.c_ubyte * (size // page))()
def here():
    at = ctypes.addressof(ctypes.c_char.from_buffer(a))
    ctypes.CDLL(None).mincore(ctypes.c_void_p(at), ctypes.c_size_t(size), there)
    return [i * page for i in range(size // page) if there[i] & 1]
for i in range(0, size, page): a[i:i + 8] = (i + 1).to_bytes(8, "little")
a.madvise(21)  # MADV_PAGEOUT
while left := here():
    for i in left: a[i]
    a.madvise(21)
    time.sleep(0.1)
print("stored", flush=True)
sys.stdin.readline()
for i in range(0, size, page):
    if a[i:i + 8] != (i + 1).to_bytes(8, "little"): sys.exit(3)
PY
cat >"$LEAP_SHARED/spoil" <<PY
import re
pid = open("/run/leapd.9400.pid").read().strip()
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
coproc leapctl run -- python3 /run/holder
holder=$COPROC_PID
read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line
[ "$line" = stored ] || fail "the program has not stored its pages"
remote() { [ "$(leap_stat remote_pages)" -ge $((mib << 7)) ]; }
wait_for 20 remote || fail "only $(leap_stat remote_pages) pages are remote"
spoilt=$(on_m2 python3 /leap/spoil) || fail "cannot change leapd's memory: $spoilt"
[ "$spoilt" -ge $((mib << 7)) ] || fail "only $spoilt pages were changed"
echo >&"${COPROC[1]}"
wait "$holder"
status=$?
[ "$status" = $((128 + 7)) ] || fail "exit status $status, where SIGBUS was due"
[ "$(leap_stat corrupt_pages)" -gt 0 ] || fail "no page was found wrong"
say "$spoilt pages changed, $(leap_stat corrupt_pages) of them found when they were read"
leapctl run -- leap-test-keeper $mib 1 || fail "wrong data afterwards"
leapctl session destroy || fail "the session cannot be ended"
