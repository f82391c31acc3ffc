// SPDX-License-Identifier: GPL-2.0
/*
 * Messages on a client's control queue.
 *
 * Nothing that comes from a client is believed before it has been decoded. A
 * client that sends nonsense is dropped, and nobody else notices.
 */
#include "leapd.h"

#include <errno.h>
#include <rdma/rdma_verbs.h>
#include <stdlib.h>
#include <string.h>

/* Completions of sends have this bit, and the message's number below it. */
#define WR_SEND		0x100

/* The completion of a probe. */
#define WR_PROBE	0x200

static int post_receive(struct client *client, unsigned int i)
{
	return rdma_post_recv(client->control->id, (void *)(uintptr_t)i,
			      &client->buffers[i], sizeof(client->buffers[i]),
			      client->buffers_mr);
}

/**
 * control_send - send a message
 * @client: to whom; it is dropped if that fails, and then gone
 * @msg: what
 */
void control_send(struct client *client, const struct leap_msg_info *msg)
{
	unsigned int i = 0;
	struct leap_msg *buffer;

	if (!client->control)	/* it is away */
		return;
	while (i < CTRL_ANSWERS && client->tx_busy & 1U << i)
		i++;
	if (i == CTRL_ANSWERS) {
		client_drop(client, "it asks faster than it reads answers");
		return;
	}
	buffer = &client->buffers[LEAP_CTRL_DEPTH + i];
	leap_msg_encode(msg, buffer);
	client->tx_busy |= 1U << i;
	if (rdma_post_send(client->control->id,
			   (void *)(uintptr_t)(WR_SEND | i), buffer,
			   sizeof(*buffer), client->buffers_mr,
			   IBV_SEND_SIGNALED))
		client_lost(client, "cannot send to it");
}

/**
 * control_probe - find out whether a client's machine is still there
 * @client: which; it is dropped if it has not answered the last probe
 *
 * Its network adapter answers an empty write by itself, so that a client need
 * not say anything, nor have time to. How often that is repeated when there is
 * no answer is the client's choice, and can be for ever.
 */
void control_probe(struct client *client)
{
	struct ibv_send_wr wr = {
		.wr_id = WR_PROBE,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (client->probing) {
		client_lost(client, "its machine does not answer");
		return;
	}
	client->probing = true;
	if (ibv_post_send(client->control->id->qp, &wr, &bad))
		client_lost(client, "cannot send to it");
}

/**
 * control_granted - answer a SLAB_GET
 * @client: who has asked
 * @seq: of the question
 * @slab: what it gets, or NULL
 * @status: why not
 */
void control_granted(struct client *client, uint64_t seq, struct slab *slab,
		     enum leap_msg_status status)
{
	struct leap_msg_info msg = {
		.type = LEAP_MSG_SLAB_GRANT,
		.status = status,
		.seq = seq,
		.capacity = slab_capacity(client),
	};

	if (slab) {
		msg.slab = slab->id;
		msg.addr = (uintptr_t)slab->memory;
		msg.rkey = slab->mr->rkey;
		event(client, "slab-lent", "slab %u", slab->id);
	} else {
		event(client, "slab-refused", "%s", status == LEAP_STATUS_DEVICE ?
		      "the device cannot register it" : "no memory to lend");
	}
	control_send(client, &msg);
}

static void put_done(struct client *client, uint64_t seq, uint32_t slab,
		     enum leap_msg_status status)
{
	struct leap_msg_info answer = {
		.type = LEAP_MSG_SLAB_PUT_DONE,
		.status = status,
		.seq = seq,
		.slab = slab,
		.capacity = slab_capacity(client),
	};

	event(client, status ? "slab-unknown" : "slab-returned", "slab %u", slab);
	control_send(client, &answer);
}

/**
 * control_returned - answer a SLAB_PUT
 * @client: who gave the slab back
 * @seq: of its message
 * @slab: number of the slab, which is gone
 */
void control_returned(struct client *client, uint64_t seq, uint32_t slab)
{
	put_done(client, seq, slab, LEAP_STATUS_OK);
}

/**
 * control_recall - ask for a slab
 * @client: who has it; it is dropped if that cannot be sent, and then gone
 * @slab: number of the slab
 * @seconds: until when
 */
void control_recall(struct client *client, uint32_t slab, uint32_t seconds)
{
	const struct leap_msg_info msg = {
		.type = LEAP_MSG_SLAB_RECALL,
		.slab = slab,
		.seconds = seconds,
	};

	control_send(client, &msg);
}

static void note_usage(struct client *client, const struct leap_msg_info *msg)
{
	struct slab *slab = slab_find(client, msg->slab);

	if (!slab || msg->used > account.slab >> client->hello.page_shift) {
		client_drop(client, "it reports usage that cannot be");
		return;
	}
	slab->used = msg->used;
	slab->named = true;
}

static void pong(struct client *client, const struct leap_msg_info *msg)
{
	struct leap_msg_info answer = {
		.type = LEAP_MSG_PONG,
		.seq = msg->seq,
		.capacity = slab_capacity(client),
	};

	control_send(client, &answer);
}

/* A client that has to prove itself says something; it may be gone afterwards. */
static void examine(struct client *client, const struct leap_msg_info *msg)
{
	struct leap_msg_info answer;

	if (client->denied)	/* it is being told so */
		return;
	switch (auth_hear(&client->auth, &options.key, msg, &answer)) {
	case AUTH_ADMITTED:
		if (!client_admit(client))
			return;
		break;
	case AUTH_DENIED:
		event(client, "client-denied", "it does not know the key");
		client->denied = true;
		break;
	case AUTH_GO_ON:
		break;
	case AUTH_OFFENCE:
		client_drop(client, "it has to prove first that it knows the key");
		return;
	}
	control_send(client, &answer);
}

/*
 * The client may be gone afterwards. One of its jobs is that we look at it; the
 * rest are questions that wait for an answer.
 */
static void handle(struct client *client, const struct leap_msg_info *msg)
{
	if (!client->admitted) {
		examine(client, msg);
		return;
	}
	if (client->jobs - client->unasked > LEAP_CTRL_DEPTH) {
		client_drop(client, "it asks faster than it reads answers");
		return;
	}
	if (client->reconciling && msg->type != LEAP_MSG_SLAB_USAGE)
		reconcile(client);
	if (client->gone || !client->control)
		return;
	switch (msg->type) {
	case LEAP_MSG_SLAB_GET:
		if (slab_lend(client, msg->seq))
			control_granted(client, msg->seq, NULL,
					LEAP_STATUS_NO_MEMORY);
		break;
	case LEAP_MSG_SLAB_PUT:
		if (!slab_return(client, msg->slab, msg->seq))
			put_done(client, msg->seq, msg->slab,
				 LEAP_STATUS_NO_SLAB);
		break;
	case LEAP_MSG_SLAB_USAGE:
		note_usage(client, msg);
		break;
	case LEAP_MSG_PING:
		pong(client, msg);
		break;
	case LEAP_MSG_BYE:
		client_drop(client, "it says goodbye");
		break;
	default:
		client_drop(client, "it sends what has no place here");
	}
}

/* False if the client is gone. */
static bool completed(struct client *client, const struct ibv_wc *wc)
{
	struct leap_msg_info msg;
	unsigned int i = wc->wr_id & (WR_SEND - 1);
	struct conn *control = client->control;

	if (wc->status != IBV_WC_SUCCESS) {
		client_lost(client, ibv_wc_status_str(wc->status));
		return false;
	}
	if (wc->wr_id == WR_PROBE) {
		client->probing = false;
		return true;
	}
	if (wc->wr_id & WR_SEND) {
		client->tx_busy &= ~(1U << i);
		if (!client->denied || client->tx_busy)
			return true;
		client_drop(client, "it does not know the key");
		return false;
	}
	/* A write with an immediate number takes a receive but fills in nothing. */
	if (wc->opcode != IBV_WC_RECV ||
	    leap_msg_decode(&client->buffers[i], wc->byte_len, &msg)) {
		client_drop(client, "it sends nonsense");
		return false;
	}
	/* The buffer is free again before the answer can bring a question. */
	if (post_receive(client, i)) {
		client_drop(client, "cannot post a receive");
		return false;
	}
	client_established(control);
	handle(client, &msg);
	return !client->gone && client->control == control;
}

/*
 * Looks at no more completions than there were room for when the queue was
 * armed. For what came later there is another event, and whoever asks without
 * a pause waits for that like all others.
 */
static void readable(struct source *source)
{
	struct conn *conn = (struct conn *)source;
	struct client *client = conn->client;
	struct ibv_wc wc;
	struct ibv_cq *cq;
	void *context;
	bool alive = true;
	int i;

	if (ibv_get_cq_event(conn->channel, &cq, &context))
		return;
	ibv_ack_cq_events(cq, 1);
	if (ibv_req_notify_cq(cq, 0)) {
		client_drop(client, "cannot arm its completion queue");
		return;
	}
	client->jobs++;		/* keeps it while we look at it */
	for (i = 0; alive && i < CTRL_COMPLETIONS && ibv_poll_cq(cq, 1, &wc) > 0; i++)
		alive = completed(client, &wc);
	client_job_done(client);
}

/**
 * control_init - buffers and receives of a control queue
 * @client: whose
 * @conn: the queue, with its queue pair but not accepted yet
 *
 * Return: 0 or a negative errno; control_exit() is needed in each case.
 */
int control_init(struct client *client, struct conn *conn)
{
	const size_t nr = LEAP_CTRL_DEPTH + CTRL_ANSWERS;
	unsigned int i;

	client->control = conn;
	client->buffers = calloc(nr, sizeof(*client->buffers));
	if (!client->buffers)
		return -ENOMEM;
	client->buffers_mr = ibv_reg_mr(client->pd, client->buffers,
					nr * sizeof(*client->buffers),
					IBV_ACCESS_LOCAL_WRITE);
	if (!client->buffers_mr)
		return -errno;
	for (i = 0; i < LEAP_CTRL_DEPTH; i++)
		if (post_receive(client, i))
			return -errno;
	if (ibv_req_notify_cq(conn->cq, 0))
		return -EIO;
	conn->source.fd = conn->channel->fd;
	conn->source.ready = readable;
	return loop_add(&conn->source) ? -errno : 0;
}

/**
 * control_exit - the reverse; the queue pair is gone
 * @client: whose
 */
void control_exit(struct client *client)
{
	if (client->buffers_mr)
		ibv_dereg_mr(client->buffers_mr);
	free(client->buffers);
}
