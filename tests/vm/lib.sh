# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What scripts in a guest share; use it by:  . "$LEAP_LIB"
# tests/README.md lists these functions for those who write scripts.

# say TEXT...: one line on the console, with the guest's name
say() { echo "[$LEAP_ROLE] $*"; }

# fail TEXT...: ends the script as failed
fail() {
	say "FAIL: $*" >&2
	exit 1
}

# skip TEXT...: ends the script as skipped, for the reason given
skip() {
	say "SKIP: $*"
	exit 77
}

# pause SECONDS: sleeps without starting a process, which is dear when emulated
pause() {
	local never
	[ -p /run/never ] || mkfifo /run/never 2>/dev/null
	exec {never}<>/run/never
	read -r -t "$1" -u "$never"
	exec {never}>&-
}

# wait_for SECONDS COMMAND...: polls until the command succeeds; fails when it
# has not within the time, which the debug kernel multiplies by $LEAP_SCALE
wait_for() {
	local end=$((SECONDS + $1 * LEAP_SCALE + 1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || {
			say "still not true: $*" >&2
			return 1
		}
		pause 0.1
	done
}

# slurp FILE: sets $slurped to what is in it; like the next one it starts no process,
# which is dear when emulated
slurp() {
	slurped=
	IFS= read -r -d '' slurped 2>/dev/null <"$1"
	[ -e "$1" ]
}

# value_of KEY FILE: what follows that word in a file of such lines
value_of() {
	local key value
	while read -r key value; do
		[ "$key" != "$1" ] || echo "$value"
	done <"$2"
}

# in_cgroup KNOB BYTES COMMAND...: a fresh cgroup around one command
in_cgroup() {
	local group=/sys/fs/cgroup/run.$BASHPID.$EPOCHREALTIME knob=$1 bytes=$2 result
	shift 2
	mkdir "$group" || return
	echo "$bytes" >"$group/$knob" || return
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		exec "$@"
	)
	result=$?
	# Children that the command left behind keep their limit.
	rmdir "$group" 2>/dev/null
	return "$result"
}

# run_limited BYTES COMMAND...: reclaims above that limit (memory.high)
run_limited() { in_cgroup memory.high "$@"; }

# run_limited_max BYTES COMMAND...: kills above that limit (memory.max)
run_limited_max() { in_cgroup memory.max "$@"; }

# without_rseq COMMAND...: its threads have no rseq area. The kernel writes there
# itself, and if it cannot, for the page is lost, it gives the thread SIGSEGV, which
# is not to be told from a program's own fault. All other pages give SIGBUS.
without_rseq() { GLIBC_TUNABLES=glibc.pthread.rseq=0 "$@"; }

# swap_written_bytes: what has reached the swap disk since boot
swap_written_bytes() {
	local stat
	read -r -a stat <"/sys/block/$(basename "$LEAP_SWAPDEV")/stat"
	echo $((stat[6] * 512))
}

# leap_stat KEY: one number of /sys/kernel/mm/leap/stat
leap_stat() { value_of "$1" /sys/kernel/mm/leap/stat; }

# server_stat INDEX KEY: one number of a server's
server_stat() { value_of "$2" "/sys/kernel/mm/leap/servers/$1/stat"; }

# place_of ADDRESS: which server of the session that is; nothing if none
place_of() { grep -lx "$1" /sys/kernel/mm/leap/servers/*/address 2>/dev/null | cut -d / -f 7; }

# missing: how many copies are, of those that the session should have; complete: none
missing() { value_of missing_copies /sys/kernel/mm/leap/session; }
complete() { [ "$(missing)" = 0 ]; }

# server_is INDEX STATE: of the session's servers; one that is being tried again
# counts as lost
server_is() {
	local state
	read -r state <"/sys/kernel/mm/leap/servers/$1/state"
	[ "${state/#reconnecting/lost}" = "$2" ]
}

# --- commands in the other guest -------------------------------------------

# The port /dev/leap.peer of one guest is joined to that of the other: m1 writes
# a command into a file of $LEAP_SHARED and the file's name into the port.

# on_m2 COMMAND...: runs a command or one of these functions in m2, from m1.
# Prints its output and returns its status; 255 if m2 has not answered within
# ON_M2_SECONDS (120), or is gone, unless it was asked for a power_cut.
on_m2() {
	# A name that was there before would bring the answer from then.
	local job=$LEAP_SHARED/.m2.$BASHPID.$EPOCHREALTIME end status slurped
	printf '%q ' "$@" >"$job"
	end=$((SECONDS + ${ON_M2_SECONDS:-120} * LEAP_SCALE))
	[ ! -e "$LEAP_SHARED/.m2.off" ] && echo "${job##*/}" >/dev/leap.peer
	until read -r status 2>/dev/null <"$job.status"; do
		if [ -e "$LEAP_SHARED/.m2.off" ] || ((SECONDS >= end)); then
			if [ "$1" = power_cut ] && [ -e "$LEAP_SHARED/.m2.off" ]; then return 0; fi
			say "m2 does not answer: $*" >&2
			return 255
		fi
		pause 0.05
	done
	slurp "$job.out"
	printf %s "$slurped"
	return "$status"
}

# run_job FILE: runs one command that the other guest has written down
run_job() {
	slurp "$1"
	(eval "$slurped") >"$1.out" 2>&1 </dev/null
	echo $? >"$1.status"
}

# serve_commands: runs what on_m2 asks for, each in the background, for ever
serve_commands() {
	local job peer
	exec {peer}</dev/leap.peer
	while :; do
		if read -r -u "$peer" job; then
			run_job "$LEAP_SHARED/$job" &
		else
			pause 0.1
		fi
	done
}

# power_cut: ends this guest at once, as pulling the plug would
power_cut() {
	touch "$LEAP_SHARED/.$LEAP_ROLE.off"
	echo off >/dev/leap.status
	end_guest
}

# end_guest: under -no-reboot a reset ends QEMU; without ACPI there is no
# other way
end_guest() {
	echo b >/proc/sysrq-trigger
	while :; do pause 1; done
}

# --- the kernel's log -------------------------------------------------------

# mark_log TEXT: kernel_complaints looks only at what follows the last mark; any
# warning ends the guest
mark_log() {
	echo "leap-test: $*" >/dev/kmsg
	echo 1 >/proc/sys/kernel/panic_on_warn
}

# kernel_complaints: prints what the kernel log has against us since the last
# mark, with what follows; fails if there is nothing. Where packets were dropped
# rxe's own warning about that is not against us, see README.md.
kernel_complaints() {
	local what='BUG:|BUG at|WARNING:|KASAN:|Oops|general protection|UBSAN:'
	what+='|possible (circular|recursive) locking|inconsistent lock state'
	what+='|suspicious RCU|INFO: task .* blocked|rcu.*(stall|self-detected)'
	what+='|ODEBUG:|corruption|refcount_t:|kmemleak: [0-9]+ new|Bad swap'
	dmesg | awk -v what="$what" '
		/leap-test: / { n = 0; spared = "^$" }
		/leap-test drops packets/ { spared = "WARNING: .* rxe_completer" }
		{ line[n++] = $0 }
		END {
			for (i = 0; i < n; i++) {
				if (line[i] ~ what && line[i] !~ spared) left = 61
				if (left-- > 0) { print line[i]; found = 1 }
			}
			exit !found
		}'
}

# --- the link ---------------------------------------------------------------

# rxe_may_warn: packets are going to be lost
rxe_may_warn() {
	echo "leap-test drops packets" >/dev/kmsg
	echo 0 >/proc/sys/kernel/panic_on_warn
}
drop_here() { rxe_may_warn && tc qdisc change dev eth0 root netem loss "$1%"; }

# lossy_link, from m1: the link can be told to lose packets from now on. To be called
# before anybody is connected: while a queueing discipline is put there, what is sent
# fails, which rxe's queue pairs do not survive, see README.md; to change one is harmless.
lossy_link() {
	on_m2 tc qdisc replace dev eth0 root netem loss 0% &&
		tc qdisc replace dev eth0 root netem loss 0% && : >/run/lossy_link
}

# drop PERCENT, from m1: so many of the packets between the two are lost, each way.
# All of them is a cable that is cut.
drop() { rxe_may_warn && on_m2 drop_here "$1" && drop_here "$1"; }
undrop() { drop 0; }

# --- Leap -------------------------------------------------------------------

# rdma_listens PORT: true once a program in this guest takes RDMA connections
rdma_listens() { rdma resource show cm_id | grep -q "LISTEN.*:$1\b"; }

# leapd_pid [PORT]: prints the process of the one that start_leapd has started in this
# guest; fails if it is gone
leapd_pid() {
	local pid='' name=''
	{ read -r pid <"/run/leapd.${1:-9400}.pid" && read -r name <"/proc/$pid/comm"; } 2>/dev/null
	[ "$name" = leapd ] && echo "$pid"
}

# said_ready LOG BYTES: a leapd says in its log, beyond that, that it takes connections
said_ready() {
	local slurped
	slurp "$1" && [[ ${slurped:$2} == *"ready on "* ]]
}

# start_leapd [PORT [OPTIONS...]]: returns when it takes connections
start_leapd() {
	local port=${1:-9400} ip=LEAP_${LEAP_ROLE^^} slurped log
	log=$LEAP_SHARED/leapd.$port.log
	[ $# = 0 ] || shift
	wait_for 10 not leapd_pid "$port"
	slurp "$log"
	setsid leapd "${!ip}" "$port" "$@" >>"$log" 2>&1 </dev/null &
	echo $! >"/run/leapd.$port.pid"
	wait_for 10 said_ready "$log" ${#slurped} || {
		cat "$log"
		return 1
	}
}

# signal_leapd SIGNAL [PORT]
signal_leapd() {
	local pid
	pid=$(leapd_pid "${2:-9400}") && kill "-$1" "$pid"
}

# kill_leapd [PORT]: without a warning; returns when its connections are gone, too
kill_leapd() { signal_leapd KILL "$@" && wait_for 10 not leapd_pid "$@"; }

# stop_leapd: ends all of them, and returns when they are gone
stop_leapd() {
	local file port
	for file in /run/leapd.*.pid; do
		port=${file//[!0-9]/}
		signal_leapd TERM "$port" || continue
		signal_leapd CONT "$port"
		wait_for 10 not leapd_pid "$port" || kill_leapd "$port"
	done
	return 0
}

# inject WHICH PERCENT: makes so many of Leap's loads, stores, ... fail, which is
# fail_load, fail_store or fail_map; fails if this kernel cannot do that
inject() {
	local dir=/sys/kernel/debug/leap/$1
	[ -d "$dir" ] || return
	echo 0 >"$dir/verbose"
	echo -1 >"$dir/times"
	echo "$2" >"$dir/probability"
}

# not COMMAND...: for wait_for
not() { ! "$@"; }

# leap_up [PORTAL]: module, swap and a session; a leapd must be there already
# unless the portal says dram
leap_up() {
	modprobe leap || fail "modprobe leap failed"
	swapon "$LEAP_SWAPDEV" || fail "swapon $LEAP_SWAPDEV failed"
	leapctl session create "${1:-rdma://1,$LEAP_M2:9400}" ||
		fail "no session with ${1:-rdma://1,$LEAP_M2:9400}"
}

# leap_down: undoes leap_up and start_leapd, whatever of it was done; fails if
# something stays behind
leap_down() {
	[ ! -e /run/lossy_link ] || undrop	# a case that has failed may have left it so
	if [ -d /sys/module/leap ]; then
		if [ -n "$(cat /sys/kernel/mm/leap/session)" ]; then leapctl session destroy; fi
	fi
	if grep -q "^$LEAP_SWAPDEV " /proc/swaps; then swapoff "$LEAP_SWAPDEV" || return; fi
	if [ -d /sys/module/leap_functionality ]; then rmmod leap_functionality || return; fi
	if [ -d /sys/module/leap ]; then rmmod leap || return; fi
	stop_leapd && on_m2 stop_leapd
}
