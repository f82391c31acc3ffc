# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A program that has its pages stored, and reads them when it is told to. For
# cases that have sourced the library; use it by:  . "${LEAP_LIB%/*}/versions.sh"

# /run/holder MIB VERSIONS: stores that many versions of each page, says so, and
# waits for a line, each time; exits with 3 if the last one is not found then. What
# is written to a device stays in the swap cache, so the pages are touched, which
# maps them clean, and paged out again until none is left there.
cat >/run/holder <<'PY'
import mmap, sys, time
size, versions, page = int(sys.argv[1]) << 20, int(sys.argv[2]), mmap.PAGESIZE
a = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
def content(i, version): return (i + version).to_bytes(8, "little")
def busy(): return "inflight_stores 0\n" not in open("/sys/kernel/mm/leap/stat").read()
def page_out():
    a.madvise(21)  # MADV_PAGEOUT
    while busy(): time.sleep(0.05)
for version in range(1, versions + 1):
    for i in range(0, size, page): a[i:i + 8] = content(i, version)
    page_out()
    for i in range(0, size, page): a[i]
    page_out()
    print("stored", flush=True)
    sys.stdin.readline()
for i in range(0, size, page):
    if a[i:i + 8] != content(i, versions): sys.exit(3)
PY

# hold MIB [VERSIONS]: starts it, and returns when the first version is stored
hold() {
	coproc without_rseq leapctl run -- python3 /run/holder "$1" "${2:-1}"
	# shellcheck disable=SC2034	# for who waits for it
	holder=$COPROC_PID
	held
}

# held: returns when a version is stored
held() {
	local line=
	read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" line
	[ "$line" = stored ] || fail "the program has not stored its pages"
}

# go_on: to the next version, or to reading them
go_on() { echo >&"${COPROC[1]}"; }
