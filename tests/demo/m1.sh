# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The demo, as it runs in m1; m2 runs leapd. Writes the file "table"; fails on
# one wrong byte, or if anything has reached the swap disk.
. "$LEAP_LIB"

mib=64

# progress: what has gone where so far, every few seconds, for ever
progress() {
	while :; do
		pause 4
		say "so far $(leap_stat stored_pages) pages stored in m2, $(leap_stat loaded_pages)" \
			"loaded from there, $(($(swap_written_bytes) - disk)) bytes on the swap disk"
	done
}

say "raw RDMA reads between the two machines:"
on_m2 eval 'setsid ib_read_lat -s 4096 -n 2000 >/dev/null 2>&1 </dev/null &'
raw_lat() { ib_read_lat -s 4096 -n 2000 "$LEAP_M2" >"$LEAP_SHARED/raw" 2>&1; }
wait_for 20 raw_lat || fail "ib_read_lat does not run: $(cat "$LEAP_SHARED/raw")"
raw_us=$(awk '$1 == 4096 { print int($5 + 0.5) }' "$LEAP_SHARED/raw")
say "a read of 4 KiB takes $raw_us us (median)"

say "m2 lends its memory, m1 connects to it:"
on_m2 start_leapd 9400 || fail "leapd does not start in m2"
leap_up
leapctl session show

disk=$(swap_written_bytes)
say "a program with $mib MiB of data and $((mib / 2)) MiB of memory writes and checks every byte:"
progress &
watcher=$!
run_limited $((mib << 19)) leapctl run -- \
	leap-test-verify "${mib}M" --progress | tee "$LEAP_SHARED/verify"
result=${PIPESTATUS[0]}
kill "$watcher"
disk=$(($(swap_written_bytes) - disk))

# The program's last line: verified N bytes, N wrong, in N s
read -r _ verified _ wrong _ <<<"$(grep '^verified' "$LEAP_SHARED/verify")"
load_us=$(leapctl stat --json | jq '.total.load_latency.p50_ns / 1000 | round')
stored=$(leap_stat stored_pages) loaded=$(leap_stat loaded_pages)

leap_down || fail "the session could not be taken down"
cat >"$LEAP_SHARED/table" <<TABLE

  pages stored in m2's memory            $stored
  pages loaded from there                $loaded
  bytes verified                         $verified
  bytes that were wrong                  $wrong
  bytes that reached the swap disk       $disk
  a load took (median)                   $load_us us
  a raw RDMA read took (median)          $raw_us us

TABLE
[ "$result" -le 1 ] || fail "the program came to no result: status $result"
[ "$result$wrong" = 00 ] || fail "the program has read wrong data"
[ "$disk" = 0 ] || fail "pages have reached the swap disk"
[ "$stored" -gt 0 ] || fail "nothing was stored in m2"
[ "$loaded" -gt 0 ] || fail "nothing was loaded from m2"
