/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_HEALTH_H
#define LEAP_POLICY_HEALTH_H

#include "deps.h"

/**
 * enum leap_health_state - how a server is; the table is in health.c
 * @LEAP_HEALTH_CONNECTING: being reached for the first time; has nothing of ours
 * @LEAP_HEALTH_UP: in service
 * @LEAP_HEALTH_SUSPECT: in service, but has not answered for a while
 * @LEAP_HEALTH_LOST: cannot be reached; to be tried again after a while
 * @LEAP_HEALTH_RECONNECTING: being tried again
 * @LEAP_HEALTH_DRAINING: to be removed; what it has is being moved elsewhere
 * @LEAP_HEALTH_DRAINING_LOST: as LOST, and to be removed
 * @LEAP_HEALTH_DRAINING_RECONNECTING: as RECONNECTING, and to be removed
 * @LEAP_HEALTH_REMOVED: let go, for good
 */
enum leap_health_state {
	LEAP_HEALTH_CONNECTING,
	LEAP_HEALTH_UP,
	LEAP_HEALTH_SUSPECT,
	LEAP_HEALTH_LOST,
	LEAP_HEALTH_RECONNECTING,
	LEAP_HEALTH_DRAINING,
	LEAP_HEALTH_DRAINING_LOST,
	LEAP_HEALTH_DRAINING_RECONNECTING,
	LEAP_HEALTH_REMOVED,
	/* private: how many there are */
	LEAP_HEALTH_STATES,
};

/**
 * enum leap_health_event - what can happen to a server
 * @LEAP_HEALTH_CONNECTED: all queues are connected, and if it had slabs of ours
 *	it has kept them, with every byte
 * @LEAP_HEALTH_CONNECTED_EMPTY: all queues are connected, but slabs that it had
 *	are gone
 * @LEAP_HEALTH_FAILED: the attempt to connect has failed
 * @LEAP_HEALTH_SLOW: a request is overdue, but for less than the timeout
 * @LEAP_HEALTH_ALIVE: it has answered
 * @LEAP_HEALTH_BROKEN: a completion with an error, a disconnect, a timeout
 * @LEAP_HEALTH_RETRY: &leap_health.retry_at has come, see leap_health_due()
 * @LEAP_HEALTH_GRACE_OVER: &leap_health.grace_until has come, likewise
 * @LEAP_HEALTH_DRAIN: somebody wants it removed
 * @LEAP_HEALTH_CLOSE: nothing of ours is left on it, or the session ends
 */
enum leap_health_event {
	LEAP_HEALTH_CONNECTED,
	LEAP_HEALTH_CONNECTED_EMPTY,
	LEAP_HEALTH_FAILED,
	LEAP_HEALTH_SLOW,
	LEAP_HEALTH_ALIVE,
	LEAP_HEALTH_BROKEN,
	LEAP_HEALTH_RETRY,
	LEAP_HEALTH_GRACE_OVER,
	LEAP_HEALTH_DRAIN,
	LEAP_HEALTH_CLOSE,
	/* private: how many there are */
	LEAP_HEALTH_EVENTS,
};

/*
 * What is to be done after an event, in this order.
 *
 *	ABORT	end all its requests under way, with errors; they go to other
 *		copies
 *	FORGET	nothing of what it had can be read any more: each of its homes
 *		gets a new generation (leap_homes_forget()), copies that are
 *		missing now are rebuilt elsewhere
 *	CONNECT	begin to connect; ends in CONNECTED, CONNECTED_EMPTY or FAILED
 *	SERVE	it has come into service
 *	RESUME	it is in service again, with what it had
 */
enum {
	LEAP_DO_ABORT	= 1 << 0,
	LEAP_DO_FORGET	= 1 << 1,
	LEAP_DO_CONNECT	= 1 << 2,
	LEAP_DO_SERVE	= 1 << 3,
	LEAP_DO_RESUME	= 1 << 4,
};

/* Between attempts to connect: the first and the longest wait. */
#define LEAP_BACKOFF_MIN_MS	200
#define LEAP_BACKOFF_MAX_MS	30000

/* Who has been in service for so long begins with the shortest wait again. */
#define LEAP_BACKOFF_STEADY_MS	60000

/**
 * struct leap_health - a server's health; the caller locks
 * @state: read it with leap_health_readable() and the like
 * @failures: attempts to connect since it was last in service for long
 * @grace_ms: how long it may be away until what it had is given up
 * @retry_at: the next attempt, in ms of the caller's clock; 0 for none
 * @grace_until: when what it had is given up; 0 if it has nothing
 * @up_since: when it came into service
 */
struct leap_health {
	u8 state;
	u8 failures;
	u32 grace_ms;
	u64 retry_at;
	u64 grace_until;
	u64 up_since;
};

void leap_health_init(struct leap_health *health, u32 grace_ms);
u32 leap_health_event(struct leap_health *health, enum leap_health_event event,
		      u64 now, u32 random);
bool leap_health_due(const struct leap_health *health, u64 now,
		     enum leap_health_event *event);
u32 leap_backoff_ms(u32 failures, u32 random);
const char *leap_health_name(u8 state);
bool leap_health_readable(u8 state);
bool leap_health_writable(u8 state);
bool leap_health_lends(u8 state);
u32 leap_health_rank(u8 state);

#endif /* LEAP_POLICY_HEALTH_H */
