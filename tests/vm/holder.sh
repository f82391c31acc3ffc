# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A program whose pages are remote, and nowhere else in memory, while something
# happens to their servers. For cases that have sourced the library; use it by:
# . "${LEAP_LIB%/*}/holder.sh"

# What it does it is told line by line: "store" another version of each page, or of
# every second one ("half"), read "ahead", "check" that each page is the last version
# and exit with 3 if not, "look" at them the same way and exit with 0. What is written
# to a device stays in the swap cache, so the pages are touched, which maps them
# clean, and paged out again until none is left there.
cat >/run/holder <<'PY'
import mmap, sys, time
PAGEOUT, WILLNEED = 21, 3
size, page = int(sys.argv[1]) << 20, mmap.PAGESIZE
versions = [0] * (size // page)
a = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
def content(i): return (i + versions[i // page]).to_bytes(8, "little")
def busy(): return "inflight_stores 0\n" not in open("/sys/kernel/mm/leap/stat").read()
def page_out():
    a.madvise(PAGEOUT)
    while busy(): time.sleep(0.05)
def store(step=page):
    for i in range(0, size, step):
        versions[i // page] += 1
        a[i:i + 8] = content(i)
    page_out()
    for i in range(0, size, step): a[i]
    page_out()
def half(): store(2 * page)
def ahead(): a.madvise(WILLNEED)
def check():
    for i in range(0, size, page):
        if a[i:i + 8] != content(i): sys.exit(3)
    page_out()
def look():
    check()
    sys.exit(0)
todo = {"store": store, "half": half, "ahead": ahead, "check": check, "look": look}
for line in sys.stdin:
    todo[line.strip()]()
    print("done", flush=True)
PY

# tell WORD: to the program; returns when it has done that
tell() {
	local answer=
	echo "$1" >&"${COPROC[1]}"
	read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" answer
	[ "$answer" = "done" ] || fail "the program does not answer to $1"
}

remote() { [ "$(leap_stat remote_pages)" -ge $((held_before + (held_mib << 8) * 9 / 10)) ]; }

# hold MIB: starts it, and returns when all it has is remote
hold() {
	held_mib=$1 held_before=$(leap_stat remote_pages)
	coproc without_rseq leapctl run -- python3 /run/holder "$1"
	holder=$COPROC_PID
	tell store
	wait_for 20 remote ||
		fail "$(leap_stat remote_pages) pages are remote, $held_before were before: $(leapctl stat; dmesg | grep 'leap: ' | tail -n 5)"
	cat /sys/kernel/mm/leap/stat >/run/holder.stat
}

# more KEY: by how much a number of the module has grown since hold
more() { echo $(($(leap_stat "$1") - $(awk -v key="$1" '$1 == key { print $2 }' /run/holder.stat))); }
# enough PAGES: are these all that it has, or nearly?
enough() { [ "$1" -ge $(((held_mib << 8) * 9 / 10)) ]; }

# look: it reads its pages and ends; sets $status to its exit status
look() {
	echo look >&"${COPROC[1]}"
	wait "$holder"
	status=$?
}

# must_end STATUS [KEY]: it reads its pages; how it must end, and which number of the
# module's must have grown since hold by as many as it has
must_end() {
	look
	[ "$status" = "$1" ] || fail "the program ended with status $status, where $1 was due"
	[ -z "${2:-}" ] || enough "$(more "$2")" || fail "only $(more "$2") $2"
}
