/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An RDMA device and connection manager that are nowhere but here, so that all of
 * leapd that handles clients runs in a test: this has the functions of
 * libibverbs and librdmacm that it calls, and the client's end of connections.
 *
 * A message that a peer sends is a completion at leapd's end at once; one that
 * leapd sends waits for peer_receive(). pump() lets leapd handle what there is.
 */
#ifndef FAKE_VERBS_H
#define FAKE_VERBS_H

#include <arpa/inet.h>
#include <poll.h>
#include <rdma/rdma_verbs.h>
#include <stdlib.h>

#include "daemon/leapd.h"

#define PEER_ITEMS	128
#define SOURCES_MAX	128

/**
 * struct peer - a connection, as its client sees it
 * @id: leapd's end
 * @said: its hello
 * @verdict: what leapd has said to the hello
 * @welcome: if it was welcome
 * @refusal: or why not
 * @gone: leapd has disconnected it
 * @slow: what leapd sends has arrived, but leapd does not hear of it until
 *	peer_acknowledge()
 */
struct peer {
	struct rdma_cm_id id;
	struct ibv_qp qp;
	struct leap_hello_info said;
	enum { UNHEARD, WELCOME, REFUSED } verdict;
	struct leap_welcome_info welcome;
	struct leap_refusal_info refusal;
	bool gone, destroyed, slow;
	uint64_t unheard[PEER_ITEMS];
	unsigned int nr_unheard;
	struct { uint64_t wr_id; void *buffer; } receives[PEER_ITEMS];
	unsigned int nr_receives;
	struct leap_msg sent[PEER_ITEMS];
	unsigned int nr_sent;
	struct ibv_wc wcs[PEER_ITEMS];
	unsigned int nr_wcs;
	LIST_ENTRY(peer) entry;
};

static LIST_HEAD(, peer) peers = LIST_HEAD_INITIALIZER(peers);
static struct source *sources[SOURCES_MAX];
static struct ibv_context device;
static uint8_t link_layer = IBV_LINK_LAYER_ETHERNET;
static int nr_pds, nr_mrs, nr_cqs, nr_qps;

/* One call in so many fails; 0 for none. */
static unsigned int failures;

static bool fails(void)
{
	errno = ENOMEM;
	return failures && random() % failures == 0;
}

/* --- what leapd calls ------------------------------------------------------ */

int loop_add(struct source *source)
{
	for (size_t i = 0; i < SOURCES_MAX; i++)
		if (!sources[i]) {
			sources[i] = source;
			return 0;
		}
	return -1;
}

void loop_remove(struct source *source)
{
	for (size_t i = 0; i < SOURCES_MAX; i++)
		if (sources[i] == source)
			sources[i] = NULL;
}

static struct peer *peer_of_cq(const struct ibv_cq *cq)
{
	struct peer *peer;

	LIST_FOREACH(peer, &peers, entry)
		if (!peer->destroyed && peer->qp.send_cq == cq)
			return peer;
	return NULL;
}

static struct peer *peer_of_qp(const struct ibv_qp *qp)
{
	return (struct peer *)((char *)(uintptr_t)qp - offsetof(struct peer, qp));
}

static void complete(struct peer *peer, uint64_t wr_id, enum ibv_wc_status status,
		     enum ibv_wc_opcode opcode, uint32_t len)
{
	assert_true(peer->nr_wcs < PEER_ITEMS);
	peer->wcs[peer->nr_wcs++] = (struct ibv_wc){
		.wr_id = wr_id, .status = status, .opcode = opcode, .byte_len = len,
	};
}

static int fake_poll_cq(struct ibv_cq *cq, int nr, struct ibv_wc *wc)
{
	struct peer *peer = peer_of_cq(cq);

	assert_int_equal(nr, 1);
	if (!peer || !peer->nr_wcs)
		return 0;
	*wc = peer->wcs[0];
	memmove(peer->wcs, peer->wcs + 1, --peer->nr_wcs * sizeof(*wc));
	return 1;
}

static int fake_post_send(struct ibv_qp *qp, struct ibv_send_wr *wr, struct ibv_send_wr **bad)
{
	struct peer *peer = peer_of_qp(qp);

	(void)bad;
	if (fails())
		return ENOMEM;
	if (wr->opcode == IBV_WR_SEND) {
		assert_true(peer->nr_sent < PEER_ITEMS);
		memcpy(&peer->sent[peer->nr_sent++], (void *)(uintptr_t)wr->sg_list->addr,
		       sizeof(struct leap_msg));
	}
	if (peer->slow)
		peer->unheard[peer->nr_unheard++] = wr->wr_id;
	else
		complete(peer, wr->wr_id, fails() ? IBV_WC_RETRY_EXC_ERR : IBV_WC_SUCCESS,
			 IBV_WC_SEND, 0);
	return 0;
}

static int fake_post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr, struct ibv_recv_wr **bad)
{
	struct peer *peer = peer_of_qp(qp);

	(void)bad;
	if (fails())
		return ENOMEM;
	assert_true(peer->nr_receives < PEER_ITEMS);
	peer->receives[peer->nr_receives].wr_id = wr->wr_id;
	peer->receives[peer->nr_receives++].buffer = (void *)(uintptr_t)wr->sg_list->addr;
	return 0;
}

static int fake_req_notify(struct ibv_cq *cq, int solicited)
{
	(void)cq;
	(void)solicited;
	return fails();
}

struct ibv_pd *ibv_alloc_pd(struct ibv_context *context)
{
	struct ibv_pd *pd = fails() ? NULL : calloc(1, sizeof(*pd));

	if (!pd)
		return NULL;
	pd->context = context;
	nr_pds++;
	return pd;
}

/* As the kernel: not while something is in it. */
int ibv_dealloc_pd(struct ibv_pd *pd)
{
	assert_int_equal(pd->handle, 0);
	nr_pds--;
	free(pd);
	return 0;
}

#undef ibv_reg_mr
struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t length, int access)
{
	struct ibv_mr *mr = fails() ? NULL : calloc(1, sizeof(*mr));

	(void)access;
	if (!mr)
		return NULL;
	mr->pd = pd;
	mr->addr = addr;
	mr->length = length;
	__atomic_add_fetch(&pd->handle, 1, __ATOMIC_RELAXED);
	mr->rkey = (uint32_t)__atomic_add_fetch(&nr_mrs, 1, __ATOMIC_RELAXED);
	return mr;
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t length, uint64_t iova,
				unsigned int access)
{
	(void)iova;
	return ibv_reg_mr(pd, addr, length, (int)access);
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	__atomic_sub_fetch(&mr->pd->handle, 1, __ATOMIC_RELAXED);
	__atomic_sub_fetch(&nr_mrs, 1, __ATOMIC_RELAXED);
	free(mr);
	return 0;
}

struct ibv_comp_channel *ibv_create_comp_channel(struct ibv_context *context)
{
	struct ibv_comp_channel *channel = fails() ? NULL : calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->context = context;
	channel->fd = -1;
	return channel;
}

int ibv_destroy_comp_channel(struct ibv_comp_channel *channel)
{
	free(channel);
	return 0;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *context, int cqe, void *cq_context,
			     struct ibv_comp_channel *channel, int vector)
{
	struct ibv_cq *cq = fails() ? NULL : calloc(1, sizeof(*cq));

	(void)vector;
	(void)cq_context;
	if (!cq)
		return NULL;
	cq->context = context;
	cq->cqe = cqe;
	cq->channel = channel;
	nr_cqs++;
	return cq;
}

int ibv_destroy_cq(struct ibv_cq *cq)
{
	nr_cqs--;
	free(cq);
	return 0;
}

int ibv_get_cq_event(struct ibv_comp_channel *channel, struct ibv_cq **cq, void **context)
{
	struct peer *peer;

	*context = NULL;
	LIST_FOREACH(peer, &peers, entry)
		if (!peer->destroyed && peer->qp.send_cq &&
		    peer->qp.send_cq->channel == channel)
			*cq = peer->qp.send_cq;
	return 0;
}

void ibv_ack_cq_events(struct ibv_cq *cq, unsigned int nr)
{
	(void)cq;
	(void)nr;
}

const char *ibv_wc_status_str(enum ibv_wc_status status)
{
	return status ? "it is broken" : "success";
}

int ibv_query_device(struct ibv_context *context, struct ibv_device_attr *attr)
{
	(void)context;
	*attr = (struct ibv_device_attr){ .max_qp_wr = 64, .max_qp_rd_atom = 16 };
	return 0;
}

#undef ibv_query_port
int ibv_query_port(struct ibv_context *context, uint8_t port_num,
		   struct _compat_ibv_port_attr *attr)
{
	(void)context;
	(void)port_num;
	((struct ibv_port_attr *)attr)->link_layer = link_layer;
	return 0;
}

int rdma_create_qp(struct rdma_cm_id *id, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct peer *peer = (struct peer *)id;

	if (fails())
		return -1;
	peer->qp = (struct ibv_qp){
		.context = &device, .pd = pd, .send_cq = attr->send_cq, .recv_cq = attr->recv_cq,
	};
	__atomic_add_fetch(&pd->handle, 1, __ATOMIC_RELAXED);
	id->qp = &peer->qp;
	nr_qps++;
	return 0;
}

void rdma_destroy_qp(struct rdma_cm_id *id)
{
	__atomic_sub_fetch(&id->qp->pd->handle, 1, __ATOMIC_RELAXED);
	id->qp = NULL;
	nr_qps--;
}

int rdma_accept(struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	struct peer *peer = (struct peer *)id;

	if (fails())
		return -1;
	peer->verdict = WELCOME;
	return leap_welcome_decode(param->private_data, param->private_data_len, &peer->welcome);
}

int rdma_reject(struct rdma_cm_id *id, const void *data, uint8_t len)
{
	struct peer *peer = (struct peer *)id;

	peer->verdict = REFUSED;
	return leap_refusal_decode(data, len, &peer->refusal);
}

int rdma_disconnect(struct rdma_cm_id *id)
{
	((struct peer *)id)->gone = true;
	return 0;
}

int rdma_destroy_id(struct rdma_cm_id *id)
{
	struct peer *peer = (struct peer *)id;

	peer->gone = true;
	peer->destroyed = true;
	return 0;
}

/* --- the client's end ------------------------------------------------------ */

static struct peer *peer_create(const char *ip)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct sockaddr_in *in = (struct sockaddr_in *)&peer->id.route.addr.dst_addr;
	static uint16_t port = 1000;

	in->sin_family = AF_INET;
	in->sin_port = htons(port++);
	assert_int_equal(inet_pton(AF_INET, ip, &in->sin_addr), 1);
	device.ops.poll_cq = fake_poll_cq;
	device.ops.post_send = fake_post_send;
	device.ops.post_recv = fake_post_recv;
	device.ops.req_notify_cq = fake_req_notify;
	peer->id.verbs = &device;
	LIST_INSERT_HEAD(&peers, peer, entry);
	return peer;
}

static void peers_free(void)
{
	struct peer *peer;

	while ((peer = LIST_FIRST(&peers))) {
		LIST_REMOVE(peer, entry);
		free(peer);
	}
}

/* Returns whether it was welcome; then the connection is up. */
static bool peer_connect(struct peer *peer, const struct leap_hello_info *hello)
{
	struct rdma_conn_param param = { .private_data_len = sizeof(struct leap_hello) };
	struct leap_hello wire;

	peer->said = *hello;
	leap_hello_encode(hello, &wire);
	param.private_data = &wire;
	client_request(&peer->id, &param);
	assert_int_not_equal(peer->verdict, UNHEARD);
	if (peer->verdict == REFUSED)
		return false;
	client_established(peer->id.context);
	return true;
}

/* The connection has broken, and leapd hears of it. */
static void peer_break(struct peer *peer)
{
	assert_false(peer->destroyed);
	client_disconnected(&peer->id);
}

/* Lets leapd handle all that has come; the slab thread may need a while. */
static void pump(int wait_ms)
{
	struct peer *peer;

	for (size_t i = 0; i < SOURCES_MAX; i++) {
		struct pollfd fd = { .events = POLLIN };

		if (!sources[i])
			continue;
		fd.fd = sources[i]->fd;
		if (fd.fd >= 0 && poll(&fd, 1, wait_ms) == 1)
			sources[i]->ready(sources[i]);
	}
	LIST_FOREACH(peer, &peers, entry)
		while (!peer->destroyed && peer->nr_wcs && peer->id.context)
			((struct source *)peer->id.context)->ready(peer->id.context);
}

static void peer_send_bytes(struct peer *peer, const void *bytes, uint32_t len)
{
	assert_true(peer->nr_receives > 0);
	memcpy(peer->receives[0].buffer, bytes, len);
	complete(peer, peer->receives[0].wr_id, IBV_WC_SUCCESS, IBV_WC_RECV, len);
	memmove(peer->receives, peer->receives + 1,
		--peer->nr_receives * sizeof(peer->receives[0]));
	pump(0);
}

static void peer_send(struct peer *peer, const struct leap_msg_info *msg)
{
	struct leap_msg wire;

	leap_msg_encode(msg, &wire);
	peer_send_bytes(peer, &wire, sizeof(wire));
}

/* leapd hears now of what it has sent to a slow peer, the first so many. */
static void peer_acknowledge(struct peer *peer, unsigned int nr)
{
	while (nr--) {
		complete(peer, peer->unheard[0], IBV_WC_SUCCESS, IBV_WC_SEND, 0);
		memmove(peer->unheard, peer->unheard + 1,
			--peer->nr_unheard * sizeof(peer->unheard[0]));
	}
	pump(0);
}

static bool peer_has_message(const struct peer *peer)
{
	return peer->nr_sent;
}

/* The next message; leapd has some seconds for it. */
static struct leap_msg_info peer_receive(struct peer *peer)
{
	struct leap_msg_info msg;

	for (int i = 0; i < 500 && !peer->nr_sent; i++)
		pump(10);
	assert_true(peer->nr_sent > 0);
	assert_int_equal(leap_msg_decode(&peer->sent[0], sizeof(peer->sent[0]), &msg), 0);
	memmove(peer->sent, peer->sent + 1, --peer->nr_sent * sizeof(peer->sent[0]));
	return msg;
}

#endif /* FAKE_VERBS_H */
