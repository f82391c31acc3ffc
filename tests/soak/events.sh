# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What befalls the servers of the soak. Sourced by guest.sh.
#
# Three leapd in m2, each with an address of its own, so that one can be cut off
# from m1 alone: m1 sends its packets to an address on the link that nobody has. (A
# route that leads nowhere does not cut rxe off, which keeps the one that it has.)

addresses=("$LEAP_M2" 192.168.77.22 192.168.77.32)
# What the servers have to be away for until they count as lost: all of them are in one
# guest, which an emulated and busy machine may let stand still for several seconds.
timeout_ms=15000
portal='' epoch=${epoch:-0}
# Server 0 wants most of m2's memory left, and calls slabs back when it is not.
reserve=

port_of() { echo $((9400 + $1)); }
state_of() { cat "/sys/kernel/mm/leap/servers/$1/state"; }
all_well() { [ "$(cat /sys/kernel/mm/leap/servers/*/state | sort -u)" = up ] && [ "$(missing)" = 0 ]; }

m2_available() { on_m2 cat /proc/meminfo | awk '/^MemAvailable/ { print int($2 / 1024) }'; }

start_server() {
	local keep=16
	[ "$1" != 0 ] || keep=$reserve
	on_m2 eval "LEAP_M2=${addresses[$1]} start_leapd $(port_of "$1") --slab 2M --memory 128M \
		--reserve ${keep}M --recall $((60 * LEAP_SCALE)) --grace 600 --json"
}

set_up_servers() {
	local i
	# All three are in this guest: what they lend must leave more than that.
	reserve=$(($(m2_available) / 2))
	for i in 0 1 2; do
		[ "$i" = 0 ] || on_m2 ip addr add "${addresses[$i]}/24" dev eth0
		start_server "$i" || return
	done
	# shellcheck disable=SC2034 # guest.sh makes the session
	portal="rdma://3,${addresses[0]}:9400,${addresses[1]}:9401,${addresses[2]}:9402?replicas=2&slab=2M&timeout_ms=$timeout_ms"
}

# --- lose_KIND SERVER, and mend_KIND SERVER when it has been away for a while

signal_server() { on_m2 signal_leapd "$2" "$(port_of "$1")"; }

# away SERVER: Leap has noticed
away() { [ "$(state_of "$1")" != up ]; }

lose_kill() { signal_server "$1" KILL && wait_for 30 away "$1"; }
mend_kill() { start_server "$1"; }

# Another one takes its place at once.
lose_restart() { signal_server "$1" KILL && mend_kill "$1"; }
mend_restart() { :; }

lose_freeze() { signal_server "$1" STOP && wait_for 30 away "$1"; }
mend_freeze() { signal_server "$1" CONT; }

lose_cut() {
	ip neigh replace "${addresses[$1]}" lladdr 52:54:00:00:00:99 dev eth0 nud permanent &&
		wait_for 30 away "$1"
}
mend_cut() { ip neigh del "${addresses[$1]}" dev eth0; }

# m2 runs short of memory, so that server 0 asks for its slabs.
given_back() { [ "$(server_stat 0 slabs)" = 0 ]; }
lose_drain() {
	on_m2 eval "mkdir -p /run/hog; mountpoint -q /run/hog || mount -t tmpfs -o size=100% none /run/hog"
	on_m2 dd if=/dev/zero of=/run/hog/hog bs=256K count=$((($(m2_available) - reserve + 40) * 4)) 2>/dev/null
	wait_for 600 given_back	# its pages move as fast as the programs let them
}
mend_drain() { on_m2 rm -f /run/hog/hog; }

# --- the sequence

# recovered: all is well, for which ever fewer copies have been missing. How long that
# takes depends on the programs, which leave the mover what they do not need.
recovered() {
	local before='' now
	until wait_for 120 all_well; do
		now=$(missing)
		[ -z "$before" ] || [ "$now" -lt "$before" ] || return
		before=$now
	done
}

# One server is lost and comes back; fails if copies stay missing.
befall() {
	local kind=$1 server=$2 began=$SECONDS lost back gone=true
	say "$((SECONDS - epoch)) s: server $server: $kind"
	"lose_$kind" "$server" || {
		say "server $server: $kind has not gone as it should"
		gone=false
	}
	lost=$SECONDS
	pause $((RANDOM % 10 * LEAP_SCALE / 2 + 2))
	"mend_$kind" "$server" || say "server $server: it is not mended"
	back=$SECONDS
	recovered
	lost=$((lost - began)) back=$((back - began))
	printf '{"at": %d, "server": %d, "kind": "%s", "done_s": %d, "mended_s": %d, "well_s": %d, "gone": %s, "well": %s, "retried": %d, "rebuilt": %d, "moved": %d}\n' \
		$((began - epoch)) "$server" "$kind" "$lost" "$back" $((SECONDS - began)) \
		"$gone" "$(all_well && echo true || echo false)" "$(leap_stat retried_loads)" \
		"$(leap_stat rebuilt_pages)" "$(leap_stat moved_pages)" >>"$LEAP_SHARED/events.jsonl"
	all_well
}

# befall_until SECOND: one event after another
befall_until() {
	local choice kind
	while ((SECONDS < $1)); do
		pause $((RANDOM % 10 + 2))
		choose kill restart freeze cut drain
		kind=$choice
		choose 0 1 2
		[ "$kind" != drain ] || choice=0
		befall "$kind" "$choice" || {
			say "copies are missing, or a server has not come back: $(cat /sys/kernel/mm/leap/servers/*/state | tr '\n' ' ') $(missing) missing; no more events"
			return 1
		}
	done
}
