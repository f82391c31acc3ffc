# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# A program that checks its data all the time, while a case changes the session that
# it uses. For cases that have sourced the library and set $mib; use it by:
# . "${LEAP_LIB%/*}/load.sh"

half=$((${mib:?} << 19))

# refused TEXT ARGS...: leapctl session ARGS... fails, and says that
refused() {
	local what=$1 says
	shift
	says=$(leapctl session "$@" 2>&1) && fail "not refused: $*"
	case $says in *"$what"*) ;; *) fail "$*: it says: $says" ;; esac
}

holds() { [ "$(server_stat "$1" remote_pages)" -gt 0 ]; }

# busy KEY NUMBER: has the module counted more?
busy() { [ "$(leap_stat "$1")" -gt "$2" ]; }

# wait_more KEY PAGES: until the module has counted so many more
wait_more() { wait_for 60 busy "$1" $(($(leap_stat "$1") + $2)) || fail "$1 does not grow by $2"; }

# load: starts the program in the background, with half of its memory
load() {
	run_limited "$half" leapctl run -- leap-test-verify "${mib}M" --threads 2 --passes 100000 &
	program=$!
	wait_more loaded_pages $((mib << 6))
}

# end_load: the program is there still, and all it had was right
end_load() {
	kill -0 "$program" || fail "the program is gone: $(dmesg | grep 'leap: ' | tail -n 3)"
	pkill -TERM -x leap-test-verif
	wait "$program" || fail "wrong data"
}

# check_load: it goes on, and ends well, without a load that failed
check_load() {
	wait_more loaded_pages $((mib << 6))
	end_load
	[ "$(leap_stat failed_loads)" = 0 ] || fail "$(leap_stat failed_loads) loads have failed"
}
