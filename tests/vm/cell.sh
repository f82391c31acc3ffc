# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# One cell of the fault matrix: $LEAP_CASE is FAULT.MOMENT.COPIES, such as
# kill.load.2. Proves that a program which uses remote memory just then gets right
# data if a copy is left, SIGBUS and nothing else for what is lost if none is, and
# that afterwards the machine goes on, the server is used again, and rmmod works.
# Adds a line to $LEAP_SHARED/cells.jsonl.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"
# shellcheck source=tests/vm/faults.sh
. "${LEAP_LIB%/*}/faults.sh"

IFS=. read -r fault moment copies <<<"$LEAP_CASE"
portal=$(portal_of "$copies")
has_session() { slurp /sys/kernel/mm/leap/session && [ -n "$slurped" ]; }
noted() { if has_session; then server_stat 0 losses; else echo 0; fi; }
noticed() { [ "$(noted)" -gt "$losses" ]; }
for_good() { [[ " $for_good " == *" $fault "* ]]; }

gone() { noticed || server_is 0 lost || server_is 0 removed; }

# let_happen: returns when Leap knows of it, and programs have met it
let_happen() {
	if for_good && has_session; then
		wait_for 30 gone || fail "nobody notices"
	fi
	pause 2
}

# create_ends: it succeeds or not, but it ends, and soon
create_ends() {
	wait_for 30 not kill -0 "$creating" || fail "session create does not end"
	wait "$creating" && has_session && return
	say "$(cat /run/create.out)"
	grep -q . /run/create.out || fail "session create fails without a word"
}

# end_program: sets $status to its exit status, and leaves its last line
end_program() {
	kill -TERM "$program"
	wait "$program"
	status=$?
	say "$(tail -n 1 "$said")"
}

# due: may pages be lost? yes, no or maybe
due() {
	if [ "$copies" != 1 ] || [ "$moment" = create ]; then
		echo no
	elif for_good; then
		echo yes
	elif noticed; then
		echo maybe
	else
		echo no
	fi
}

judge() {
	case $status.$(due) in
	0.no | 0.maybe | 3.yes | 3.maybe) ;;
	0.yes) fail "no access got SIGBUS, though its page was lost" ;;
	3.no) fail "pages are lost though there is a copy" ;;
	*) fail "the program ended with status $status" ;;
	esac
}

record() {
	tail -n 1 "$said" | jq -c --arg cell "$LEAP_CASE" --argjson losses $(($(noted) - losses)) \
		--argjson timeout "$timeout_ms" \
		'{cell: $cell} + . + {losses: $losses, timeout_ms: $timeout}' \
		>>"$LEAP_SHARED/cells.jsonl"
}

# end_session: by force only if what was lost is all that keeps it
end_session() {
	has_session || return 0
	leapctl session destroy && return
	[ "$(due)" != no ] || fail "the session cannot be ended though nothing is lost"
	leapctl session destroy --force || fail "the session cannot be ended by force"
}

# go_on: the server is as good as a new one, and other programs have what they need
go_on() {
	grep -q "^$LEAP_SWAPDEV " /proc/swaps || swapon "$LEAP_SWAPDEV" || fail "swapon failed"
	if [ "$fault" != power ]; then
		"heal_$fault" || fail "the server cannot be mended"
		wait_for 20 leapctl session create "$portal" || fail "no session with the server when all is well again"
	fi
	leapctl run -- leap-test-keeper 1 1 || fail "wrong data afterwards"
}

clear() {
	if has_session; then leapctl session destroy || fail "the last session cannot be ended"; fi
	swapoff "$LEAP_SWAPDEV" || fail "swapoff failed"
	rmmod leap || fail "rmmod failed"
	[ "$fault" = power ] || on_m2 stop_leapd
	stop_leapd
}

lossy_link || fail "the link cannot be prepared"
start_victim || fail "leapd does not start"
[ "$copies" != 2 ] || start_other || fail "leapd in m1 does not start"
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"
[ "$moment" = create ] || leapctl session create "$portal" || fail "no session"
losses=0
"at_$moment"
losses=$(noted)
[ -z "$program" ] || [ "$moment" = idle ] || kill -USR1 "$program"
"fault_$fault" || fail "$fault cannot be done"
[ "$moment" != idle ] || kill -USR1 "$program"
[ -z "$creating" ] || create_ends
let_happen
[ -n "$program" ] || begin load
if [ -n "$leaving" ]; then
	wait_for 120 not kill -0 "$leaving" || fail "swapoff does not end"
	wait "$leaving" || say "$(cat /run/swapoff.out)"
fi
pause 1
end_program
record
judge
end_session
go_on
clear
