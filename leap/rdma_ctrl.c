// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on the control queue: one call at a time, each with a bound.
 *
 * There is one buffer to send from, so a message that has not been sent when
 * the time is up means that the server is lost, and that nothing else is sent on
 * that connection; so does an answer that does not come or makes no sense. When
 * the server is lost for another reason, whoever waits for it goes on at once. A
 * message is for one connection and never sent on a later one, for which slabs may
 * have other numbers: hence the epoch.
 *
 * Receives are reposted as they complete. A server sends one answer at a time, as
 * it is asked no more, and beside that nothing but recalls, of which no more than
 * LEAP_RECALLS_MAX are under way: there are always receives enough.
 */
#include "rdma.h"

static void sent(struct ib_cq *cq, struct ib_wc *wc)
{
	struct leap_ctrl_buf *buf =
		container_of(wc->wr_cqe, struct leap_ctrl_buf, cqe);

	if (wc->status != IB_WC_SUCCESS)
		leap_server_fail(buf->rdma->server,
				 ib_wc_status_msg(wc->status), -EIO);
	complete(&buf->rdma->ctrl.sent);
}

static int post_receive(struct leap_queue *queue, struct leap_ctrl_buf *buf)
{
	struct ib_sge sge = {
		.addr = buf->dma,
		.length = sizeof(*buf->wire),
		.lkey = buf->rdma->pd->local_dma_lkey,
	};
	struct ib_recv_wr wr = {
		.wr_cqe = &buf->cqe,
		.sg_list = &sge,
		.num_sge = 1,
	};
	unsigned long flags;
	int err = -ENOTCONN;

	spin_lock_irqsave(&queue->lock, flags);
	if (!queue->dead) {
		ib_dma_sync_single_for_device(buf->rdma->pd->device, buf->dma,
					      sizeof(*buf->wire),
					      DMA_FROM_DEVICE);
		err = ib_post_recv(queue->id->qp, &wr, NULL);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return err;
}

/* An answer, if it is to the call that waits; a late one has no taker. */
static void answered(struct leap_ctrl *ctrl, const struct leap_msg_info *msg)
{
	unsigned long flags;

	spin_lock_irqsave(&ctrl->lock, flags);
	if (ctrl->seq && ctrl->seq == msg->seq) {
		ctrl->reply = *msg;
		ctrl->seq = 0;
		complete(&ctrl->replied);
	}
	spin_unlock_irqrestore(&ctrl->lock, flags);
}

static void received(struct ib_cq *cq, struct ib_wc *wc)
{
	struct leap_ctrl_buf *buf =
		container_of(wc->wr_cqe, struct leap_ctrl_buf, cqe);
	struct leap_rdma *rdma = buf->rdma;
	struct leap_msg_info msg;
	int err;

	if (wc->status != IB_WC_SUCCESS) {
		leap_server_fail(rdma->server, ib_wc_status_msg(wc->status),
				 -EIO);
		return;
	}
	ib_dma_sync_single_for_cpu(rdma->pd->device, buf->dma,
				   sizeof(*buf->wire), DMA_FROM_DEVICE);
	err = leap_msg_decode(buf->wire, wc->byte_len, &msg);
	if (err) {
		leap_server_fail(rdma->server, "it sends nonsense", err);
		return;
	}
	if (msg.type == LEAP_MSG_SLAB_RECALL && !msg.seq)
		leap_move_recall(rdma->server, rdma->control->epoch, msg.slab);
	else
		answered(&rdma->ctrl, &msg);
	err = post_receive(rdma->control, buf);
	if (err && err != -ENOTCONN)
		leap_server_fail(rdma->server, "cannot post a receive", err);
}

/* Under ctrl->mutex. */
static int transmit(struct leap_rdma *rdma, u32 epoch,
		    const struct leap_msg_info *msg)
{
	struct leap_ctrl_buf *tx = &rdma->ctrl.tx;
	struct leap_queue *queue = rdma->control;
	struct ib_sge sge = {
		.addr = tx->dma,
		.length = sizeof(*tx->wire),
	};
	struct ib_send_wr wr = {
		.wr_cqe = &tx->cqe,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IB_WR_SEND,
		.send_flags = IB_SEND_SIGNALED,
	};
	unsigned long flags;
	int err = -ENOTCONN;

	lockdep_assert_held(&rdma->ctrl.mutex);
	/* Its device may be gone. */
	if (READ_ONCE(queue->dead) || queue->epoch != epoch || rdma->ctrl.stuck)
		return -ENOTCONN;
	sge.lkey = rdma->pd->local_dma_lkey;
	ib_dma_sync_single_for_cpu(rdma->pd->device, tx->dma,
				   sizeof(*tx->wire), DMA_TO_DEVICE);
	leap_msg_encode(msg, tx->wire);
	ib_dma_sync_single_for_device(rdma->pd->device, tx->dma,
				      sizeof(*tx->wire), DMA_TO_DEVICE);
	reinit_completion(&rdma->ctrl.sent);
	spin_lock_irqsave(&queue->lock, flags);
	if (!queue->dead)
		err = ib_post_send(queue->id->qp, &wr, NULL);
	spin_unlock_irqrestore(&queue->lock, flags);
	return err;
}

static unsigned long deadline(struct leap_rdma *rdma)
{
	return msecs_to_jiffies(rdma->server->session->portal.timeout_ms);
}

/* Under ctrl->mutex. */
static int wait_for(struct leap_rdma *rdma, struct completion *what)
{
	unsigned long left = wait_for_completion_timeout(what, deadline(rdma));

	if (READ_ONCE(rdma->control->dead))
		return -ENOTCONN;
	return left ? 0 : -ETIMEDOUT;
}

static int transmit_and_wait(struct leap_rdma *rdma, u32 epoch,
			     const struct leap_msg_info *msg)
{
	int err = transmit(rdma, epoch, msg);

	if (!err) {
		err = wait_for(rdma, &rdma->ctrl.sent);
		rdma->ctrl.stuck = err;
	}
	if (err && err != -ENOTCONN)
		leap_server_fail(rdma->server, "cannot send it a message", err);
	return err;
}

/**
 * leap_ctrl_send - send a message that has no answer
 * @rdma: to whom
 * @epoch: of the connection that it is for
 * @msg: what; its seq is filled in
 *
 * May sleep, bounded by the session's timeout.
 *
 * Return: 0 when it has been sent; -ETIMEDOUT, -ENOTCONN, -EIO.
 */
int leap_ctrl_send(struct leap_rdma *rdma, u32 epoch, struct leap_msg_info *msg)
{
	guard(mutex)(&rdma->ctrl.mutex);
	msg->seq = ++rdma->ctrl.last_seq;
	return transmit_and_wait(rdma, epoch, msg);
}

/**
 * leap_ctrl_call - send a message and wait for the answer
 * @rdma: to whom
 * @epoch: of the connection that it is for
 * @msg: what; its seq is filled in, and then the answer replaces it
 * @answer: the type that the answer must have
 *
 * May sleep, bounded by twice the session's timeout.
 *
 * Return: 0; -ETIMEDOUT, -ENOTCONN, -EIO, -EPROTO. The server is lost then.
 */
int leap_ctrl_call(struct leap_rdma *rdma, u32 epoch, struct leap_msg_info *msg,
		   u16 answer)
{
	struct leap_ctrl *ctrl = &rdma->ctrl;
	unsigned long flags;
	int err;

	guard(mutex)(&ctrl->mutex);
	msg->seq = ++ctrl->last_seq;
	reinit_completion(&ctrl->replied);
	spin_lock_irqsave(&ctrl->lock, flags);
	ctrl->seq = msg->seq;
	spin_unlock_irqrestore(&ctrl->lock, flags);

	err = transmit_and_wait(rdma, epoch, msg);
	if (!err)
		err = wait_for(rdma, &ctrl->replied);

	spin_lock_irqsave(&ctrl->lock, flags);
	ctrl->seq = 0;
	*msg = ctrl->reply;
	spin_unlock_irqrestore(&ctrl->lock, flags);
	if (!err && msg->type != answer)
		err = -EPROTO;
	if (err && err != -ENOTCONN)
		leap_server_fail(rdma->server, "no answer to a message", err);
	return err;
}

/**
 * leap_ctrl_abort - nobody waits for the server any more
 * @rdma: with its control queue dead
 */
void leap_ctrl_abort(struct leap_rdma *rdma)
{
	complete_all(&rdma->ctrl.sent);
	complete_all(&rdma->ctrl.replied);
}

static int buf_init(struct leap_rdma *rdma, struct leap_ctrl_buf *buf,
		    void (*done)(struct ib_cq *cq, struct ib_wc *wc),
		    enum dma_data_direction dir)
{
	buf->rdma = rdma;
	buf->cqe.done = done;
	buf->wire = kzalloc(sizeof(*buf->wire), GFP_KERNEL);
	if (!buf->wire)
		return -ENOMEM;
	buf->dma = ib_dma_map_single(rdma->pd->device, buf->wire,
				     sizeof(*buf->wire), dir);
	if (ib_dma_mapping_error(rdma->pd->device, buf->dma)) {
		kfree(buf->wire);
		buf->wire = NULL;
		return -EIO;
	}
	return 0;
}

static void buf_exit(struct leap_ctrl_buf *buf, enum dma_data_direction dir)
{
	if (!buf->wire)
		return;
	ib_dma_unmap_single(buf->rdma->pd->device, buf->dma,
			    sizeof(*buf->wire), dir);
	kfree(buf->wire);
	buf->wire = NULL;
}

/* leap_ctrl_exit() is needed in each case. */
static int make_bufs(struct leap_rdma *rdma)
{
	struct leap_ctrl *ctrl = &rdma->ctrl;
	int i, err;

	err = buf_init(rdma, &ctrl->tx, sent, DMA_TO_DEVICE);
	for (i = 0; !err && i < LEAP_CTRL_DEPTH; i++)
		err = buf_init(rdma, &ctrl->rx[i], received, DMA_FROM_DEVICE);
	return err;
}

/**
 * leap_ctrl_listen - post all receives
 * @queue: the control queue, not connected yet
 *
 * Return: 0 or a negative errno.
 */
int leap_ctrl_listen(struct leap_queue *queue)
{
	struct leap_ctrl *ctrl = &queue->rdma->ctrl;
	int err, i;

	scoped_guard(mutex, &ctrl->mutex)
		ctrl->stuck = false;
	err = make_bufs(queue->rdma);
	for (i = 0; !err && i < LEAP_CTRL_DEPTH; i++)
		err = post_receive(queue, &ctrl->rx[i]);
	return err;
}

/**
 * leap_ctrl_init - prepare for messages
 * @rdma: whose
 */
void leap_ctrl_init(struct leap_rdma *rdma)
{
	mutex_init(&rdma->ctrl.mutex);
	spin_lock_init(&rdma->ctrl.lock);
	init_completion(&rdma->ctrl.sent);
	init_completion(&rdma->ctrl.replied);
}

/**
 * leap_ctrl_exit - free the buffers; the control queue is closed
 * @rdma: whose
 */
void leap_ctrl_exit(struct leap_rdma *rdma)
{
	int i;

	buf_exit(&rdma->ctrl.tx, DMA_TO_DEVICE);
	for (i = 0; i < LEAP_CTRL_DEPTH; i++)
		buf_exit(&rdma->ctrl.rx[i], DMA_FROM_DEVICE);
}
