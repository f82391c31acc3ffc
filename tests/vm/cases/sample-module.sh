# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that leap_functionality.ko drives Leap from kernel code: it attaches
# processes by name, logs the numbers, and refuses what it cannot do in words.
# TIMEOUT: 60
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

# refused ERRNO TEXT PARAMETERS...: does not load, and the log says why
refused() {
	local errno=$1 text=$2
	shift 2
	mark_log "$*"
	if modprobe leap_functionality "$@" 2>/run/said; then fail "$*: was loaded"; fi
	grep -qi "$errno" /run/said || fail "$*: $(cat /run/said)"
	dmesg | tail -n 3 | grep -q "leap_functionality: .*$text" || fail "$*: nothing in the log about: $text"
}

# accepted PARAMETERS...: loads, and is unloaded again
accepted() {
	modprobe leap_functionality "$@" || fail "$*: was not loaded"
	rmmod leap_functionality || fail "rmmod failed"
}

# attached PID: is it?
attached() {
	awk -v pid="$1" '$1 == pid { found = $3 } END { exit !found }' /sys/kernel/mm/leap/processes
}

prefetch=/sys/kernel/mm/leap/prefetch
leap_up dram://1,64M
refused "invalid" "cmd=\"\" is not known"
refused "invalid" "cmd=\"x\" is not known" cmd=x
refused "invalid" "needs process_name" cmd=init
refused "no such process" "no process is named" cmd=init process_name=nobody-has-this
refused "numerical result out of range" "history=1 is not" cmd=prefetch history=1
refused "numerical result out of range" "buffer=0 is not" cmd=prefetch buffer=0
[ "$(cat $prefetch/enabled)" = 0 ] || fail "what was refused was done all the same"
accepted cmd=prefetch history=16 buffer=100
[ "$(cat $prefetch/enabled $prefetch/history $prefetch/buffer)" = $'1\n16\n100' ] ||
	fail "cmd=prefetch has not done what it says"
accepted cmd=readahead
[ "$(cat $prefetch/enabled)" = 0 ] || fail "cmd=readahead has left the prefetcher on"

# A name longer than the kernel keeps still matches.
cp /bin/sleep /run/a-sleeper-with-a-long-name
/run/a-sleeper-with-a-long-name 1000 &
first=$!
/run/a-sleeper-with-a-long-name 1000 &
second=$!
sleep 1000 &
other=$!
wait_for 10 pgrep -f "^/run/a-sleeper.* 1000" || fail "the sleepers do not run"
accepted cmd=init process_name=a-sleeper-with-a-long-name
attached $first || fail "the first is not attached"
attached $second || fail "the second is not attached"
if attached $other; then fail "another process is attached"; fi

mark_log "cmd=log"
accepted cmd=log
dmesg | sed -n '/leap-test: cmd=log/,$p' >/run/logged
grep "leap_functionality: .*attached last is $second" /run/logged || fail "the log lacks the last pid"
grep "stored_pages" /run/logged || fail "the log lacks the numbers"
kill $first $second $other
