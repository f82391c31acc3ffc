// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-leapd IP PORT HOW: a server that does it wrong, in the way that HOW
 * says, to all who connect. Prints "ready" when it listens; never ends.
 */
#include <pthread.h>
#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "leap/policy/proto.h"

#define SLAB_SHIFT	26
#define NOISE		100

enum wrong {
	REFUSE_VERSION,
	WELCOME_VERSION,
	WELCOME_NOISE,
	WELCOME_EMPTY,
	WELCOME_SIZES,
	WELCOME_GREEDY,
	SILENT,
	ANSWER_NOTHING,
	ANSWER_NOISE,
	ANSWER_SHORT,
	ANSWER_OTHER,
	GRANT_NOTHING,
	TALK_EARLY,
	DROP_DATA,
	RECALL_FLOOD,
	KEY_IGNORE,
	KEY_ECHO,
	KEY_NOISE,
	KEY_EARLY,
	KEY_DENY,
};

static const struct {
	const char *name;
	const char *text;
} hows[] = {
	[REFUSE_VERSION] = { "refuse-version", "refuses: it speaks another version" },
	[WELCOME_VERSION] = { "welcome-version", "accepts, in another version" },
	[WELCOME_NOISE] = { "welcome-noise", "accepts, with noise" },
	[WELCOME_EMPTY] = { "welcome-empty", "accepts, without a word" },
	[WELCOME_SIZES] = { "welcome-sizes", "accepts, with sizes that cannot be" },
	[WELCOME_GREEDY] = { "welcome-greedy", "grants more than was asked for, lends nothing" },
	[SILENT] = { "silent", "neither accepts nor refuses" },
	[ANSWER_NOTHING] = { "answer-nothing", "shakes hands, answers no message" },
	[ANSWER_NOISE] = { "answer-noise", "shakes hands, answers noise" },
	[ANSWER_SHORT] = { "answer-short", "shakes hands, answers a byte" },
	[ANSWER_OTHER] = { "answer-other", "shakes hands, answers another question" },
	[GRANT_NOTHING] = { "grant-nothing", "shakes hands, grants memory that it has not" },
	[TALK_EARLY] = { "talk-early", "answers before it was asked, then no more" },
	[DROP_DATA] = { "drop-data", "drops a connection while the next one is made" },
	[RECALL_FLOOD] = { "recall-flood", "calls slabs back that it has not lent, and more than it may" },
	[KEY_IGNORE] = { "key-ignore", "takes a client with a key, but wants no proof" },
	[KEY_ECHO] = { "key-echo", "sends the client's proof back as its own" },
	[KEY_NOISE] = { "key-noise", "sends noise as its proof" },
	[KEY_EARLY] = { "key-early", "sends a proof where it should send a nonce" },
	[KEY_DENY] = { "key-deny", "denies that the client knows the key" },
};

static enum wrong how;

/* One control connection: what it sends and receives. */
struct talk {
	struct rdma_cm_id *id;
	struct ibv_mr *mr;
	union {
		struct leap_msg msg;
		unsigned char noise[NOISE];
	} tx;
	struct leap_msg rx[LEAP_CTRL_DEPTH];
};

static void make_noise(unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (unsigned char)rand();
}

static void refuse(struct rdma_cm_id *id)
{
	struct leap_refusal_info info = {
		.code = LEAP_REFUSED_VERSION,
		.text = "this server speaks another version",
	};
	struct leap_refusal wire;

	leap_refusal_encode(&info, &wire);
	wire.version = cpu_to_le16(LEAP_PROTO_VERSION + 1);
	rdma_reject(id, &wire, sizeof(wire));
}

static void welcome(const struct leap_hello_info *hello, struct leap_welcome *wire)
{
	struct leap_welcome_info info = {
		.page_shift = hello->page_shift,
		.slab_shift = SLAB_SHIFT,
		.queues = hello->queues,
		.depth = hello->depth,
		.token = 1,
		.capacity = 1ULL << 30,
	};

	if (how == WELCOME_SIZES)
		info.slab_shift = 63;
	if (how == WELCOME_GREEDY) {
		info.queues = LEAP_QUEUES_MAX;
		info.depth = LEAP_DEPTH_MAX;
		info.capacity = 0;
	}
	if (how > KEY_IGNORE)
		info.flags = LEAP_WELCOME_KEY;
	leap_welcome_encode(&info, wire);
	if (how == WELCOME_VERSION)
		wire->version = cpu_to_le16(LEAP_PROTO_VERSION + 1);
}

static int accept_it(struct rdma_cm_id *id, const struct leap_hello_info *hello)
{
	union {
		struct leap_welcome wire;
		unsigned char noise[NOISE];
	} data;
	struct rdma_conn_param param = {
		.private_data = &data,
		.private_data_len = sizeof(data.wire),
		.rnr_retry_count = 7,
		.responder_resources = 1,
	};

	welcome(hello, &data.wire);
	if (how == WELCOME_NOISE) {
		make_noise(data.noise, NOISE);
		param.private_data_len = NOISE;
	}
	if (how == WELCOME_EMPTY)
		param.private_data_len = 0;
	return rdma_accept(id, &param);
}

/* The server's part of the key, for one that does not know it. */
static void pose(const struct leap_msg_info *msg, struct leap_msg_info *info)
{
	bool first = msg->type == LEAP_MSG_KEY_NONCE;

	info->type = first && how != KEY_EARLY ? LEAP_MSG_KEY_CHALLENGE :
		     LEAP_MSG_KEY_ADMIT;
	if (how == KEY_ECHO)
		memcpy(info->bytes, msg->bytes, sizeof(info->bytes));
	else
		make_noise(info->bytes, sizeof(info->bytes));
	if (how == KEY_DENY && !first)
		info->status = LEAP_STATUS_KEY;
}

/* What to send back for @msg; the length in bytes, 0 for nothing. */
static size_t answer(struct talk *talk, const struct leap_msg_info *msg)
{
	struct leap_msg_info info = { .seq = msg->seq, .type = LEAP_MSG_PONG };

	switch (how) {
	case ANSWER_NOISE:
		make_noise(talk->tx.noise, sizeof(talk->tx.msg));
		return sizeof(talk->tx.msg);
	case ANSWER_SHORT:
		talk->tx.noise[0] = 0;
		return 1;
	case ANSWER_OTHER:
		break;
	case GRANT_NOTHING:
		if (msg->type != LEAP_MSG_SLAB_GET)
			break;
		info.type = LEAP_MSG_SLAB_GRANT;
		info.addr = 0xdead0000;
		info.rkey = 0xdead;
		info.capacity = 1ULL << 30;
		break;
	case KEY_ECHO:
	case KEY_NOISE:
	case KEY_EARLY:
	case KEY_DENY:
		pose(msg, &info);
		break;
	default:
		return 0;
	}
	leap_msg_encode(&info, &talk->tx.msg);
	return sizeof(talk->tx.msg);
}

static int post_receive(struct talk *talk, struct leap_msg *buffer)
{
	return rdma_post_recv(talk->id, buffer, buffer, sizeof(*buffer), talk->mr);
}

static void *listen_to(void *arg)
{
	struct talk *talk = arg;
	struct leap_msg_info msg;
	struct ibv_wc wc;
	size_t len;

	while (rdma_get_recv_comp(talk->id, &wc) == 1 && wc.status == IBV_WC_SUCCESS) {
		struct leap_msg *buffer = (struct leap_msg *)(uintptr_t)wc.wr_id;

		if (leap_msg_decode(buffer, wc.byte_len, &msg))
			break;
		len = answer(talk, &msg);
		if (len && (rdma_post_send(talk->id, NULL, &talk->tx, len, talk->mr,
					   IBV_SEND_SIGNALED) ||
			    rdma_get_send_comp(talk->id, &wc) != 1))
			break;
		if (post_receive(talk, buffer))
			break;
	}
	return NULL;
}

/* The connection that messages come on, before it is accepted. */
static bool begin_talk(struct rdma_cm_id *id)
{
	struct talk *talk = calloc(1, sizeof(*talk));
	pthread_t thread;

	if (!talk)
		return false;
	talk->id = id;
	id->context = talk;
	talk->mr = rdma_reg_msgs(id, talk, sizeof(*talk));
	if (!talk->mr)
		return false;
	for (int i = 0; i < LEAP_CTRL_DEPTH; i++)
		if (post_receive(talk, &talk->rx[i]))
			return false;
	return !pthread_create(&thread, NULL, listen_to, talk) &&
	       !pthread_detach(thread);
}

/* An answer that nobody waits for. */
static void talk_early(struct talk *talk)
{
	const struct leap_msg_info info = { .type = LEAP_MSG_PONG };

	leap_msg_encode(&info, &talk->tx.msg);
	if (rdma_post_send(talk->id, NULL, &talk->tx, sizeof(talk->tx.msg), talk->mr, 0))
		perror("cannot send");
}

/* The same one again and again, with nothing lent yet. */
static void recall_flood(struct talk *talk)
{
	struct leap_msg_info info = { .type = LEAP_MSG_SLAB_RECALL, .seconds = 1 };

	leap_msg_encode(&info, &talk->tx.msg);
	for (int i = 0; i < LEAP_CTRL_DEPTH; i++)
		if (rdma_post_send(talk->id, NULL, &talk->tx, sizeof(talk->tx.msg),
				   talk->mr, 0))
			perror("cannot send");
}

/* The first data connection goes when the second is about to be accepted. */
static void drop_data(struct rdma_cm_id *id)
{
	static struct rdma_cm_id *first;

	if (!first)
		first = id;
	else if (rdma_disconnect(first))
		perror("cannot disconnect");
}

static bool make_queue(struct rdma_cm_id *id)
{
	struct ibv_qp_init_attr attr = {
		.cap = {
			.max_send_wr = LEAP_CTRL_DEPTH,
			.max_recv_wr = LEAP_CTRL_DEPTH,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
		.qp_type = IBV_QPT_RC,
	};

	return !rdma_create_qp(id, NULL, &attr);
}

static void requested(struct rdma_cm_id *id, const struct rdma_conn_param *request)
{
	struct leap_hello_info hello;

	if (leap_hello_decode(request->private_data, request->private_data_len, &hello)) {
		fprintf(stderr, "a hello that is none\n");
		exit(1);
	}
	printf("a hello for %s\n", hello.role == LEAP_ROLE_CONTROL ? "control" : "data");
	fflush(stdout);
	if (how == SILENT)
		return;
	if (how == REFUSE_VERSION) {
		refuse(id);
		return;
	}
	if (how == DROP_DATA && hello.role == LEAP_ROLE_DATA)
		drop_data(id);
	if (!make_queue(id) || (hello.role == LEAP_ROLE_CONTROL && !begin_talk(id)) ||
	    accept_it(id, &hello)) {
		perror("cannot accept");
		exit(1);
	}
}

static int serve(const char *ip, const char *port)
{
	struct rdma_event_channel *channel = rdma_create_event_channel();
	struct rdma_addrinfo hints = { .ai_flags = RAI_PASSIVE | RAI_NUMERICHOST };
	struct rdma_addrinfo *info;
	struct rdma_cm_event *event;
	struct rdma_cm_id *id;

	if (!channel || rdma_getaddrinfo(ip, port, &hints, &info) ||
	    rdma_create_id(channel, &id, NULL, RDMA_PS_TCP) ||
	    rdma_bind_addr(id, info->ai_src_addr) || rdma_listen(id, 16)) {
		perror("cannot listen");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (!rdma_get_cm_event(channel, &event)) {
		if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST)
			requested(event->id, &event->param.conn);
		if (event->event == RDMA_CM_EVENT_ESTABLISHED && how == TALK_EARLY &&
		    event->id->context)
			talk_early(event->id->context);
		if (event->event == RDMA_CM_EVENT_ESTABLISHED && how == RECALL_FLOOD &&
		    event->id->context)
			recall_flood(event->id->context);
		rdma_ack_cm_event(event);
	}
	perror("no more events");
	return 1;
}

int main(int argc, char **argv)
{
	const size_t nr = sizeof(hows) / sizeof(hows[0]);
	size_t i;

	for (i = 0; argc == 4 && i < nr; i++)
		if (!strcmp(argv[3], hows[i].name)) {
			how = (enum wrong)i;
			return serve(argv[1], argv[2]);
		}
	fprintf(stderr, "usage: leap-test-leapd IP PORT HOW\n");
	for (i = 0; i < nr; i++)
		fprintf(stderr, "  %-16s %s\n", hows[i].name, hows[i].text);
	return 2;
}
