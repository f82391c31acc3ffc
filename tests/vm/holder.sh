# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A program whose pages are remote, and nowhere else, while something happens to
# their servers; for cases to source after $LEAP_LIB.

# What it does it is told line by line. Pages that are being written stay in memory
# for now, so that they have to be given up once more.
cat >/run/holder <<'PY'
import mmap, sys
PAGEOUT, WILLNEED = 21, 3
size, page = int(sys.argv[1]) << 20, mmap.PAGESIZE
a = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(0, size, page): a[i:i + 8] = (i + 1).to_bytes(8, "little")
a.madvise(PAGEOUT)
for line in sys.stdin:
    if line == "drop\n":
        for i in range(0, size, page): a[i]
        a.madvise(PAGEOUT)
    elif line == "ahead\n":
        a.madvise(WILLNEED)
    else:
        for i in range(0, size, page):
            if a[i:i + 8] != (i + 1).to_bytes(8, "little"): sys.exit(3)
        sys.exit(0)
    print("done", flush=True)
PY

# tell WORD: to the program; returns when it has done that
tell() {
	local answer
	echo "$1" >&"${COPROC[1]}"
	read -r -t $((60 * LEAP_SCALE)) -u "${COPROC[0]}" answer
	[ "$answer" = "done" ] || fail "the program does not answer to $1"
}

remote() { [ "$(leap_stat remote_pages)" -ge $((held_before + (held_mib << 8) * 9 / 10)) ]; }

# hold MIB: starts it
hold() {
	held_mib=$1 held_before=$(leap_stat remote_pages)
	coproc without_rseq leapctl run -- python3 /run/holder "$1"
	holder=$COPROC_PID
	wait_for 20 remote ||
		fail "$(leap_stat remote_pages) pages are remote, $held_before were before: $(leapctl stat; dmesg | grep 'leap: ' | tail -n 5)"
	tell drop
}

# look STATUS: it reads its pages; how it must end
look() {
	local status loaded
	loaded=$(leap_stat loaded_pages)
	echo look >&"${COPROC[1]}"
	wait "$holder"
	status=$?
	[ "$status" = "$1" ] || fail "the program ended with status $status, where $1 was due"
	loaded=$(($(leap_stat loaded_pages) - loaded))
	[ "$status" != 0 ] || ((loaded >= (held_mib << 8) * 9 / 10)) || fail "only $loaded pages were loaded"
}
