// SPDX-License-Identifier: GPL-2.0
/*
 * Servers and their states.
 *
 *	CONNECTING --> LIVE --> DEAD
 *	     |           |       ^|
 *	     +-----------|-------+|
 *	                 +--------+--> CLOSED
 *
 * CONNECTING becomes LIVE when all queues are connected, and all become CLOSED
 * when the session ends. Both become DEAD in leap_server_fail(), from any
 * context. Who is DEAD before it was LIVE cannot become so any more, and the
 * session is not made. Whoever moves a LIVE one queues the work that makes the
 * requests under way end, so that this happens once however many of them fail.
 * No request is submitted to a server that is not LIVE.
 */
#include <linux/sched/mm.h>
#include "leap.h"
#include "policy/errors.h"

static DEFINE_SPINLOCK(state_lock);

static const char *const state_names[] = {
	[LEAP_SERVER_CONNECTING] = "connecting",
	[LEAP_SERVER_LIVE] = "live",
	[LEAP_SERVER_DEAD] = "dead",
	[LEAP_SERVER_CLOSED] = "closed",
};

/**
 * leap_server_state_name - for sysfs
 * @server: whose
 *
 * Return: one word.
 */
const char *leap_server_state_name(struct leap_server *server)
{
	return state_names[READ_ONCE(server->state)];
}

/*
 * The only place where a state changes, if that is allowed. Returns the state
 * before.
 */
static enum leap_server_state move(struct leap_server *server,
				   enum leap_server_state state)
{
	enum leap_server_state old;
	unsigned long flags;
	bool ok = false;

	spin_lock_irqsave(&state_lock, flags);
	old = server->state;
	switch (state) {
	case LEAP_SERVER_CONNECTING:
		break;
	case LEAP_SERVER_LIVE:
		ok = old == LEAP_SERVER_CONNECTING;
		break;
	case LEAP_SERVER_DEAD:
		ok = old == LEAP_SERVER_CONNECTING || old == LEAP_SERVER_LIVE;
		break;
	case LEAP_SERVER_CLOSED:
		ok = old != LEAP_SERVER_CLOSED;
		break;
	}
	if (ok)
		WRITE_ONCE(server->state, state);
	spin_unlock_irqrestore(&state_lock, flags);
	return old;
}

static void fail_work(struct work_struct *work)
{
	struct leap_server *server =
		container_of(work, struct leap_server, fail_work);
	unsigned int noio = memalloc_noio_save();	/* see leap_wq */

	leap_slab_server_lost(server);
	server->session->transport->abort(server);
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
	if (move(server, LEAP_SERVER_DEAD) != LEAP_SERVER_LIVE)
		return;
	pr_err("server %u is lost: %s (%d). Its pages cannot be read any more, new ones go to the swap device\n",
	       server->index, why, err);
	queue_work(leap_wq, &server->fail_work);
}

/**
 * leap_server_create - connect to one server of a portal
 * @session: being created
 * @index: place in the portal
 *
 * Return: the server, live; or an error, and leap_error() has been called.
 */
struct leap_server *leap_server_create(struct leap_session *session,
				       unsigned int index)
{
	struct leap_server *server = kzalloc(sizeof(*server), GFP_KERNEL);
	int err = -ENOMEM;

	if (!server)
		return ERR_PTR(-ENOMEM);
	server->session = session;
	server->addr = session->portal.servers[index];
	server->index = index;
	INIT_WORK(&server->fail_work, fail_work);
	server->stats = alloc_percpu(struct leap_stats);
	if (!server->stats)
		goto free_server;
	err = session->transport->connect(server);
	if (err) {
		leap_error("server %u: %s%s%s", index, leap_strerror(err),
			   *server->why ? ". It says: " : "", server->why);
		goto free_stats;
	}
	err = leap_sysfs_add_server(server);
	if (err)
		goto disconnect;
	if (move(server, LEAP_SERVER_LIVE) == LEAP_SERVER_CONNECTING)
		return server;
	err = -ECONNRESET;
	leap_error("server %u: %s", index, leap_strerror(err));

	leap_sysfs_remove_server(server);
disconnect:
	session->transport->disconnect(server);
free_stats:
	free_percpu(server->stats);
free_server:
	kfree(server);
	return ERR_PTR(err);
}

/**
 * leap_server_destroy - give all slabs back and let the server go
 * @server: with no request under way
 */
void leap_server_destroy(struct leap_server *server)
{
	move(server, LEAP_SERVER_CLOSED);
	cancel_work_sync(&server->fail_work);
	leap_sysfs_remove_server(server);
	server->session->transport->disconnect(server);
	free_percpu(server->stats);
	kfree(server);
}
