# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that each command of leapctl does on a real kernel what leapctl(8)
# says: exit codes, one line of help for each mistake, and numbers that agree
# with what a program did. The session is in local memory.
# TIMEOUT: 120
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=64
[ "$LEAP_FLAVOUR" = release ] || mib=8

# refuses STATUS TEXT COMMAND...: fails with that status and one line that has
# the text
refuses() {
	local want=$1 text=$2 said status
	shift 2
	said=$("$@" 2>&1 >/dev/null)
	status=$?
	say "$*: $status: $said"
	[ "$status" = "$want" ] || fail "$*: exit status $status, not $want"
	[ "$(wc -l <<<"$said")" = 1 ] || fail "$*: not one line"
	[[ $said == *"$text"* ]] || fail "$*: nothing about: $text"
}

# number EXPRESSION: a number out of stat --json
number() {
	leapctl stat --json | python3 -c "import json, sys; d = json.load(sys.stdin); print($1)"
}

refuses 1 "modprobe leap" leapctl attach $$
refuses 1 "modprobe leap" leapctl session create dram://1,256M
refuses 1 "modprobe leap" leapctl stat
modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

refuses 1 "no session" leapctl session show
refuses 1 "session" leapctl session destroy
refuses 1 "portal" leapctl session create dram://2,256M
refuses 1 "number" leapctl session create dram://65,256M
refuses 1 "option" leapctl session create "dram://1,256M?x=1"
leapctl session create dram://1,256M || fail "no session"
refuses 1 "already" leapctl session create dram://1,256M
leapctl session show | grep -q "dram://1,256M" || fail "session show lacks the portal"

refuses 1 "process" leapctl attach 4194303
refuses 1 "process" leapctl detach 4194303
refuses 1 "kernel thread" leapctl attach 2
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups leapctl)
refuses 1 "root" "${nobody[@]}" attach $$
refuses 1 "root" "${nobody[@]}" run -- true
refuses 1 "root" "${nobody[@]}" session create dram://1,64M
refuses 1 "root" "${nobody[@]}" session destroy
refuses 1 "attached" leapctl detach $$
refuses 127 "cannot run" leapctl run -- /nonexistent
refuses 126 "cannot run" leapctl run -- /etc/passwd
leapctl run -- bash -c 'exit 7'
[ $? = 7 ] || fail "run does not give the program's status"

# A child of an attached process is attached, this shell is not.
leapctl run -- bash -c 'bash -c "leapctl stat --json; :"; :' |
	python3 -c 'import json, sys; sys.exit(len(json.load(sys.stdin)["processes"]) < 2)' ||
	fail "a child of an attached process is not listed"
[ "$(number "sum(p['pid'] == $$ for p in d['processes'])")" = 0 ] || fail "the shell is attached"

before=$(swap_written_bytes)
run_limited $((mib << 19)) leapctl run -- leap-test-verify "${mib}M" || fail "wrong bytes"
stored=$(number "d['total']['stored_pages']")
[ "$stored" -gt $((mib * 125)) ] || fail "only $stored pages were stored"
[ "$(number "d['total']['loaded_pages']")" -gt $((mib * 125)) ] || fail "too few pages were loaded"
[ "$(number "d['total']['stored_bytes']")" = $((stored * 4096)) ] || fail "bytes and pages differ"
[ "$(number "d['servers'][0]['stored_pages']")" = "$stored" ] || fail "the server's pages are not the total"
[ "$(number "d['total']['load_latency']['count'] > 0")" = True ] || fail "no load was timed"
[ "$(number "d['total']['load_latency']['p50_ns'] <= d['total']['load_latency']['p99_ns']")" = True ] ||
	fail "p50 is above p99"
[ "$(number "d['total']['failed_stores'] + d['total']['failed_loads']")" = 0 ] || fail "something failed"
[ "$(swap_written_bytes)" = "$before" ] || fail "the swap disk was written"
leapctl stat

leapctl stat -i 0.2 >/run/lines &
printer=$!
many_lines() { [ "$(wc -l </run/lines)" -gt 3 ]; }
wait_for 20 many_lines || fail "stat -i printed too little"
kill "$printer"

sleep 1000 &
leapctl attach $! || fail "attach failed"
leapctl detach $! || fail "detach failed"
refuses 1 "attached" leapctl detach $!
leapctl attach $! || fail "attach failed the second time"
leapctl detach --all || fail "detach --all failed"
[ "$(number "sum(p['attached'] for p in d['processes'])")" = 0 ] || fail "some are still attached"
kill $!
leapctl session destroy || fail "session destroy failed"
refuses 1 "session" leapctl session destroy
