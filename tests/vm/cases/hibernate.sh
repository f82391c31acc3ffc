# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that a machine with a session does not hibernate, and says why: after
# that, its remote pages could not be found again.
# FLAVOUR: release
# GROUP: dram
# TIMEOUT: 60
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

[ -w /sys/power/disk ] || fail "this kernel cannot hibernate at all"
leap_up dram://1,64M
if (echo disk >/sys/power/state) 2>/dev/null; then fail "the machine hibernated"; fi
dmesg | grep -q "leap: no hibernation" || fail "it was not Leap that refused"
