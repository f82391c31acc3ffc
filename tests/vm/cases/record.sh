# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that leapctl record writes down a program's faults: a scan in steps of
# ten pages has those steps, as many misses and hits as the module has counted, a
# wait for each page that was read, and only the threads of the program, with those
# that it has started; that leap-replay reads the file; and that nothing is left.
# GROUP: prefetch
# SMP: 1 2
# TIMEOUT: 120
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

mib=32
[ "$LEAP_FLAVOUR" = release ] || mib=8
half=$((mib << 19))
trace=/run/faults

# refuses STATUS TEXT ARGUMENTS...: record fails so, in one line that has the text
refuses() {
	local want=$1 text=$2 said status
	shift 2
	said=$(leapctl record "$@" 2>&1 >/dev/null)
	status=$?
	say "record $*: $status: $said"
	[ "$status" = "$want" ] || fail "record $*: exit status $status, not $want"
	[ "$(wc -l <<<"$said")" = 1 ] || fail "record $*: not one line"
	[[ $said == *"$text"* ]] || fail "record $*: nothing about: $text"
}

# of_trace EXPRESSION: of the recording, with a list r of its records
of_trace() {
	python3 - "$trace" "$1" <<-'END'
		import collections, struct, sys
		data = open(sys.argv[1], "rb").read()
		Record = collections.namedtuple("Record", "time page wait slot thread process")
		mask = (1 << 52) - 1
		r = [Record(*fields) for fields in struct.iter_unpack("<QQIIII", data[24:])]
		local = struct.unpack("<Q", data[16:24])[0]
		deltas = [(b.page & mask) - (a.page & mask) for a, b in zip(r, r[1:])]
		kinds = collections.Counter(x.page >> 52 & 3 for x in r)
		print(eval(sys.argv[2]))
	END
}

# true_of EXPRESSION TEXT: fails unless it is so
true_of() { [ "$(of_trace "bool($1)")" = True ] || fail "$2"; }

refuses 1 "modprobe leap" -- true
modprobe leap dram_latency_us=2000
leap_up dram://1,256M

refuses 127 "cannot run" -o $trace -- /nonexistent
[ ! -e $trace ] || fail "a file is left of a program that did not start"
refuses 126 "cannot run" -o $trace -- /etc/passwd
refuses 1 "no file" -o /dev/null -- true
refuses 1 "/nonexistent/x" -o /nonexistent/x -- true
leapctl record -o $trace -- bash -c 'exit 7'
[ $? = 7 ] || fail "record does not give the program's status"

declare -A before=()
for key in misses prefetch_hits prefetch_late; do before[$key]=$(leap_stat $key); done
run_limited "$half" leapctl record -o $trace -- leap-test-faultlat $mib 10 >/dev/null ||
	fail "record failed"
say "$(of_trace "(len(r), kinds, local, deltas.count(10))")"
# counted KIND KEY: the module has counted as many of that kind
counted() {
	local grown=$(($(leap_stat "$2") - before[$2]))
	true_of "kinds[$1] == $grown" "the module has counted $grown $2"
}
counted 0 misses
counted 1 prefetch_hits
counted 2 prefetch_late
true_of "len(r) >= $((mib << 5))" "too few faults"
true_of "local == $((half >> 12))" "the recording does not say how much memory there was"
true_of "deltas.count(10) * 10 > len(deltas) * 9" "the steps of ten pages are not there"
true_of "all(a.time <= b.time for a, b in zip(r, r[1:]))" "the records are not in their order"
true_of "all(x.thread == x.process and x.slot for x in r)" "a thread or a slot is wrong"
true_of "sum(x.wait > 1000000 for x in r if x.page >> 52 & 3 == 0) * 10 > kinds[0] * 9" \
	"pages were read in less time than that takes"
true_of "all(x.wait == 0 for x in r if x.page >> 52 & 3 == 1)" "a hit has waited"
leap-replay --json $trace >/run/replay.json || fail "leap-replay does not read the recording"
[ "$(jq '.[0].accesses' /run/replay.json)" = "$(of_trace "len(r)")" ] || fail "leap-replay has not seen all faults"
[ "$(jq '.[] | select(.policy == "leap") | .coverage > 0.95' /run/replay.json)" = true ] ||
	fail "leap-replay says that Leap does not know these steps"

# Two processes of two threads each, while one that is not recorded swaps, too.
run_limited "$half" leapctl run -- leap-test-faultlat $mib 10 >/dev/null &
run_limited "$half" leapctl record -o $trace -- bash -c \
	"leap-test-verify ${mib}M --threads 2 & leap-test-verify ${mib}M --threads 2 && wait -n" ||
	fail "record of two processes failed"
say "$(of_trace "(len(r), kinds, collections.Counter((x.process, x.thread) for x in r))")"
true_of "len({x.process for x in r if x.thread != x.process}) == 2" "not two processes"
true_of "len({x.thread for x in r if x.thread != x.process}) >= 4" "not two threads of each"
leap-replay -p leap $trace || fail "leap-replay does not read two processes"
wait

[ -z "$(ls /sys/kernel/tracing/instances)" ] || fail "a trace instance is left"
leapctl session destroy || fail "the session cannot be ended"
rmmod leap || fail "rmmod refuses a module without a session"
