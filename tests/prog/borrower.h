/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leap-test-borrower: a client of leapd, made of steps that can be taken in any
 * order, sensible or not.
 *
 *	borrower.c		the steps
 *	borrower_hello.c	what to do wrong: the handshake
 *	borrower_message.c	messages
 *	borrower_key.c		the key; also how to do it right
 *	borrower_memory.c	memory
 *	borrower_keep.c		connections that break, and clients that come back
 *	borrower_recall.c	slabs that are called back
 *	borrower_manners.c	the rest
 */
#ifndef BORROWER_H
#define BORROWER_H

#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>
#include <stdbool.h>
#include <stdint.h>
#include "daemon/auth.h"
#include "leap/policy/proto.h"

/* Bytes that are read or written at a time, and most messages at a time. */
#define CHUNK		(64 << 10)
#define DEPTH		64

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* Most bytes of a hello on InfiniBand. */
#define HELLO_MAX	56

/* A slab on loan, as the server has described it. */
struct lease {
	uint32_t slab;
	uint32_t rkey;
	uint64_t addr;
};

/**
 * struct borrower - a client
 * @keep: it wants its slabs to be kept if it is cut off
 * @old_token: of an earlier connection whose slabs it wants, or 0
 * @hello: what it says of itself
 * @welcome: what leapd has granted
 * @refusal: or why not
 * @control: the queue for messages
 * @data: the queue for memory
 * @mr: makes this struct reachable for the device
 * @late: the connection manager is not to tell leapd that the welcome has come
 *	before establish(); does not work on iWARP, where nobody tells it
 * @seq: of the last message
 * @recalls: slabs that were called back
 * @nr_recalls: how many; the last COUNT(recalls) of them are there
 * @tx: messages that are being sent
 * @rx: messages that can be received
 * @bytes: what is read and written
 */
struct borrower {
	bool keep;
	uint64_t old_token;
	struct leap_hello_info hello;
	struct leap_welcome_info welcome;
	struct leap_refusal_info refusal;
	struct rdma_cm_id *control;
	struct rdma_cm_id *data;
	struct ibv_mr *mr;
	bool late;
	uint64_t seq;
	uint32_t recalls[64];
	unsigned int nr_recalls;
	struct leap_msg tx[DEPTH];
	struct leap_msg rx[LEAP_CTRL_DEPTH];
	unsigned char bytes[CHUNK];
};

/* The command line; no key has no bytes. */
extern const char *ip, *port, *how;
extern struct key the_key;
extern struct leap_portal_server the_server;

void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void make_noise(void *bytes, size_t len);

/* Connections. */
struct rdma_cm_id *make_end(void);
void establish(struct rdma_cm_id *id);
bool knock(struct borrower *b, struct rdma_cm_id *id, const void *hello, size_t len);
bool knock_as(struct borrower *b, struct rdma_cm_id *id, enum leap_role role);
struct borrower *make_borrower(void);
bool knock_control(struct borrower *b);
bool open_control(struct borrower *b);
void open_data(struct borrower *b);
struct borrower *arrive(void);
void vanish(struct borrower *b);
void expect_drop(struct borrower *b, const char *why);

/* Messages. */
void post_bytes(struct borrower *b, void *bytes, size_t len);
void post(struct borrower *b, uint16_t type, uint32_t slab, uint32_t used);
enum ibv_wc_status sent(struct rdma_cm_id *id);
struct leap_msg_info receive(struct borrower *b);
uint32_t next_recall(struct borrower *b);
struct leap_msg_info call(struct borrower *b, uint16_t type, uint32_t slab,
			  uint16_t answer);
uint64_t capacity(struct borrower *b);
uint16_t try_borrow(struct borrower *b, struct lease *lease);
struct lease borrow(struct borrower *b);
uint16_t give_back(struct borrower *b, uint32_t slab);
void leave(struct borrower *b);

/* Memory. */
bool on_iwarp(const struct borrower *b);
uint64_t slab_size(const struct borrower *b);
void expect_bytes(struct borrower *b, struct lease lease, uint64_t len, int value);
void fill(struct borrower *b, struct lease lease, uint64_t len, int value);
void expect_denied(struct borrower *b, uint64_t addr, uint32_t rkey,
		   struct lease own, const char *what);
void be_honest(void);

/* borrower_hello.c */
bool hello_wrong(const char *name);
void hello_names(void);

/* borrower_message.c */
void noise_for_message(void);
void wrong_length(void);
void wrong_type(void);
void write_for_message(void);
void unknown_slab(void);
void too_much_usage(void);
void put_twice(void);
void ask_for_too_much(void);
void ask_too_fast(void);

/* borrower_memory.c */
void foreign_memory(void);
void old_data(void);
void past_the_end(void);
void after_put(void);

/* borrower_keep.c */
void come_back(void);
void come_back_as_another(void);

/* borrower_recall.c */
void obey_recalls(void);
void ignore_recalls(void);

/* borrower_key.c */
void prove(struct borrower *b);
bool key_wrong_way(const char *name);
void key_names(void);

/* borrower_manners.c */
void silent(void);
void sudden_death(void);
void flood(void);
void jump_the_queue(void);
void crowd(void);
void steal(void);

#endif /* BORROWER_H */
