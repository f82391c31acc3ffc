// SPDX-License-Identifier: GPL-2.0
/* The client half of the wire protocol, one call a step. Failing ends the program. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "borrower.h"

#define PAGE_SHIFT	12

/* For an access that must fail to do so. */
#define OUTCOME_MS	5000

const char *ip, *port, *how;

void die(const char *fmt, ...)
{
	va_list args;

	printf("leap-test-borrower: %s: ", how);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

void make_noise(void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((unsigned char *)bytes)[i] = (unsigned char)rand();
}

/* --- connections ---------------------------------------------------------- */

struct rdma_cm_id *make_end(void)
{
	struct rdma_addrinfo hints = {
		.ai_flags = RAI_NUMERICHOST,
		.ai_port_space = RDMA_PS_TCP,
	}, *info;
	struct ibv_qp_init_attr attr = {
		.cap = { DEPTH, DEPTH, 1, 1, 0 },
		.qp_type = IBV_QPT_RC,
	};
	struct rdma_cm_id *id;

	if (rdma_getaddrinfo(ip, port, &hints, &info) ||
	    rdma_create_ep(&id, info, NULL, &attr))
		die("no way to %s port %s: %s", ip, port, strerror(errno));
	the_server = auth_address(info->ai_dst_addr);
	rdma_freeaddrinfo(info);
	return id;
}

static void change_state(struct rdma_cm_id *id, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = { .qp_state = state };
	int mask;

	if (rdma_init_qp_attr(id, &attr, &mask) || ibv_modify_qp(id->qp, &attr, mask))
		die("the queue pair does not change its state: %s", strerror(errno));
}

/*
 * librdmacm tells leapd as soon as the welcome is here, unless it does not know
 * the queue pair.
 */
static bool connect_late(struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	struct ibv_qp *qp = id->qp;
	int err;

	param->qp_num = qp->qp_num;
	id->qp = NULL;
	err = rdma_connect(id, param);
	id->qp = qp;
	if (err)
		return false;
	change_state(id, IBV_QPS_INIT);
	change_state(id, IBV_QPS_RTR);
	change_state(id, IBV_QPS_RTS);
	return true;
}

/* Tells leapd that the welcome is here, which a late borrower has not done. */
void establish(struct rdma_cm_id *id)
{
	struct ibv_qp *qp = id->qp;

	id->qp = NULL;
	if (rdma_establish(id))
		die("rdma_establish: %s", strerror(errno));
	id->qp = qp;
}

/* True if leapd says welcome, false if it refuses; either way in words. */
bool knock(struct borrower *b, struct rdma_cm_id *id, const void *hello,
		  size_t len)
{
	struct rdma_conn_param param = {
		.private_data = hello,
		.private_data_len = (uint8_t)len,
		.initiator_depth = 4,
		.responder_resources = 4,
		.retry_count = 7,
		.rnr_retry_count = 7,
	};
	bool refused = b->late ? !connect_late(id, &param) : rdma_connect(id, &param);
	const struct rdma_conn_param *said;

	if (!id->event || (refused && errno != ECONNREFUSED))
		die("leapd says neither welcome nor no: %s", strerror(errno));
	said = &id->event->param.conn;
	if (refused && leap_refusal_decode(said->private_data,
					   said->private_data_len, &b->refusal))
		die("a refusal without words");
	if (!refused && leap_welcome_decode(said->private_data,
					    said->private_data_len, &b->welcome))
		die("a welcome that is none");
	return !refused;
}

bool knock_as(struct borrower *b, struct rdma_cm_id *id,
		     enum leap_role role)
{
	struct leap_hello wire;

	b->hello.role = (uint8_t)role;
	if (role == LEAP_ROLE_DATA)
		b->hello.flags = 0;
	b->hello.token = role == LEAP_ROLE_DATA ? b->welcome.token : b->old_token;
	leap_hello_encode(&b->hello, &wire);
	return knock(b, id, &wire, sizeof(wire));
}

struct borrower *make_borrower(void)
{
	struct borrower *b = calloc(1, sizeof(*b));

	if (!b)
		die("out of memory");
	b->hello.page_shift = PAGE_SHIFT;
	b->hello.queues = 2;
	b->hello.depth = DEPTH;
	if (getrandom(b->hello.client_id, LEAP_CLIENT_ID_LEN, 0) < 0)
		die("getrandom: %s", strerror(errno));
	return b;
}

static void post_receive(struct borrower *b, struct leap_msg *buffer)
{
	if (rdma_post_recv(b->control, buffer, buffer, sizeof(*buffer), b->mr))
		die("rdma_post_recv: %s", strerror(errno));
}

/* False if it is refused. */
bool knock_control(struct borrower *b)
{
	b->control = make_end();
	b->mr = rdma_reg_msgs(b->control, b, sizeof(*b));
	if (!b->mr)
		die("rdma_reg_msgs: %s", strerror(errno));
	for (int i = 0; i < LEAP_CTRL_DEPTH; i++)
		post_receive(b, &b->rx[i]);
	return knock_as(b, b->control, LEAP_ROLE_CONTROL);
}

/* The same, and with a key both sides have proved then that they know it. */
bool open_control(struct borrower *b)
{
	b->hello.flags = (the_key.len ? LEAP_HELLO_KEY : 0) |
			 (b->keep ? LEAP_HELLO_KEEP : 0);
	if (!knock_control(b))
		return false;
	if (the_key.len)
		prove(b);
	return true;
}

/* A fresh data queue; after an error the old one is of no use. */
void open_data(struct borrower *b)
{
	if (b->data)
		rdma_destroy_ep(b->data);
	b->data = make_end();
	if (!knock_as(b, b->data, LEAP_ROLE_DATA))
		die("no data queue: %s", b->refusal.text);
}

struct borrower *arrive(void)
{
	struct borrower *b = make_borrower();

	if (!open_control(b))
		die("an honest hello was refused: %s", b->refusal.text);
	open_data(b);
	return b;
}

/* Without a word, and without a disconnect if leapd has not begun with it. */
void vanish(struct borrower *b)
{
	if (b->data)
		rdma_destroy_ep(b->data);
	rdma_dereg_mr(b->mr);
	rdma_destroy_ep(b->control);
	free(b);
}

void expect_drop(struct borrower *b, const char *why)
{
	struct rdma_cm_event *event;
	enum rdma_cm_event_type type;

	do {
		if (rdma_get_cm_event(b->control->channel, &event))
			die("rdma_get_cm_event: %s", strerror(errno));
		type = event->event;
		rdma_ack_cm_event(event);
	} while (type != RDMA_CM_EVENT_DISCONNECTED && type != RDMA_CM_EVENT_REJECTED);
	if (*why)
		printf("%s: dropped\n", why);
}

/* --- messages ------------------------------------------------------------- */

void post_bytes(struct borrower *b, void *bytes, size_t len)
{
	if (rdma_post_send(b->control, NULL, bytes, len, b->mr, IBV_SEND_SIGNALED))
		die("rdma_post_send: %s", strerror(errno));
}

/* Posts at most DEPTH of them before somebody looks at completions. */
void post(struct borrower *b, uint16_t type, uint32_t slab, uint32_t used)
{
	struct leap_msg *wire = &b->tx[b->seq % DEPTH];
	const struct leap_msg_info msg = {
		.type = type,
		.seq = ++b->seq,
		.slab = slab,
		.used = used,
	};

	leap_msg_encode(&msg, wire);
	post_bytes(b, wire, sizeof(*wire));
}

enum ibv_wc_status sent(struct rdma_cm_id *id)
{
	struct ibv_wc wc;

	if (rdma_get_send_comp(id, &wc) != 1)
		die("rdma_get_send_comp: %s", strerror(errno));
	return wc.status;
}

static struct leap_msg_info receive_any(struct borrower *b)
{
	struct leap_msg_info msg;
	struct leap_msg *buffer;
	struct ibv_wc wc;

	if (rdma_get_recv_comp(b->control, &wc) != 1 || wc.status)
		die("no answer: %s", ibv_wc_status_str(wc.status));
	buffer = (struct leap_msg *)(uintptr_t)wc.wr_id;
	if (leap_msg_decode(buffer, wc.byte_len, &msg))
		die("an answer that is none");
	post_receive(b, buffer);
	return msg;
}

static bool note_recall(struct borrower *b, const struct leap_msg_info *msg)
{
	if (msg->type != LEAP_MSG_SLAB_RECALL)
		return false;
	if (msg->seq || !msg->seconds)
		die("a recall that is none");
	b->recalls[b->nr_recalls++ % COUNT(b->recalls)] = msg->slab;
	return true;
}

/* An answer; what is called back meanwhile is noted. */
struct leap_msg_info receive(struct borrower *b)
{
	struct leap_msg_info msg;

	do
		msg = receive_any(b);
	while (note_recall(b, &msg));
	return msg;
}

/* Waits until a slab is called back; which one? */
uint32_t next_recall(struct borrower *b)
{
	if (!b->nr_recalls) {
		struct leap_msg_info msg = receive_any(b);

		if (!note_recall(b, &msg))
			die("message %u where only a recall can be", msg.type);
	}
	return b->recalls[--b->nr_recalls % COUNT(b->recalls)];
}

struct leap_msg_info call(struct borrower *b, uint16_t type, uint32_t slab,
				 uint16_t answer)
{
	struct leap_msg_info msg;

	post(b, type, slab, 0);
	if (sent(b->control))
		die("leapd does not take message %u", type);
	msg = receive(b);
	if (msg.type != answer || msg.seq != b->seq)
		die("answer %u to message %u", msg.type, type);
	return msg;
}

uint64_t capacity(struct borrower *b)
{
	return call(b, LEAP_MSG_PING, 0, LEAP_MSG_PONG).capacity;
}

uint16_t try_borrow(struct borrower *b, struct lease *lease)
{
	struct leap_msg_info msg = call(b, LEAP_MSG_SLAB_GET, 0, LEAP_MSG_SLAB_GRANT);

	*lease = (struct lease) { msg.slab, msg.rkey, msg.addr };
	return msg.status;
}

struct lease borrow(struct borrower *b)
{
	struct lease lease;

	if (try_borrow(b, &lease))
		die("leapd does not lend");
	return lease;
}

uint16_t give_back(struct borrower *b, uint32_t slab)
{
	return call(b, LEAP_MSG_SLAB_PUT, slab, LEAP_MSG_SLAB_PUT_DONE).status;
}

void leave(struct borrower *b)
{
	post(b, LEAP_MSG_BYE, 0, 0);
	expect_drop(b, "");
	vanish(b);
}

/* --- memory --------------------------------------------------------------- */

bool on_iwarp(const struct borrower *b)
{
	return b->control->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
}

uint64_t slab_size(const struct borrower *b)
{
	return 1ULL << b->welcome.slab_shift;
}

static void post_load(struct borrower *b, uint64_t addr, uint32_t rkey)
{
	if (rdma_post_read(b->data, NULL, b->bytes, CHUNK, b->mr,
			   IBV_SEND_SIGNALED, addr, rkey))
		die("rdma_post_read: %s", strerror(errno));
}

static void post_store(struct borrower *b, uint64_t addr, uint32_t rkey)
{
	if (rdma_post_write(b->data, NULL, b->bytes, CHUNK, b->mr,
			    IBV_SEND_SIGNALED, addr, rkey))
		die("rdma_post_write: %s", strerror(errno));
}

static void load(struct borrower *b, struct lease lease, uint64_t off)
{
	post_load(b, lease.addr + off, lease.rkey);
	if (sent(b->data))
		die("cannot read slab %u", lease.slab);
}

static bool all_are(const unsigned char *bytes, size_t len, int value)
{
	return bytes[0] == value && !memcmp(bytes, bytes + 1, len - 1);
}

void expect_bytes(struct borrower *b, struct lease lease, uint64_t len,
			 int value)
{
	for (uint64_t off = 0; off < len; off += CHUNK) {
		memset(b->bytes, ~value, CHUNK);
		load(b, lease, off);
		if (!all_are(b->bytes, CHUNK, value))
			die("slab %u is not all %d at %llu", lease.slab, value,
			    (unsigned long long)off);
	}
}

/* On iWARP writes are over when a read behind them is. */
void fill(struct borrower *b, struct lease lease, uint64_t len, int value)
{
	memset(b->bytes, value, CHUNK);
	for (uint64_t off = 0; off < len; off += CHUNK) {
		post_store(b, lease.addr + off, lease.rkey);
		if (sent(b->data))
			die("cannot write slab %u", lease.slab);
	}
	load(b, lease, 0);
}

/* What becomes of it, if anything: siw loses some completions of errors. */
static enum ibv_wc_status outcome(struct borrower *b)
{
	struct ibv_wc wc;

	for (int i = 0; i < OUTCOME_MS; i++) {
		if (ibv_poll_cq(b->data->send_cq, 1, &wc) == 1)
			return wc.status;
		usleep(1000);
	}
	return IBV_WC_RESP_TIMEOUT_ERR;
}

static void expect_no_load(struct borrower *b, uint64_t addr, uint32_t rkey,
			   const char *what)
{
	enum ibv_wc_status status;

	open_data(b);
	memset(b->bytes, 0x5a, CHUNK);
	post_load(b, addr, rkey);
	status = outcome(b);
	if (!status || !all_are(b->bytes, CHUNK, 0x5a))
		die("%s can be read", what);
	if (!on_iwarp(b) && status != IBV_WC_REM_ACCESS_ERR)
		die("%s: reading ends in: %s", what, ibv_wc_status_str(status));
	printf("%s: %s\n", what, ibv_wc_status_str(status));
}

/* On iWARP one hears of it by what comes behind it. */
static void expect_no_store(struct borrower *b, uint64_t addr, uint32_t rkey,
			    struct lease own, const char *what)
{
	enum ibv_wc_status status;

	open_data(b);
	post_store(b, addr, rkey);
	status = outcome(b);
	if (!status && on_iwarp(b)) {
		post_load(b, own.addr, own.rkey);
		status = outcome(b);
	}
	if (!status)
		die("%s can be written", what);
	if (!on_iwarp(b) && status != IBV_WC_REM_ACCESS_ERR)
		die("%s: writing ends in: %s", what, ibv_wc_status_str(status));
}

/* Neither a read nor a write may work there; @own is a slab that is lent. */
void expect_denied(struct borrower *b, uint64_t addr, uint32_t rkey,
		   struct lease own, const char *what)
{
	expect_no_load(b, addr, rkey, what);
	expect_no_store(b, addr, rkey, own, what);
	open_data(b);
}

/* What every client may expect of leapd at any time. */
void be_honest(void)
{
	struct borrower *b = arrive();
	struct lease lease = borrow(b);

	expect_bytes(b, lease, CHUNK, 0);
	fill(b, lease, CHUNK, 1);
	expect_bytes(b, lease, CHUNK, 1);
	post(b, LEAP_MSG_SLAB_USAGE, lease.slab, 1);
	if (sent(b->control) || give_back(b, lease.slab))
		die("an honest client cannot give its slab back");
	leave(b);
}
