# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that the guest's kernel is a patched one: it knows the system call,
# which says ENODEV (19) while leap.ko is not loaded.
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

python3 - <<-PY || fail "is_session_create does not answer ENODEV"
	import ctypes, sys
	libc = ctypes.CDLL(None, use_errno=True)
	result = libc.syscall(500, b"dram://1,64M")
	error = ctypes.get_errno()
	print("result", result, "errno", error)
	sys.exit(not (result == -1 and error == 19))
PY
