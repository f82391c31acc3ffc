/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leapd: what its files share.
 *
 *	options.c	the command line
 *	server.c	the listener, events of connections, the main loop
 *	client.c	a client and its queues
 *	keep.c		clients that are cut off and come back
 *	control.c	messages on a client's control queue
 *	slab.c		memory that is lent, and the thread that gets and frees it
 *	memory.c	how much this machine has
 *	recall.c	calling slabs back when it runs short
 *	account.c	how much may be lent: arithmetic only
 *	auth.c		how a client proves that it knows the key
 *	key.c		the key
 *	allow.c		the list of addresses that memory is lent to
 *	status.c	what is told to people and machines
 *
 * One thread runs everything but getting and freeing slabs, which takes long
 * and must not keep other clients waiting. A client that goes is freed when
 * that is over for all of its slabs (client->jobs).
 */
#ifndef LEAPD_H
#define LEAPD_H

#include <rdma/rdma_cma.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <time.h>

#include "account.h"
#include "allow.h"
#include "auth.h"
#include "key.h"
#include "leap/policy/proto.h"

/* Clients at a time, and from one address. */
#define CLIENTS_MAX	64
#define CLIENTS_PER_HOST	8

/*
 * How long a connection may take to be established, in seconds. That is several
 * tries: the connection manager sends our welcome again when it has had no answer
 * for 4.3 s (CMA_CM_RESPONSE_TIMEOUT, 4.096 us << 20).
 */
#define SETTLE_SECONDS	30

/* How often to look whether a client is still there, and the time to answer. */
#define PROBE_SECONDS	30

/* Time to give a slab back that is called back, in seconds, and the longest. */
#define RECALL_SECONDS		30
#define RECALL_SECONDS_MAX	3600

/* How long slabs are kept for a client that is cut off, in seconds. */
#define GRACE_SECONDS		60
#define GRACE_SECONDS_MAX	86400

/* A shortage is over when the reserve and one part of so many are available. */
#define RESERVE_MARGIN	8

/*
 * Answers that can be under way on a control queue. More than questions: the
 * next question may come before we hear that the answer to the last one has.
 */
#define CTRL_ANSWERS	(2 * LEAP_CTRL_DEPTH)

/* What a control queue can send at a time: answers, and one probe. */
#define CTRL_SENDS	(CTRL_ANSWERS + 1)
#define CTRL_COMPLETIONS	(LEAP_CTRL_DEPTH + CTRL_SENDS)

/**
 * struct source - something that the main loop waits for
 * @fd: becomes readable
 * @ready: called then
 */
struct source {
	int fd;
	void (*ready)(struct source *source);
};

/**
 * struct options - the command line
 * @address: to listen on, as text
 * @port: the same
 * @listen: both of them, as clients look for them
 * @memory: most bytes to lend, 0 for half of what is available at the start
 * @per_client: most bytes to lend to one client
 * @slab: bytes of a slab
 * @reserve: bytes that stay available on this machine, UINT64_MAX for a tenth
 *	of its memory
 * @recall: seconds to give a slab back that is called back
 * @grace: seconds that slabs are kept for a client that is cut off
 * @json: speak JSON
 * @key: what clients must know; none if it has no bytes
 * @allow: whom to lend to
 * @nr_allow: how many networks these are; 0 for everybody
 */
struct options {
	const char *address;
	const char *port;
	struct leap_portal_server listen;
	uint64_t memory;
	uint64_t per_client;
	uint64_t slab;
	uint64_t reserve;
	unsigned int recall;
	unsigned int grace;
	bool json;
	struct key key;
	struct network allow[ALLOW_MAX];
	size_t nr_allow;
};

/**
 * struct domain - a protection domain for the slabs of one client
 * @pd: its keys are worth nothing elsewhere
 * @users: the client, and each slab that is or was its
 */
struct domain {
	struct ibv_pd *pd;
	unsigned int users;
};

/**
 * struct slab - memory on loan, or on its way there or back
 * @entry: in its client's list, while it is on loan
 * @job: in one of the thread's lists, otherwise
 * @client: whose
 * @domain: of that client when it was lent
 * @id: the client knows it by this
 * @seq: of the message that has asked for it, or gives it back
 * @round: when it is its turn
 * @returned: it is on its way back
 * @unasked: nobody waits for an answer about that
 * @named: its client is back and knows of it
 * @status: whether it could be got
 * @memory: where it is
 * @mr: what makes it reachable for the client
 * @used: pages that hold data, as the client said last
 * @asked: when its client has asked for it, in seconds
 * @recall_until: it is called back, and must come by then; 0 if it is not
 */
struct slab {
	LIST_ENTRY(slab) entry;
	TAILQ_ENTRY(slab) job;
	struct client *client;
	struct domain *domain;
	uint32_t id;
	uint64_t seq;
	uint64_t round;
	bool returned;
	bool unasked;
	bool named;
	enum leap_msg_status status;
	void *memory;
	struct ibv_mr *mr;
	uint32_t used;
	time_t asked;
	time_t recall_until;
};

/**
 * struct conn - one connection of a client, with its queue pair
 * @source: completions of the control queue
 * @entry: in its client's list
 * @client: whose
 * @id: the connection
 * @channel: of the control queue
 * @cq: completions
 * @established: the client has seen our welcome
 * @deadline: when it must be
 */
struct conn {
	struct source source;
	LIST_ENTRY(conn) entry;
	struct client *client;
	struct rdma_cm_id *id;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	bool established;
	time_t deadline;
};

/**
 * struct client - a machine that borrows
 * @entry: in the list of all
 * @name: its address
 * @hello: what it has asked for, clamped to what it gets
 * @token: opens data queues
 * @admitted: it has proved that it knows the key, or there is none
 * @denied: it has not, and is dropped as soon as it has been told
 * @admit_by: when it must have, once it is connected
 * @auth: how far it is with that
 * @verbs: the device that it came by
 * @pd: protection domain of the control queue
 * @domain: that of slabs and data queues
 * @conns: its queues
 * @nr_conns: how many
 * @control: the one for messages; NULL while the client is away
 * @away_until: when it is too late to come back; 0 if it is there
 * @reconciling: it is back, and has to name the slabs that it knows of
 * @slabs: what it has on loan
 * @lent: bytes of these and of those that it is going to have
 * @recalled: how many of these are called back
 * @next_slab: number of the next one
 * @next_round: of the slab thread, in which its next job has its turn
 * @jobs: slabs that are being got or freed
 * @unasked: those of them that it has not asked for
 * @gone: to be freed when these are done
 * @buffers: LEAP_CTRL_DEPTH messages to receive, then CTRL_ANSWERS to send
 * @buffers_mr: makes them reachable for the device
 * @tx_busy: bit i is set while message i is being sent
 * @probing: a probe is being sent
 * @probe_due: when it must have been, and the next one is due
 */
struct client {
	LIST_ENTRY(client) entry;
	char name[64];
	struct leap_hello_info hello;
	uint64_t token;
	bool admitted;
	bool denied;
	time_t admit_by;
	struct auth auth;
	struct ibv_context *verbs;
	struct ibv_pd *pd;
	struct domain *domain;
	LIST_HEAD(, conn) conns;
	unsigned int nr_conns;
	struct conn *control;
	time_t away_until;
	bool reconciling;
	LIST_HEAD(, slab) slabs;
	uint64_t lent;
	unsigned int recalled;
	uint32_t next_slab;
	uint64_t next_round;
	unsigned int jobs;
	unsigned int unasked;
	bool gone;
	struct leap_msg *buffers;
	struct ibv_mr *buffers_mr;
	uint32_t tx_busy;
	bool probing;
	time_t probe_due;
};

LIST_HEAD(clients, client);

/**
 * struct recalls - slabs called back since the start
 * @asked: how many
 * @cut_off: clients that were cut off because they kept one
 */
struct recalls {
	unsigned int asked;
	unsigned int cut_off;
};

extern struct options options;
extern struct account account;
extern struct clients clients;
extern struct recalls recalls;

/* options.c */
void options_parse(int argc, char **argv);

/* server.c */
int server_run(void);
int loop_add(struct source *source);
void loop_remove(struct source *source);
time_t loop_seconds(void);

/* client.c */
void client_request(struct rdma_cm_id *id, const struct rdma_conn_param *param);
void client_established(struct conn *conn);
void client_disconnected(struct rdma_cm_id *id);
void client_drop(struct client *client, const char *why);
void client_cut(struct client *client);
bool client_admit(struct client *client);
void client_tick(time_t time);
void client_job_done(struct client *client);

/* keep.c */
void client_lost(struct client *client, const char *why);
bool keep_fits(const struct client *before, const struct leap_hello_info *hello,
	       const struct ibv_context *verbs);
void keep_adopt(struct client *client, struct client *before);
void reconcile(struct client *client);
bool keep_expired(const struct client *client, time_t time);

/* control.c */
int control_init(struct client *client, struct conn *conn);
void control_exit(struct client *client);
void control_send(struct client *client, const struct leap_msg_info *msg);
void control_probe(struct client *client);
void control_granted(struct client *client, uint64_t seq, struct slab *slab,
		     enum leap_msg_status status);
void control_returned(struct client *client, uint64_t seq, uint32_t slab);
void control_recall(struct client *client, uint32_t slab, uint32_t seconds);

/* memory.c */
uint64_t memory_available(void);
uint64_t memory_total(void);

/* recall.c */
void recall_tick(time_t time);
void recall_forget(struct slab *slab);
void recall_again(struct client *client, time_t time);
unsigned int recall_pending(void);

/* slab.c */
int slab_init(void);
void slab_exit(void);
int slab_lend(struct client *client, uint64_t seq);
void slab_tick(time_t time);
bool slab_return(struct client *client, uint32_t id, uint64_t seq);
void slab_return_all(struct client *client);
void slab_take_back(struct slab *slab);
struct domain *domain_create(struct ibv_context *verbs);
void domain_put(struct domain *domain);
struct slab *slab_find(struct client *client, uint32_t id);
uint64_t slab_capacity(const struct client *client);

/* status.c */
void tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void status_tick(void);
void status_ready(void);
void event(const struct client *client, const char *what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif /* LEAPD_H */
