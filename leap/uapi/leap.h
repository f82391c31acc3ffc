/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * What a program needs to talk to Leap: the system call's number, the limits
 * of its argument and the places in sysfs.
 */
#ifndef _UAPI_LEAP_H
#define _UAPI_LEAP_H

/*
 * int is_session_create(const char *portal);
 *
 * The number is far above those that mainline hands out, so that a newer C
 * library that probes for a mainline call on this kernel never meets ours.
 */
#ifndef __NR_is_session_create
#define __NR_is_session_create	500
#endif

/* Longest portal in bytes, the terminating NUL included. */
#define LEAP_PORTAL_MAX		4096

/* Most servers that one portal may name. */
#define LEAP_SERVERS_MAX	64

/* Everything that leapctl shows and switches. */
#define LEAP_SYSFS		"/sys/kernel/mm/leap"

/* Buckets of a latency histogram: bucket i counts [2^i, 2^(i+1)) ns. */
#define LEAP_HIST_BUCKETS	36

#endif /* _UAPI_LEAP_H */
