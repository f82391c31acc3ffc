# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that an exec that fails early, for want of memory, leaves no process
# behind that is none: the new memory map is dropped before it was ever used.
# GROUP: dram
# TIMEOUT: 60
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

leap_up dram://1,64M
# What the program fills, a new one finds filled.
echo 0 >/proc/sys/vm/user_reserve_kbytes
cat >/run/execs.py <<'PY'
import ctypes, errno, os, subprocess
subprocess.check_call(["leapctl", "attach", str(os.getpid())])
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
mode = os.open("/proc/sys/vm/overcommit_memory", os.O_WRONLY)
failed, size = 0, 1 << 26
os.write(mode, b"2")
# All that may be promised is promised: not a page of stack for a new program.
while size >= 4096:
    if libc.mmap(None, size, 3, 0x22, -1, 0) in (None, 2 ** 64 - 1):
        size >>= 1
for _ in range(50):
    try:
        os.execv("/bin/true", ["true"])
    except OSError as e:
        failed += e.errno == errno.ENOMEM
os.write(mode, b"0")
print(failed)
PY
failed=$(python3 /run/execs.py) || fail "the program failed"
[ "$failed" = 50 ] || fail "only $failed of 50 execs failed"
sleep 1000 &
leapctl attach $! || fail "attach failed"
processes=$(leapctl stat --json | jq '.processes | length')
kill $!
[ "$processes" = 1 ] || fail "$processes processes are listed, and there is one"
