// SPDX-License-Identifier: GPL-2.0
/*
 * Servers: how they come into service, are lost, and come back.
 *
 * policy/health.c has the states, what leads from one to another, and what is to
 * be done then. Here is by whom:
 *
 *	leap_server_fail()	any context, by whoever notices: one loss, however
 *				many requests have failed
 *	abort_work		on leap_wq, at once: the slabs know that their homes
 *				there are out of reach, and requests under way end
 *	recover()		on recovery_wq, after a while, and again: connects,
 *				or gives up what the server had
 *	leap_server_note()	housekeeping and its watch: it is slow, or not any more
 *
 * Reclaim may wait for what abort_work does, which therefore neither connects nor
 * disconnects: the connection manager's own work needs memory. recover() does,
 * and nobody waits for that. It never begins before abort_work has ended, so that
 * no request of one connection is left when the next one is made. While it tries,
 * failures are its own business: leap_server_fail() only marks the attempt.
 *
 * Lifetime. A server belongs to its session from leap_server_create() on, and is
 * destroyed only when no lease refers to it (leases with requests under way stay),
 * its place has been empty for an RCU grace period, and housekeeping and the mover,
 * who may keep it and its leases for as long as one step of theirs, have ended the
 * step that they were in: whoever is none of these two uses it only with the session
 * lock, with a request of his own counted in one of its leases, or under
 * rcu_read_lock(). After that its place may be taken again. Its own work (above) and
 * its folder in sysfs end in leap_server_destroy().
 *
 * Locks. A server's health is under state_lock, inside of all others, for those
 * who notice failures may hold any of them. What the slabs know of it, under
 * map_lock, follows a moment later. Thus a request can be on its way to a server
 * that is not in service any more; no such request is submitted, and what is
 * submitted all the same fails. Nor does a request of before a loss get to the
 * server after it has come back: the server's epoch, which each loss changes, is
 * in each lease, request and queue, and where two of them differ nothing happens.
 */
#include <linux/random.h>
#include <linux/sched/mm.h>
#include "slab.h"
#include "policy/errors.h"

static DEFINE_SPINLOCK(state_lock);

/* Without a rescuer, unlike leap_wq: to connect takes memory. */
static struct workqueue_struct *recovery_wq;

static u64 now_ms(void)
{
	return ktime_to_ms(ktime_get());
}

/* Returns what is to be done. */
static u32 happen(struct leap_server *server, enum leap_health_event event)
{
	lockdep_assert_held(&state_lock);
	return leap_health_event(&server->health, event, now_ms(),
				 get_random_u32());
}

static bool is_connecting(const struct leap_server *server)
{
	u8 state = server->health.state;

	return state == LEAP_HEALTH_CONNECTING ||
	       state == LEAP_HEALTH_RECONNECTING ||
	       state == LEAP_HEALTH_DRAINING_RECONNECTING;
}

/* An attempt to connect is over: @event, unless it has failed since. */
static u32 end_attempt(struct leap_server *server, enum leap_health_event event)
{
	u32 actions;

	spin_lock_irq(&state_lock);
	if (server->broken)
		event = LEAP_HEALTH_FAILED;
	server->broken = false;
	actions = happen(server, event);
	spin_unlock_irq(&state_lock);
	return actions;
}

static void abort_work(struct work_struct *work)
{
	struct leap_server *server =
		container_of(work, struct leap_server, abort_work);
	unsigned int noio = memalloc_noio_save();	/* see leap_wq */

	leap_slab_server_lost(server);
	server->session->transport->abort(server);
	mod_delayed_work(recovery_wq, &server->recovery, 0);
	memalloc_noio_restore(noio);
}

/**
 * leap_server_fail - a server is lost
 * @server: which
 * @why: what has shown it
 * @err: negative errno
 *
 * Any context; may be called as often as anybody notices.
 */
void leap_server_fail(struct leap_server *server, const char *why, int err)
{
	unsigned long flags;
	u32 actions = 0;

	spin_lock_irqsave(&state_lock, flags);
	if (is_connecting(server))
		server->broken = true;
	else
		actions = happen(server, LEAP_HEALTH_BROKEN);
	if (actions & LEAP_DO_ABORT)	/* with the lock: see leap_server_lost() */
		queue_work(leap_wq, &server->abort_work);
	spin_unlock_irqrestore(&state_lock, flags);
	if (actions & LEAP_DO_ABORT)
		pr_err("server %u is lost: %s (%d). Its pages cannot be read until it is back\n",
		       server->index, why, err);
}

/**
 * leap_server_lost - is a server lost, with nobody trying to reach it?
 * @server: which
 *
 * Return: true if so; then its abort_work has run, or flush_work() waits for it.
 */
bool leap_server_lost(struct leap_server *server)
{
	bool lost;

	spin_lock_irq(&state_lock);
	lost = server->health.state == LEAP_HEALTH_LOST ||
	       server->health.state == LEAP_HEALTH_DRAINING_LOST;
	spin_unlock_irq(&state_lock);
	return lost;
}

/**
 * leap_server_note - a server is slow, or not any more
 * @server: which
 * @event: LEAP_HEALTH_SLOW or LEAP_HEALTH_ALIVE
 */
void leap_server_note(struct leap_server *server, enum leap_health_event event)
{
	u8 before, after;

	spin_lock_irq(&state_lock);
	before = server->health.state;
	happen(server, event);
	after = server->health.state;
	spin_unlock_irq(&state_lock);
	if (before != after)
		leap_slab_server_health(server);
}

/**
 * leap_server_given_up - has it become pointless to connect to a server?
 * @server: which
 *
 * Return: true if the session ends.
 */
bool leap_server_given_up(struct leap_server *server)
{
	return READ_ONCE(server->health.state) == LEAP_HEALTH_REMOVED;
}

static void say_back(struct leap_server *server, bool kept)
{
	server->attempt_err = 0;
	pr_info("server %u is back, %s\n", server->index,
		kept ? "with what it had" : "empty: the pages that it had are gone");
}

/* Each reason once in a row. */
static void say_failed(struct leap_server *server, int err)
{
	if (server->attempt_err != err && !leap_server_given_up(server))
		pr_info("server %u: %s%s%s. It will be tried again\n",
			server->index, leap_strerror(err),
			*server->why ? ". It says: " : "", server->why);
	server->attempt_err = err;
}

/* Returns what is to be done now. */
static u32 reconnect(struct leap_server *server)
{
	const struct leap_transport *transport = server->session->transport;
	int ret;
	u32 actions;

	*server->why = '\0';
	ret = transport->reconnect(server, READ_ONCE(server->health.grace_until));
	if (ret < 0) {
		say_failed(server, ret);
		return end_attempt(server, LEAP_HEALTH_FAILED);
	}
	actions = end_attempt(server, ret ? LEAP_HEALTH_CONNECTED :
			      LEAP_HEALTH_CONNECTED_EMPTY);
	if (actions & (LEAP_DO_SERVE | LEAP_DO_RESUME))
		say_back(server, actions & LEAP_DO_RESUME);
	else	/* the next attempt, or the end, lets go of what is there */
		say_failed(server, -ECONNRESET);
	return actions;
}

static void carry_out(struct leap_server *server, u32 actions)
{
	/* Stays as it is until a connection made here has been lost. */
	u32 epoch = READ_ONCE(server->epoch);

	if (actions & LEAP_DO_CONNECT)
		actions = reconnect(server);
	if (actions & LEAP_DO_FORGET)
		leap_slab_server_forget(server, epoch);
	if (actions & (LEAP_DO_SERVE | LEAP_DO_RESUME)) {
		leap_slab_server_back(server, epoch);
		leap_housekeeping_soon(server->session);
	}
}

/* Is something due? Then @actions says what is to be done. */
static bool take_due(struct leap_server *server, u32 *actions)
{
	enum leap_health_event event;
	bool due;

	spin_lock_irq(&state_lock);
	due = leap_health_due(&server->health, now_ms(), &event);
	if (due)
		*actions = happen(server, event);
	spin_unlock_irq(&state_lock);
	return due;
}

/* In ms from now; 0 if there is nothing to wait for. */
static u64 next_due(struct leap_server *server)
{
	u64 now = now_ms(), retry, grace, at;

	spin_lock_irq(&state_lock);
	retry = server->health.retry_at;
	grace = server->health.grace_until;
	spin_unlock_irq(&state_lock);
	at = retry && grace ? min(retry, grace) : retry + grace;
	return at ? max(at, now + 1) - now : 0;
}

static void recover(struct work_struct *work)
{
	struct leap_server *server =
		container_of(work, struct leap_server, recovery.work);
	u32 actions;
	u64 ms;

	while (take_due(server, &actions)) {
		/* No other is queued from here on, unless this connects. */
		flush_work(&server->abort_work);
		carry_out(server, actions);
	}
	ms = next_due(server);
	if (ms)
		queue_delayed_work(recovery_wq, &server->recovery,
				   msecs_to_jiffies(ms) + 1);
}

static struct leap_server *server_alloc(struct leap_session *session,
					unsigned int index,
					const struct leap_portal_server *addr)
{
	struct leap_server *server = kzalloc(sizeof(*server), GFP_KERNEL);

	if (!server)
		return NULL;
	server->session = session;
	server->addr = *addr;
	server->index = index;
	leap_health_init(&server->health, LEAP_GRACE_MS);
	INIT_WORK(&server->abort_work, abort_work);
	INIT_DELAYED_WORK(&server->recovery, recover);
	server->stats = alloc_percpu(struct leap_stats);
	if (server->stats)
		return server;
	kfree(server);
	return NULL;
}

/**
 * leap_server_create - connect to a server
 * @session: whose, under the session lock
 * @index: its place, which the caller puts it in
 * @addr: where it is
 *
 * Return: the server, in service; or an error, and leap_error() has been called.
 */
struct leap_server *leap_server_create(struct leap_session *session,
				       unsigned int index,
				       const struct leap_portal_server *addr)
{
	struct leap_server *server = server_alloc(session, index, addr);
	int err;

	if (!server)
		return ERR_PTR(-ENOMEM);
	err = session->transport->connect(server);
	if (err) {
		leap_error("server %u: %s%s%s", index, leap_strerror(err),
			   *server->why ? ". It says: " : "", server->why);
		goto free_server;
	}
	err = leap_sysfs_add_server(server);
	if (err)
		goto disconnect;
	if (end_attempt(server, LEAP_HEALTH_CONNECTED) & LEAP_DO_SERVE)
		return server;
	err = -ECONNRESET;
	leap_error("server %u: %s", index, leap_strerror(err));

	leap_sysfs_remove_server(server);
disconnect:
	session->transport->disconnect(server);
free_server:
	free_percpu(server->stats);
	kfree(server);
	return ERR_PTR(err);
}

/**
 * leap_server_drain - a server is to be removed
 * @server: which; under the session lock
 *
 * It lends nothing any more, and what it has leaves it. If it is lost, that is what
 * other servers have, too, or will have when it is back.
 */
void leap_server_drain(struct leap_server *server)
{
	spin_lock_irq(&state_lock);
	happen(server, LEAP_HEALTH_DRAIN);
	spin_unlock_irq(&state_lock);
	leap_slab_server_drain(server);
}

/**
 * leap_server_destroy - give all slabs back and let the server go
 * @server: that nobody uses any more, see the top of this file
 */
void leap_server_destroy(struct leap_server *server)
{
	spin_lock_irq(&state_lock);
	happen(server, LEAP_HEALTH_CLOSE);
	spin_unlock_irq(&state_lock);
	cancel_work_sync(&server->abort_work);
	disable_delayed_work_sync(&server->recovery);
	leap_sysfs_remove_server(server);
	server->session->transport->disconnect(server);
	free_percpu(server->stats);
	kfree(server);
}

/**
 * leap_server_init - before the first server
 *
 * Return: 0 or -ENOMEM.
 */
int leap_server_init(void)
{
	recovery_wq = alloc_workqueue("leap_recovery", WQ_UNBOUND, 0);
	return recovery_wq ? 0 : -ENOMEM;
}

/** leap_server_exit - the reverse; there is no server */
void leap_server_exit(void)
{
	destroy_workqueue(recovery_wq);
}
