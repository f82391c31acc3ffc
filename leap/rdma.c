// SPDX-License-Identifier: GPL-2.0
/*
 * The rdma transport: a server's queues, and slabs by messages.
 *
 * Each CPU has two data queues: one for the loads that somebody waits for, one
 * for everything else, so that a demand load is never behind a row of writes
 * in a send queue.
 */
#include <linux/nsproxy.h>
#include <linux/random.h>
#include <net/net_namespace.h>
#include "rdma.h"

/* Most pairs of data queues to ask for. */
#define PAIRS_MAX	16

/* All connections together may take so many timeouts, and one more for so many. */
#define CONNECT_TIMEOUTS	4
#define QUEUES_PER_TIMEOUT	8

static void walk_queues(struct leap_rdma *rdma,
			void (*fn)(struct leap_queue *queue))
{
	unsigned int i;

	for (i = 0; i < rdma->nr; i++) {
		if (rdma->bulk[i] && rdma->bulk[i] != rdma->demand[i])
			fn(rdma->bulk[i]);
		if (rdma->demand[i])
			fn(rdma->demand[i]);
	}
	if (rdma->control)
		fn(rdma->control);
}

/*
 * Let go of the device. It may be gone as soon as the last connection is, so
 * these go last. May be called again.
 */
static void release(struct leap_rdma *rdma)
{
	lockdep_assert_held(&rdma->conn_mutex);
	walk_queues(rdma, leap_queue_close);
	mutex_lock(&rdma->ctrl.mutex);	/* no message is under way */
	if (rdma->pd) {
		leap_ctrl_exit(rdma);
		leap_rdma_sink_exit(rdma);
		ib_dealloc_pd(rdma->pd);
		rdma->pd = NULL;
	}
	mutex_unlock(&rdma->ctrl.mutex);
	walk_queues(rdma, leap_queue_disown);
}

/*
 * The server is lost and its requests are being ended; unless it has come back by
 * another device already.
 */
static void removal(struct work_struct *work)
{
	struct leap_rdma *rdma = container_of(work, struct leap_rdma, removal);

	guard(mutex)(&rdma->conn_mutex);	/* it stays lost */
	if (!leap_server_lost(rdma->server))
		return;
	flush_work(&rdma->server->abort_work);
	release(rdma);
}

static void free_queue(struct leap_queue *queue)
{
	kfree(queue);
}

static void rdma_free(struct leap_rdma *rdma)
{
	disable_work_sync(&rdma->removal);
	mutex_lock(&rdma->conn_mutex);
	release(rdma);
	mutex_unlock(&rdma->conn_mutex);
	walk_queues(rdma, free_queue);
	put_net(rdma->net);
	kfree(rdma);
}

/* Who makes a session waits for its servers, however many queues they have. */
static void set_deadline(struct leap_rdma *rdma, unsigned int queues)
{
	unsigned int timeouts = CONNECT_TIMEOUTS + queues / QUEUES_PER_TIMEOUT;

	lockdep_assert_held(&rdma->conn_mutex);
	rdma->connect_by = jiffies +
		msecs_to_jiffies(timeouts * rdma->server->session->portal.timeout_ms);
}

static int connect_control(struct leap_rdma *rdma, unsigned int queues)
{
	struct leap_server *server = rdma->server;
	struct leap_welcome_info *welcome;
	int err;

	set_deadline(rdma, 1);
	err = leap_queue_create(&rdma->control, rdma, LEAP_ROLE_CONTROL, 0,
				queues);
	if (err)
		return err;
	err = leap_rdma_prove(rdma);
	if (err)
		return err;
	leap_move_recall_none(server);
	welcome = &rdma->control->welcome;
	rdma->token = welcome->token;
	server->capacity = welcome->capacity;
	if (welcome->page_shift != PAGE_SHIFT)
		return -EOPNOTSUPP;
	if (!welcome->queues || !welcome->depth)
		return -EPROTO;
	err = leap_session_slab_size(server->session, welcome->slab_shift);
	if (err)
		scnprintf(server->why, sizeof(server->why),
			  "it lends slabs of %u MiB, another server of %u MiB",
			  1U << (welcome->slab_shift - 20),
			  1U << (server->session->slab_shift - 20));
	return err;
}

/* With only one queue granted, it serves for everything. */
static int connect_data(struct leap_rdma *rdma)
{
	unsigned int granted = rdma->granted, i, nr = max(granted / 2, 1);
	int err;

	set_deadline(rdma, granted);
	for (i = 0; i < nr; i++) {
		rdma->nr = max(rdma->nr, i + 1);
		err = leap_queue_create(&rdma->demand[i], rdma, LEAP_ROLE_DATA,
					i, granted);
		if (!err && granted > 1)
			err = leap_queue_create(&rdma->bulk[i], rdma,
						LEAP_ROLE_DATA, i, granted);
		if (err)
			return err;
	}
	if (granted == 1)
		rdma->bulk[0] = rdma->demand[0];
	return 0;
}

static struct leap_rdma *rdma_alloc(struct leap_server *server)
{
	struct leap_rdma *rdma = kzalloc(sizeof(*rdma), GFP_KERNEL);

	if (!rdma)
		return NULL;
	rdma->server = server;
	rdma->net = get_net(current->nsproxy->net_ns);
	INIT_WORK(&rdma->removal, removal);
	mutex_init(&rdma->conn_mutex);
	mutex_init(&rdma->usage_mutex);
	leap_ctrl_init(rdma);
	get_random_bytes(rdma->client_id, sizeof(rdma->client_id));
	return rdma;
}

static int rdma_connect_server(struct leap_server *server)
{
	unsigned int queues = 2 * min(num_online_cpus(), PAIRS_MAX);
	struct leap_rdma *rdma = rdma_alloc(server);
	int err;

	if (!rdma)
		return -ENOMEM;
	mutex_lock(&rdma->conn_mutex);
	err = connect_control(rdma, queues);
	if (!err) {
		rdma->granted = min(rdma->control->welcome.queues, queues);
		err = connect_data(rdma);
	}
	mutex_unlock(&rdma->conn_mutex);
	if (err) {
		rdma_free(rdma);
		return err;
	}
	WRITE_ONCE(server->priv, rdma);
	return 0;
}

/*
 * Tells the server how much of its slabs is used, but not for longer than a message
 * may take: next time it goes on from there. Unless the server has to know all, which
 * takes as long as that is of any use.
 */
static int report_usage(struct leap_server *server, u32 epoch, bool before)
{
	struct leap_rdma *rdma = server->priv;
	struct leap_msg_info msg = { .type = LEAP_MSG_SLAB_USAGE };
	unsigned long end = jiffies +
		msecs_to_jiffies(server->session->portal.timeout_ms);
	u32 nr;
	int err = 0;

	guard(mutex)(&rdma->usage_mutex);
	nr = before ? 0 : rdma->report_from;
	while (!err && leap_slab_next_report(server, before, &nr, &msg.slab, &msg.used)) {
		rdma->report_from = nr;
		err = leap_ctrl_send(rdma, epoch, &msg);
		if (leap_server_given_up(server))
			err = -ESHUTDOWN;
		if (!before && time_after(jiffies, end))
			return err;
	}
	rdma->report_from = 0;
	return err;
}

/*
 * If the server has kept what we had, the slabs that we know of are named before
 * anything else is said: it takes back the others.
 */
static int connect_again(struct leap_server *server)
{
	struct leap_rdma *rdma = server->priv;
	bool kept;
	int err;

	err = connect_control(rdma, rdma->granted);
	if (err)
		return err;
	if (rdma->control->welcome.queues < rdma->granted)
		return -EUSERS;
	kept = rdma->control->welcome.flags & LEAP_WELCOME_KEPT;
	leap_slab_server_report(server);
	if (kept)
		err = report_usage(server, rdma->control->epoch, true);
	if (!err)
		err = connect_data(rdma);
	return err ?: kept;
}

/* Nobody else talks to a server that is not in service: leap_server_epoch(). */
static int rdma_reconnect(struct leap_server *server, bool keep)
{
	struct leap_rdma *rdma = server->priv;
	int ret;

	guard(mutex)(&rdma->conn_mutex);
	release(rdma);
	if (!keep)
		rdma->token = 0;
	ret = connect_again(server);
	if (ret < 0)
		release(rdma);
	return ret;
}

static void rdma_disconnect_server(struct leap_server *server)
{
	struct leap_rdma *rdma = server->priv;
	struct leap_msg_info bye = { .type = LEAP_MSG_BYE };

	/* Without it the server finds out by the disconnect, only later. */
	leap_ctrl_send(rdma, READ_ONCE(server->epoch), &bye);
	rdma_free(rdma);
}

static void rdma_abort(struct leap_server *server)
{
	walk_queues(server->priv, leap_queue_stop);
	leap_ctrl_abort(server->priv);
}

static int rdma_slab_get(struct leap_server *server, struct leap_lease *lease)
{
	struct leap_msg_info msg = { .type = LEAP_MSG_SLAB_GET };
	int err = leap_ctrl_call(server->priv, lease->epoch, &msg,
				 LEAP_MSG_SLAB_GRANT);

	if (err)
		return err;
	WRITE_ONCE(server->capacity, msg.capacity);
	if (msg.status != LEAP_STATUS_OK)
		return -ENOSPC;
	lease->remote_id = msg.slab;
	lease->addr = msg.addr;
	lease->rkey = msg.rkey;
	return 0;
}

static void rdma_slab_put(struct leap_server *server, struct leap_lease *lease)
{
	struct leap_rdma *rdma = server->priv;
	struct leap_msg_info msg = {
		.type = LEAP_MSG_SLAB_PUT,
		.slab = lease->remote_id,
	};

	guard(mutex)(&rdma->usage_mutex);
	if (!leap_ctrl_call(rdma, lease->epoch, &msg, LEAP_MSG_SLAB_PUT_DONE))
		WRITE_ONCE(server->capacity, msg.capacity);
	leap_move_forget(lease);
}

static int rdma_ping(struct leap_server *server)
{
	struct leap_msg_info msg = { .type = LEAP_MSG_PING };
	u32 epoch;
	int err;

	if (!leap_server_epoch(server, &epoch))
		return -ENOTCONN;
	err = report_usage(server, epoch, false);
	if (!err)
		err = leap_ctrl_call(server->priv, epoch, &msg, LEAP_MSG_PONG);
	if (!err)
		WRITE_ONCE(server->capacity, msg.capacity);
	return err;
}

static bool rdma_overdue(struct leap_server *server, unsigned int ms)
{
	struct leap_rdma *rdma = server->priv;
	unsigned int i;

	for (i = 0; i < rdma->nr; i++)
		if (leap_queue_overdue(rdma->demand[i], ms) ||
		    leap_queue_overdue(rdma->bulk[i], ms))
			return true;
	return false;
}

const struct leap_transport leap_rdma = {
	.name = "rdma",
	.connect = rdma_connect_server,
	.reconnect = rdma_reconnect,
	.disconnect = rdma_disconnect_server,
	.abort = rdma_abort,
	.slab_get = rdma_slab_get,
	.slab_put = rdma_slab_put,
	.ping = rdma_ping,
	.submit = leap_rdma_submit,
	.flush = leap_rdma_flush,
	.poll = leap_rdma_poll,
	.overdue = rdma_overdue,
};
