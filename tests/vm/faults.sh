# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What can go wrong with a server, and what can be under way just then. Sourced
# after $LEAP_LIB by cell.sh, which combines the two.
#
# Server 0 of a session is the victim, a leapd in m2. With replicas=2 server 1 is a
# leapd in m1 itself, which the loop back reaches whatever becomes of m2 and of the
# link. (Both sides' packets between the two guests go through eth0, those to
# oneself do not.)
# shellcheck disable=SC2034 # cell.sh reads $for_good, $program, $creating, $leaving
portal=

mib=4

# What a server has to be away for until it counts as lost.
timeout_ms=3000
[ "$LEAP_FLAVOUR" = release ] || timeout_ms=5000

start_victim() { on_m2 start_leapd 9400 --slab 4M --memory 64M; }
start_other() { start_leapd 9401 --slab 4M --memory 64M; }

# portal_of COPIES: a number of replicas, or disk
portal_of() {
	case $1 in
	1) echo "rdma://1,$LEAP_M2:9400?slab=4M&timeout_ms=$timeout_ms" ;;
	2) echo "rdma://2,$LEAP_M2:9400,$LEAP_M1:9401?replicas=2&slab=4M&timeout_ms=$timeout_ms" ;;
	*) echo "rdma://1,$LEAP_M2:9400?backup=$1&slab=4M&timeout_ms=$timeout_ms" ;;
	esac
}

# --- faults: fault_NAME, and heal_NAME that undoes it -----------------------

# Those after which nobody can read what the victim has, at least for now.
for_good="kill power link freeze restart"

# leapd is killed: the kernel ends its connections.
fault_kill() { on_m2 kill_leapd; }
heal_kill() { start_victim; }

# The guest is gone without a word; it stays so.
fault_power() { on_m2 power_cut; }

# The link is down for a second, and for good.
fault_link1s() { drop 100 && pause 1 && undrop; }
heal_link1s() { :; }
fault_link() { drop 100; }
heal_link() { undrop; }

# So many percent of the packets are lost, each way.
fault_drop1() { drop 1; }
heal_drop1() { undrop; }
fault_drop10() { drop 10; }
heal_drop10() { undrop; }

# leapd does nothing any more, while its kernel goes on to answer for it.
fault_freeze() { on_m2 signal_leapd STOP; }
heal_freeze() { on_m2 signal_leapd CONT; }

# Another leapd takes its place, which has nothing of what the first one had.
fault_restart() { fault_kill && heal_kill; }
heal_restart() { :; }

# --- moments: at_NAME returns when that is under way ------------------------

# Sets $program, which writes to $said.
said=/run/stall.out
program=
has_stored() {
	local slurped
	slurp "$said" && [[ $slurped == *stored* ]]
}
begin() {
	: >"$said"	# it may hold what the last cell's program has said
	leapctl run -- leap-test-stall "$1" "$mib" >"$said" 2>&1 &
	program=$!
	wait_for 60 has_stored || fail "the program has not stored its pages: $(cat "$said")"
}

more_than() { [ "$(leap_stat "$1")" -gt "$2" ]; }

# grows KEY PAGES: until Leap has done so much more
grows() {
	wait_for 60 more_than "$1" $(($(leap_stat "$1") + $2)) || fail "$1 has not grown by $2"
}

at_idle() { begin idle; }
at_store() {
	begin store
	grows stored_pages 100
}
at_load() {
	begin load
	grows loaded_pages 100
}
at_prefetch() {
	leapctl prefetch on
	begin seq
	grows prefetch_hits 20
}

# The victim has come back empty, and gets its copies again, slowly.
at_rebuild() {
	begin load
	echo 1 >/sys/module/leap/parameters/rebuild_mib
	fault_restart
	grows rebuilt_pages 20
	complete && fail "the rebuild was over too soon"
}

# There is no session yet; $creating ends when it is known whether there will be.
creating=
at_create() {
	leapctl session create "$portal" >/run/create.out 2>&1 &
	creating=$!
	pause 0.0$((2 * LEAP_SCALE))
}

# $leaving ends when the swap area is given up, or not.
leaving=
at_swapoff() {
	local loaded mib=8	# it must not be over before the fault has happened
	begin idle
	loaded=$(leap_stat loaded_pages)
	swapoff "$LEAP_SWAPDEV" 2>/run/swapoff.out &
	leaving=$!
	wait_for 20 more_than loaded_pages $((loaded + 20)) || fail "swapoff reads nothing: $(cat /run/swapoff.out)"
}
