// SPDX-License-Identifier: GPL-2.0
/*
 * The states of a server. The tables below are all there is: which event leads
 * where and what it brings, and what may be done with a server in each state.
 *
 *	                 CONNECTED               SLOW
 *	  CONNECTING ----------------> UP <--------------> SUSPECT
 *	      |                        | ^      ALIVE         |
 *	      | FAILED, BROKEN  BROKEN | | CONNECTED          | BROKEN
 *	      v                        v |         RETRY      v
 *	   REMOVED                    LOST <-------------> RECONNECTING
 *	                                   FAILED, BROKEN
 *
 *	  DRAINING <---- DRAIN ---- UP, SUSPECT
 *	      ^ |
 *	      | v  the same two as LOST and RECONNECTING, on the way out
 *	  DRAINING_LOST, DRAINING_RECONNECTING
 *
 * CLOSE, when nothing is left of a server or the session ends, leads from everywhere
 * to REMOVED. An event that a state has no line for changes nothing: it comes too
 * late, or again. That is how many completions with errors make one loss.
 *
 * A server that is lost keeps what it has for the grace period: if it is back
 * before and has its slabs, whatever was not rewritten meanwhile is as good as
 * before, which policy/copies.c knows slot by slot. After that, or if it comes
 * back empty, what it had is given up (LEAP_DO_FORGET). Waiting to connect again
 * takes twice as long after each attempt, at random between half of it and all,
 * so that the clients of a server that has restarted do not come all at once.
 *
 * No lock, no clock, no random numbers: the caller has them.
 */
#include "health.h"

struct step {
	bool known;
	u8 to;
	u8 actions;
};

#define TO(state, what)	{ .known = true, .to = LEAP_HEALTH_ ## state, .actions = (what) }

static const struct step steps[LEAP_HEALTH_STATES][LEAP_HEALTH_EVENTS] = {
	[LEAP_HEALTH_CONNECTING] = {
		[LEAP_HEALTH_CONNECTED] = TO(UP, LEAP_DO_SERVE),
		[LEAP_HEALTH_CONNECTED_EMPTY] = TO(UP, LEAP_DO_SERVE),
		[LEAP_HEALTH_FAILED] = TO(REMOVED, 0),
		[LEAP_HEALTH_BROKEN] = TO(REMOVED, 0),
		[LEAP_HEALTH_DRAIN] = TO(REMOVED, 0),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_UP] = {
		[LEAP_HEALTH_SLOW] = TO(SUSPECT, 0),
		[LEAP_HEALTH_BROKEN] = TO(LOST, LEAP_DO_ABORT),
		[LEAP_HEALTH_DRAIN] = TO(DRAINING, 0),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_SUSPECT] = {
		[LEAP_HEALTH_ALIVE] = TO(UP, 0),
		[LEAP_HEALTH_BROKEN] = TO(LOST, LEAP_DO_ABORT),
		[LEAP_HEALTH_DRAIN] = TO(DRAINING, 0),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_LOST] = {
		[LEAP_HEALTH_RETRY] = TO(RECONNECTING, LEAP_DO_CONNECT),
		[LEAP_HEALTH_GRACE_OVER] = TO(LOST, LEAP_DO_FORGET),
		[LEAP_HEALTH_DRAIN] = TO(DRAINING_LOST, 0),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_RECONNECTING] = {
		[LEAP_HEALTH_CONNECTED] = TO(UP, LEAP_DO_RESUME),
		[LEAP_HEALTH_CONNECTED_EMPTY] = TO(UP, LEAP_DO_FORGET | LEAP_DO_SERVE),
		[LEAP_HEALTH_FAILED] = TO(LOST, 0),
		[LEAP_HEALTH_BROKEN] = TO(LOST, 0),
		[LEAP_HEALTH_GRACE_OVER] = TO(RECONNECTING, LEAP_DO_FORGET),
		[LEAP_HEALTH_DRAIN] = TO(DRAINING_RECONNECTING, 0),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_DRAINING] = {
		[LEAP_HEALTH_BROKEN] = TO(DRAINING_LOST, LEAP_DO_ABORT),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_DRAINING_LOST] = {
		[LEAP_HEALTH_RETRY] = TO(DRAINING_RECONNECTING, LEAP_DO_CONNECT),
		[LEAP_HEALTH_GRACE_OVER] = TO(REMOVED, LEAP_DO_FORGET),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	[LEAP_HEALTH_DRAINING_RECONNECTING] = {
		[LEAP_HEALTH_CONNECTED] = TO(DRAINING, LEAP_DO_RESUME),
		[LEAP_HEALTH_CONNECTED_EMPTY] = TO(REMOVED, LEAP_DO_FORGET),
		[LEAP_HEALTH_FAILED] = TO(DRAINING_LOST, 0),
		[LEAP_HEALTH_BROKEN] = TO(DRAINING_LOST, 0),
		[LEAP_HEALTH_GRACE_OVER] = TO(REMOVED, LEAP_DO_FORGET),
		[LEAP_HEALTH_CLOSE] = TO(REMOVED, 0),
	},
	/* Nothing leads out of REMOVED. */
};

/*
 * @rank: copies are read from the server with the highest rank; 0 for one that
 *	cannot be read from
 * @writable: stores go there
 * @lends: new slabs come from there
 */
static const struct {
	const char *name;
	u8 rank;
	bool writable;
	bool lends;
} traits[LEAP_HEALTH_STATES] = {
	[LEAP_HEALTH_CONNECTING] = { "connecting", 0, false, false },
	[LEAP_HEALTH_UP] = { "up", 3, true, true },
	[LEAP_HEALTH_SUSPECT] = { "suspect", 1, true, false },
	[LEAP_HEALTH_LOST] = { "lost", 0, false, false },
	[LEAP_HEALTH_RECONNECTING] = { "reconnecting", 0, false, false },
	[LEAP_HEALTH_DRAINING] = { "draining", 2, false, false },
	[LEAP_HEALTH_DRAINING_LOST] = { "draining-lost", 0, false, false },
	[LEAP_HEALTH_DRAINING_RECONNECTING] = { "draining-reconnecting", 0, false, false },
	[LEAP_HEALTH_REMOVED] = { "removed", 0, false, false },
};

/**
 * leap_health_init - a server that is about to be reached for the first time
 * @health: to be set up
 * @grace_ms: how long it may be away until what it had is given up
 */
void leap_health_init(struct leap_health *health, u32 grace_ms)
{
	memset(health, 0, sizeof(*health));
	health->state = LEAP_HEALTH_CONNECTING;
	health->grace_ms = grace_ms;
}

/**
 * leap_backoff_ms - how long to wait before the next attempt to connect
 * @failures: attempts that have failed since the server was in service
 * @random: any number
 *
 * Return: ms; twice as many after each attempt up to LEAP_BACKOFF_MAX_MS, at
 * random between half of that and all.
 */
u32 leap_backoff_ms(u32 failures, u32 random)
{
	u32 ms = LEAP_BACKOFF_MIN_MS;

	while (failures-- && ms < LEAP_BACKOFF_MAX_MS)
		ms *= 2;
	if (ms > LEAP_BACKOFF_MAX_MS)
		ms = LEAP_BACKOFF_MAX_MS;
	return ms / 2 + random % (ms / 2 + 1);
}

static bool is_lost(u8 state)
{
	return state == LEAP_HEALTH_LOST || state == LEAP_HEALTH_DRAINING_LOST;
}

static bool is_away(u8 state)
{
	return is_lost(state) || state == LEAP_HEALTH_RECONNECTING ||
	       state == LEAP_HEALTH_DRAINING_RECONNECTING;
}

/* It was in service and is lost now. */
static void begin_absence(struct leap_health *health, u64 now)
{
	if (now - health->up_since >= LEAP_BACKOFF_STEADY_MS)
		health->failures = 0;
	health->grace_until = now + health->grace_ms;
}

static void plan_retry(struct leap_health *health, u64 now, u32 random)
{
	health->retry_at = now + leap_backoff_ms(health->failures, random);
	if (health->failures < 255)
		health->failures++;
}

static void set_timers(struct leap_health *health, u8 from,
		       enum leap_health_event event, u64 now, u32 random)
{
	if (!is_away(from) && is_away(health->state))
		begin_absence(health, now);
	if (!is_lost(from) && is_lost(health->state))
		plan_retry(health, now, random);
	if (!is_lost(health->state))
		health->retry_at = 0;
	if (!is_away(health->state) || event == LEAP_HEALTH_GRACE_OVER)
		health->grace_until = 0;
}

/* What an event means for a server whose contents were given up meanwhile. */
static enum leap_health_event without_contents(enum leap_health_event event)
{
	switch (event) {
	case LEAP_HEALTH_CONNECTED:
		return LEAP_HEALTH_CONNECTED_EMPTY;
	case LEAP_HEALTH_DRAIN:		/* nothing to wait for */
		return LEAP_HEALTH_CLOSE;
	default:
		return event;
	}
}

/**
 * leap_health_event - something has happened to a server
 * @health: the server's
 * @event: what
 * @now: the time in ms, of a clock that never goes back and is not 0
 * @random: any number, for the time until the next attempt
 *
 * Return: what is to be done, LEAP_DO_*; 0 for nothing.
 */
u32 leap_health_event(struct leap_health *health, enum leap_health_event event,
		      u64 now, u32 random)
{
	u8 from = health->state;
	const struct step *step;

	if (is_away(from) && !health->grace_until)
		event = without_contents(event);
	step = &steps[from][event];
	if (!step->known)
		return 0;
	health->state = step->to;
	if (step->actions & (LEAP_DO_SERVE | LEAP_DO_RESUME))
		health->up_since = now;
	set_timers(health, from, event, now, random);
	return step->actions;
}

/**
 * leap_health_due - is it time for something?
 * @health: the server's
 * @now: the time in ms
 * @event: set to the event to be handed to leap_health_event() now
 *
 * To be asked again afterwards: two can be due.
 *
 * Return: false if nothing is due.
 */
bool leap_health_due(const struct leap_health *health, u64 now,
		     enum leap_health_event *event)
{
	if (health->grace_until && now >= health->grace_until)
		*event = LEAP_HEALTH_GRACE_OVER;
	else if (health->retry_at && now >= health->retry_at)
		*event = LEAP_HEALTH_RETRY;
	else
		return false;
	return true;
}

/**
 * leap_health_name - for sysfs and logs
 * @state: one of enum leap_health_state
 *
 * Return: one word.
 */
const char *leap_health_name(u8 state)
{
	return traits[state].name;
}

/**
 * leap_health_rank - how good a server is to read from
 * @state: one of enum leap_health_state
 *
 * Return: the higher the better; 0 if it cannot be read from.
 */
u32 leap_health_rank(u8 state)
{
	return traits[state].rank;
}

/**
 * leap_health_readable - can what it has be read?
 * @state: one of enum leap_health_state
 *
 * Return: true if so.
 */
bool leap_health_readable(u8 state)
{
	return traits[state].rank;
}

/**
 * leap_health_writable - are stores sent there?
 * @state: one of enum leap_health_state
 *
 * Return: true if so.
 */
bool leap_health_writable(u8 state)
{
	return traits[state].writable;
}

/**
 * leap_health_lends - are new slabs taken from there?
 * @state: one of enum leap_health_state
 *
 * Return: true if so.
 */
bool leap_health_lends(u8 state)
{
	return traits[state].lends;
}
