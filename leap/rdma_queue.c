// SPDX-License-Identifier: GPL-2.0
/*
 * One queue: how it is connected and how it is taken down.
 *
 * Normal operation. leap_queue_create() drives the connection from process
 * context, one step at a time, and waits for the connection manager's event
 * after each; handle_event() only notes what has come and wakes it.
 *
 * Recovery. Whoever notices that a queue is broken calls leap_server_fail(),
 * whose work ends up in leap_queue_stop(). The order there matters:
 *	dead		nothing is posted any more (queue->lock)
 *	destroy QP	the device does not touch the requests' pages any more
 *	synchronize	nobody polls the completion queue (leap_rdma_poll())
 *	disable work	nor does the softirq
 *	fail all	whatever has had no completion ends with an error
 * It runs on leap_wq and allocates nothing that reclaim could wait for. The
 * connection itself is destroyed when the next one is made, with the session, or
 * when its device is removed: the connection manager's work queues have no rescuer,
 * so reclaim must never wait for them.
 *
 * A queue that is connected again is the same struct leap_queue, dead until then.
 */
#include "rdma.h"

/* Completions that are handled in one go before others get a turn. */
#define POLL_BATCH	8
#define POLL_BUDGET	256

/* Requests under way on a data queue that we ask for. */
#define QUEUE_DEPTH	128

/* How often who waits for a connection looks whether it is wanted still. */
#define GIVE_UP_TICK	max(HZ / 10, 1)

/* RDMA reads under way on one queue pair; few devices can do more. */
#define READS_MAX	16

/**
 * leap_queue_poll - handle some completions
 * @queue: whose
 *
 * May run at the same time on several CPUs. Softirqs may be on or off.
 *
 * Return: how many there were.
 */
int leap_queue_poll(struct leap_queue *queue)
{
	struct ib_wc wc[POLL_BATCH];
	int i, nr = ib_poll_cq(queue->cq, POLL_BATCH, wc);

	for (i = 0; i < nr; i++)
		wc[i].wr_cqe->done(queue->cq, &wc[i]);
	return nr;
}

static void poll_work(struct work_struct *work)
{
	struct leap_queue *queue = container_of(work, struct leap_queue, work);
	int done = 0, nr;

	do {
		while ((nr = leap_queue_poll(queue)) > 0) {
			done += nr;
			if (done >= POLL_BUDGET) {
				queue_work(system_bh_wq, work);
				return;
			}
		}
	} while (ib_req_notify_cq(queue->cq, IB_CQ_NEXT_COMP |
				  IB_CQ_REPORT_MISSED_EVENTS) > 0);
}

static void completion_handler(struct ib_cq *cq, void *context)
{
	struct leap_queue *queue = context;

	queue_work(system_bh_wq, &queue->work);
}

static void async_error(struct ib_event *event, void *context)
{
	struct leap_queue *queue = context;

	leap_server_fail(queue->rdma->server, ib_event_msg(event->event), -EIO);
}

/* The server has said no: why? */
static int refused(struct leap_queue *queue, struct rdma_cm_event *event)
{
	struct leap_server *server = queue->rdma->server;
	struct leap_refusal_info info;
	const void *data;
	u8 len = 0;
	int err;

	data = rdma_consumer_reject_data(queue->id, event, &len);
	/* iWARP: nobody listens, and a listener says no, look alike but for this. */
	if (!data && rdma_protocol_iwarp(queue->id->device, queue->id->port_num)) {
		data = event->param.conn.private_data;
		len = event->param.conn.private_data_len;
	}
	if (!len)
		return -ECONNREFUSED;
	err = leap_refusal_decode(data, len, &info);
	if (err)
		return err == -EPROTOTYPE ? err : -EPROTO;
	strscpy(server->why, info.text);
	return leap_refusal_errno(info.code);
}

static int welcomed(struct leap_queue *queue, struct rdma_conn_param *conn)
{
	int err = leap_welcome_decode(conn->private_data,
				      conn->private_data_len, &queue->welcome);

	if (err)
		return err == -EPROTOTYPE ? err : -EPROTO;
	queue->established = true;
	return 0;
}

/*
 * Whoever removes a device waits for its connections to go. While they are being
 * made, leap_server_create() sees to that itself.
 */
static void lost(struct leap_queue *queue, enum rdma_cm_event_type event)
{
	struct leap_server *server = queue->rdma->server;

	/* After its end it says nothing about a later connection. */
	if (queue->established && !READ_ONCE(queue->dead))
		leap_server_fail(server, rdma_event_msg(event), -ECONNRESET);
	if (event == RDMA_CM_EVENT_DEVICE_REMOVAL && READ_ONCE(server->priv))
		queue_work(system_unbound_wq, &queue->rdma->removal);
}

/* Returning 0 leaves the id to us in every case. */
static int handle_event(struct rdma_cm_id *id, struct rdma_cm_event *event)
{
	struct leap_queue *queue = id->context;

	switch (event->event) {
	case RDMA_CM_EVENT_ADDR_RESOLVED:
	case RDMA_CM_EVENT_ROUTE_RESOLVED:
		queue->status = 0;
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		queue->status = welcomed(queue, &event->param.conn);
		break;
	case RDMA_CM_EVENT_REJECTED:
		queue->status = refused(queue, event);
		break;
	case RDMA_CM_EVENT_ADDR_ERROR:
	case RDMA_CM_EVENT_ROUTE_ERROR:
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
		queue->status = event->status < 0 ? event->status : -EHOSTUNREACH;
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		queue->status = -ECONNRESET;
		lost(queue, event->event);
		break;
	/* An address that moves to another port does not end a connection. */
	default:
		return 0;
	}
	complete(&queue->event);
	return 0;
}

/* Wait for the event that the last step brings. */
static int step(struct leap_queue *queue, int err)
{
	struct leap_server *server = queue->rdma->server;
	/* The connection manager has timeouts of its own; let it speak first. */
	unsigned long end = jiffies +
		msecs_to_jiffies(2 * server->session->portal.timeout_ms);

	if (err)
		return err;
	if (time_after(end, queue->rdma->connect_by))
		end = queue->rdma->connect_by;
	while (!wait_for_completion_timeout(&queue->event, GIVE_UP_TICK)) {
		if (leap_server_given_up(server))
			return -ESHUTDOWN;
		if (fatal_signal_pending(current))
			return -EINTR;
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
	}
	return queue->status;
}

static int resolve(struct leap_queue *queue)
{
	struct leap_server *server = queue->rdma->server;
	unsigned int ms = server->session->portal.timeout_ms;
	struct sockaddr_storage to = {};
	int err;

	if (server->addr.family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&to;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(server->addr.port);
		memcpy(&in6->sin6_addr, server->addr.addr, 16);
	} else {
		struct sockaddr_in *in = (struct sockaddr_in *)&to;

		in->sin_family = AF_INET;
		in->sin_port = htons(server->addr.port);
		memcpy(&in->sin_addr, server->addr.addr, 4);
	}
	err = step(queue, rdma_resolve_addr(queue->id, NULL,
					    (struct sockaddr *)&to, ms));
	if (err == -ENODEV || (!err && !queue->id->device))
		return -ENXIO;
	if (err)
		return err;
	return step(queue, rdma_resolve_route(queue->id, ms));
}

/*
 * When packets are lost, rxe of Linux 6.12 can end a read whose answer is not the one
 * it has expected with a status of success: check_ack() in rxe_comp.c returns
 * COMPST_ERROR and sets no status, which rxe_completer() warns about once. So no page
 * that it has read is believed without its checksum, unless the portal says so. The
 * checksums must be kept from the first slab on.
 */
static int check_device(const struct leap_queue *queue)
{
	struct leap_session *session = queue->rdma->server->session;

	if (queue->id->device->ops.driver_id != RDMA_DRIVER_RXE ||
	    session->portal.verify || session->portal.verify_given)
		return 0;
	if (READ_ONCE(session->map.top))
		return -EMEDIUMTYPE;
	WRITE_ONCE(session->portal.verify, true);
	return 0;
}

/* All queues share the protection domain that the first one has made. */
static int set_up_pd(struct leap_queue *queue)
{
	struct leap_rdma *rdma = queue->rdma;
	struct ib_pd *pd;
	int err;

	if (rdma->pd)
		return rdma->pd->device == queue->id->device ? 0 : -EXDEV;
	err = check_device(queue);
	if (err)
		return err;
	pd = ib_alloc_pd(queue->id->device, 0);
	if (IS_ERR(pd))
		return PTR_ERR(pd);
	rdma->pd = pd;
	return leap_rdma_sink_init(rdma);
}

static int receives_of(const struct leap_queue *queue)
{
	return queue->role == LEAP_ROLE_CONTROL ? LEAP_CTRL_DEPTH : 1;
}

/* The queue comes to life: from now on it has to be stopped. */
static int set_up_cq(struct leap_queue *queue, unsigned int vector)
{
	struct ib_device *device = queue->id->device;
	struct ib_cq_init_attr attr = {
		/* Up to two work requests for each of ours: see rdma_io.c. */
		.cqe = 2 * queue->depth + receives_of(queue) + 1,
		.comp_vector = vector % device->num_comp_vectors,
	};
	struct ib_cq *cq = ib_create_cq(device, completion_handler, async_error,
					queue, &attr);

	if (IS_ERR(cq))
		return PTR_ERR(cq);
	queue->cq = cq;
	enable_work(&queue->work);
	spin_lock_irq(&queue->lock);
	queue->epoch = READ_ONCE(queue->rdma->server->epoch);
	smp_store_release(&queue->dead, false);	/* leap_rdma_poll() */
	spin_unlock_irq(&queue->lock);
	return 0;
}

static int set_up_qp(struct leap_queue *queue, unsigned int vector)
{
	struct ib_device *device = queue->id->device;
	bool control = queue->role == LEAP_ROLE_CONTROL;
	int receives = receives_of(queue);
	int room = min(device->attrs.max_qp_wr / 2 - 1,
		       device->attrs.max_cqe / 2 - receives - 1);
	struct ib_qp_init_attr attr = {};
	int err;

	if (room < 1)
		return -ENOSPC;
	queue->depth = min_t(unsigned int, queue->depth, room);
	if (!control)
		queue->merge = clamp(min(device->attrs.max_sge_rd,
					 device->attrs.max_send_sge),
				     1, LEAP_MERGE_MAX);
	queue->confirm = rdma_protocol_iwarp(device, queue->id->port_num);
	queue->confirm_cqe.done = leap_rdma_write_done;
	err = set_up_cq(queue, vector);
	if (err)
		return err;
	attr.event_handler = async_error;
	attr.qp_context = queue;
	attr.send_cq = queue->cq;
	attr.recv_cq = queue->cq;
	attr.sq_sig_type = IB_SIGNAL_REQ_WR;
	attr.qp_type = IB_QPT_RC;
	attr.cap.max_send_wr = 2 * queue->depth + 1;
	attr.cap.max_recv_wr = receives;
	attr.cap.max_send_sge = queue->merge;
	attr.cap.max_recv_sge = 1;
	err = rdma_create_qp(queue->id, queue->rdma->pd, &attr);
	if (err)
		return err;
	if (ib_req_notify_cq(queue->cq, IB_CQ_NEXT_COMP) < 0)
		return -EIO;
	return control ? leap_ctrl_listen(queue) : 0;
}

static u8 flags_of(const struct leap_rdma *rdma)
{
	return LEAP_HELLO_KEEP | (rdma->server->session->key ? LEAP_HELLO_KEY : 0);
}

static int shake_hands(struct leap_queue *queue, unsigned int queues)
{
	struct leap_rdma *rdma = queue->rdma;
	bool control = queue->role == LEAP_ROLE_CONTROL;
	struct leap_hello_info hello = {
		.version = LEAP_PROTO_VERSION,
		.role = queue->role,
		.page_shift = PAGE_SHIFT,
		.slab_shift = rdma->server->session->slab_shift,
		.flags = control ? flags_of(rdma) : 0,
		.queues = queues,
		.depth = queue->depth,
		.token = rdma->token,
	};
	struct rdma_conn_param conn = {};
	struct leap_hello wire;

	memcpy(hello.client_id, rdma->client_id, sizeof(hello.client_id));
	if (control)
		rdma->hello = hello;
	leap_hello_encode(&hello, &wire);
	conn.private_data = &wire;
	conn.private_data_len = sizeof(wire);
	conn.initiator_depth = min(queue->id->device->attrs.max_qp_init_rd_atom,
				   READS_MAX);
	conn.retry_count = 7;
	conn.rnr_retry_count = 7;
	return step(queue, rdma_connect(queue->id, &conn));
}

static struct leap_queue *queue_alloc(struct leap_rdma *rdma, enum leap_role role)
{
	struct leap_queue *queue = kzalloc(sizeof(*queue), GFP_KERNEL);

	if (!queue)
		return NULL;
	queue->rdma = rdma;
	queue->role = role;
	queue->dead = true;
	INIT_WORK(&queue->work, poll_work);
	disable_work(&queue->work);
	init_completion(&queue->event);
	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->inflight);
	INIT_LIST_HEAD(&queue->pending);
	return queue;
}

/**
 * leap_queue_create - connect one queue
 * @place: where it is kept, even if it fails; one that is there has been let go,
 *	and is used again
 * @rdma: whose
 * @role: what for
 * @vector: which completion vector, modulo the device's number of them
 * @queues: how many data queues to ask the server for
 *
 * Return: 0, or an error; then the server's why may be filled in.
 */
int leap_queue_create(struct leap_queue **place, struct leap_rdma *rdma,
		      enum leap_role role, unsigned int vector,
		      unsigned int queues)
{
	struct leap_queue *queue = *place ?: queue_alloc(rdma, role);
	struct rdma_cm_id *id;
	int err;

	if (!queue)
		return -ENOMEM;
	*place = queue;
	queue->merge = 1;
	queue->depth = role == LEAP_ROLE_CONTROL ? QUEUE_DEPTH :
		       min_t(u32, rdma->control->welcome.depth, QUEUE_DEPTH);
	queue->status = 0;
	queue->established = false;
	reinit_completion(&queue->event);
	id = rdma_create_id(rdma->net, handle_event, queue, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return PTR_ERR(id);
	queue->id = id;
	err = resolve(queue);
	if (!err)
		err = set_up_pd(queue);
	if (!err)
		err = set_up_qp(queue, vector);
	if (!err)
		err = shake_hands(queue, queues);
	return err;
}

/**
 * leap_queue_stop - no more I/O; every request ends, if need be with an error
 * @queue: which; may be stopped already
 *
 * Process context. May sleep, but waits for nothing that needs memory.
 */
void leap_queue_stop(struct leap_queue *queue)
{
	unsigned long flags;
	bool was_dead;

	might_sleep();
	spin_lock_irqsave(&queue->lock, flags);
	was_dead = queue->dead;
	queue->dead = true;
	spin_unlock_irqrestore(&queue->lock, flags);
	if (was_dead)
		return;
	if (queue->id && queue->id->qp)
		rdma_destroy_qp(queue->id);
	synchronize_rcu();
	disable_work_sync(&queue->work);	/* a late interrupt changes nothing */
	leap_rdma_fail_all(queue);
}

/**
 * leap_queue_close - disconnect; nothing but the connection stays
 * @queue: which; nobody submits to it any more, nor stops it
 *
 * Not from reclaim.
 */
void leap_queue_close(struct leap_queue *queue)
{
	if (queue->established && !queue->dead)
		rdma_disconnect(queue->id);
	leap_queue_stop(queue);
	if (queue->cq)
		ib_destroy_cq(queue->cq);
	queue->cq = NULL;
}

/**
 * leap_queue_disown - the connection goes, too
 * @queue: which; closed
 *
 * Not from reclaim.
 */
void leap_queue_disown(struct leap_queue *queue)
{
	if (queue->id)
		rdma_destroy_id(queue->id);
	queue->id = NULL;
}
