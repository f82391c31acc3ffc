# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# The soak, in m1; `run` starts it. Leaves in $LEAP_SHARED: programs.jsonl,
# stalls.jsonl, events.jsonl, memory.jsonl and, when it has come to its end,
# end.json.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
here=${LEAP_LIB%/*}/../soak
# shellcheck source=tests/soak/programs.sh
. "$here/programs.sh"
# shellcheck source=tests/soak/events.sh
. "$here/events.sh"

set -o pipefail
minutes=''
# shellcheck source=/dev/null
. "$LEAP_SHARED/settings"
workers=()

meminfo() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }
vmalloc_kib() { awk '/\[leap\]/ { bytes += $2 } END { print int(bytes / 1024) }' /proc/vmallocinfo; }
caches_kib() { awk '/^leap/ { bytes += $2 * $4 } END { print int(bytes / 1024) }' /proc/slabinfo; }
# leapd_kib: of each, by its port
leapd_kib() { on_m2 eval "ps -o rss=,args= -C leapd" | sort -k 4n | awk '{ printf "%d ", $1 }'; }

# lent_kib: of each leapd, as its last status says
lent_kib() {
	local i
	for i in 0 1 2; do
		grep -h '"status"' "$LEAP_SHARED/leapd.$(port_of $i).log" | tail -n 1 | jq -r '.lent_bytes / 1024'
	done | tr '\n' ' '
}

# measure_memory WHEN: while no program runs
measure_memory() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	pause 5
	jq -cn --arg when "$1" --arg leapd "$(leapd_kib)" --arg lent "$(lent_kib)" \
		--argjson at $((SECONDS - epoch)) --argjson slab "$(meminfo Slab)" \
		--argjson unreclaim "$(meminfo SUnreclaim)" --argjson vmalloc "$(vmalloc_kib)" \
		--argjson caches "$(caches_kib)" --argjson percpu "$(meminfo Percpu)" \
		--argjson stack "$(meminfo KernelStack)" --argjson remote "$(leap_stat remote_pages)" \
		--argjson cached "$(meminfo SwapCached)" --argjson attached "$(wc -l </sys/kernel/mm/leap/processes)" \
		'$ARGS.named' >>"$LEAP_SHARED/memory.jsonl"
	say "memory, $1: $(tail -n 1 "$LEAP_SHARED/memory.jsonl")"
}

start_programs() {
	local worker
	rm -f "$stop"
	for worker in "runner $1" "runner $(($1 + 1))" watcher holder limits; do
		$worker &
		workers+=($!)
	done
}

# stop_programs: each ends by itself what it is at
stop_programs() {
	touch "$stop"
	wait "${workers[@]}"
	workers=()
}

hung() { { dmesg && on_m2 dmesg; } | grep -c 'INFO: task .* blocked'; }

make_references || fail "the programs fail without Leap"
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
set_up_servers || fail "leapd does not start"
leapctl session create "$portal" || fail "no session"
leapctl prefetch on
RANDOM=$seed
say "ready after $SECONDS s"

# A program of each kind has run before memory is measured for the first time.
start_programs 1
pause $((minutes * 3))
stop_programs
measure_memory start
epoch=$SECONDS
well=true
for half in 1 2; do
	start_programs $((half * 4))
	befall_until $((epoch + minutes * 30 * half)) || well=false
	while ((SECONDS < epoch + minutes * 30 * half)); do pause 1; done
	stop_programs
	measure_memory "$([ $half = 1 ] && echo middle || echo end)"
	say "$half of 2 halves are over"
done
jq -cn --argjson well "$well" --argjson hung "$(hung)" --argjson stored "$(leap_stat stored_pages)" \
	--argjson loaded "$(leap_stat loaded_pages)" --argjson retried "$(leap_stat retried_loads)" \
	--argjson failed "$(leap_stat failed_loads)" --argjson corrupt "$(leap_stat corrupt_pages)" \
	--argjson rebuilt "$(leap_stat rebuilt_pages)" --argjson moved "$(leap_stat moved_pages)" --argjson hits "$(leap_stat prefetch_hits)" \
	--argjson seconds $((SECONDS - epoch)) --argjson timeout "$timeout_ms" \
	'$ARGS.named' >/run/end.json
leap_down || fail "something is left behind"
mv /run/end.json "$LEAP_SHARED/end.json"
