# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that with a key only those who know it get anything: a session is made
# if both sides have the same key, of any length, from either type of keyring
# entry; if not, it is refused with one line of help, whichever side is wrong;
# and no way to do without the key works, on either side.
# RDMA: rxe siw
# TIMEOUT: 180
# LONG: yes
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

server="rdma://1,$LEAP_M2:9400?timeout_ms=$((2000 * LEAP_SCALE))"
keyfile=$LEAP_SHARED/key

# listen COMMAND...: in m2, in place of what was there
listen() {
	on_m2 stop_leapd
	on_m2 eval "pkill -x leap-test-leapd; true"
	on_m2 wait_for 10 not rdma_listens 9400 || fail "port 9400 is still taken"
	on_m2 "$@" || fail "does not start: $*"
}
fraud() {
	listen eval "setsid leap-test-leapd $LEAP_M2 9400 $1 >/leap/fraud.log 2>&1 </dev/null & wait_for 10 rdma_listens 9400"
}
# make_key TYPE NAME: what the file has, for this user
make_key() { keyctl padd "$1" "$2" @u <"$keyfile" >/dev/null || fail "no key in the keyring"; }

# admitted OPTIONS: a session with that portal, and slabs on loan
admitted() {
	leapctl session create "$server$1" || fail "no session: $1"
	[ "$(leap_stat slabs)" -gt 0 ] || fail "no slab on loan: $1"
	leapctl session destroy || fail "the session cannot be ended: $1"
}

# denied TEXT OPTIONS: no session with that portal, and one line that says TEXT
denied() {
	local said
	if said=$(leapctl session create "$server$2" 2>&1); then fail "a session was made: $2"; fi
	said=${said//$'\n'/ | }
	say "${2:-without a key}: $said"
	[[ $said == *"$1"* ]] || fail "nothing about: $1"
	[[ $said != *" | "* ]] || fail "more than one line"
	[ -z "$(cat /sys/kernel/mm/leap/session)" ] || fail "a session stays"
}

modprobe leap || fail "modprobe leap failed"
swapon "$LEAP_SWAPDEV" || fail "swapon failed"

# Bytes as they are, shorter and longer than a block of SHA-256; then digits.
for len in 16 64 65 1024; do
	head -c "$len" /dev/urandom >"$keyfile"
	chmod 600 "$keyfile"
	make_key user "bytes$len"
	listen start_leapd 9400 --key "$keyfile"
	admitted "&key=bytes$len"
done
head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' >"$keyfile"
make_key user leap
make_key logon leap:secret
head -c 32 /dev/urandom >"$keyfile.other"
keyctl padd user other @u <"$keyfile.other" >/dev/null
echo short | keyctl padd user short @u >/dev/null
listen start_leapd 9400 --key "$keyfile"
admitted "&key=leap:secret"
leapctl session create "$server&key=leap" || fail "no session"
leapctl run -- leap-test-keeper 1 1 || fail "wrong data"
stored() { [ "$(leap_stat stored_pages)" -gt 0 ]; }	# maybe not before the end
wait_for 10 stored || fail "nothing was stored"
leapctl session destroy || fail "the session cannot be ended"

denied "the keys of the two sides differ" "&key=other"
denied "has a key and the other has none" ""
denied "keyctl padd user nobody @u" "&key=nobody"
denied "keyctl padd logon leap:nobody @u" "&key=leap:nobody"
denied "1024 bytes" "&key=short"
# The first half of the same digits.
keyctl padd user raw @u < <(head -c 32 "$keyfile") >/dev/null
denied "the keys of the two sides differ" "&key=raw"

# Clients that try to do without.
for how in $(leap-test-borrower key-names); do
	said=$(leap-test-borrower "$LEAP_M2" 9400 "$how" "$keyfile" 2>&1) || fail "$how: ${said//$'\n'/ | }"
	say "$how: ${said:-as it must be}"
done
admitted "&key=leap"

# Servers that do not know it.
listen start_leapd 9400
denied "has no key" "&key=leap"
said=$(leap-test-borrower "$LEAP_M2" 9400 key-unwanted 2>&1) || fail "key-unwanted: $said"
for how in key-ignore key-early; do
	fraud $how
	denied "server 0" "&key=leap"
done
for how in key-echo key-noise key-deny; do
	fraud $how
	denied "the keys of the two sides differ" "&key=leap"
done
listen start_leapd 9400 --key "$keyfile"
admitted "&key=leap"
