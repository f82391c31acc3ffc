# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# Proves that the two guests reach each other over RDMA at all, so that a
# failure elsewhere is ours and not the harness's.
# RDMA: rxe siw
# shellcheck source=tests/vm/lib.sh
. "$LEAP_LIB"

on_m2 setsid -f rping -s -a "$LEAP_M2" -p 9500 -C 10
on_m2 wait_for 10 rdma_listens 9500 || fail "rping does not listen in m2"
rping -c -a "$LEAP_M2" -p 9500 -C 10 -v || fail "rping lost pings"
