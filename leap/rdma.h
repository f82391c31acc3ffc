/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of the rdma transport share, and nobody else.
 *
 *	rdma.c		the transport: a server's set of queues
 *	rdma_queue.c	one queue: connection, queue pair, completion queue
 *	rdma_ctrl.c	messages on the control queue
 *	rdma_key.c	the first ones: proofs that both sides know the key
 *	rdma_io.c	pages on the data queues
 */
#ifndef LEAP_RDMA_H
#define LEAP_RDMA_H

#include <rdma/ib_verbs.h>
#include <rdma/rdma_cm.h>
#include "io.h"
#include "policy/proto.h"

struct leap_rdma;

/* Most loads that one work request serves. */
#define LEAP_MERGE_MAX	8

/**
 * struct leap_queue - a reliable connection and its queue pair
 * @rdma: whose
 * @role: control or data
 * @id: the connection
 * @cq: its completions
 * @work: polls @cq in softirq context when the device says so
 * @event: a step of the connection has been made
 * @status: 0, or why it failed
 * @established: welcomed; from now on a disconnect means that the server is lost
 * @epoch: of the server, when it was connected; requests of another do not belong
 * @welcome: what the server has said
 * @confirm: a write must be confirmed by a read, see rdma_io.c
 * @confirm_cqe: completion of a write that is going to be
 * @lock: protects all below
 * @dead: posts nothing: not connected yet, or not any more
 * @depth: most work requests at a time
 * @merge: most loads that become one, 1 if the device cannot do that
 * @posted: work requests that the device has
 * @inflight: these, oldest first
 * @pending: requests that wait for one of them to end
 */
struct leap_queue {
	struct leap_rdma *rdma;
	enum leap_role role;
	struct rdma_cm_id *id;
	struct ib_cq *cq;
	struct work_struct work;
	struct completion event;
	int status;
	bool established;
	u32 epoch;
	struct leap_welcome_info welcome;
	bool confirm;
	struct ib_cqe confirm_cqe;

	spinlock_t lock;	/* see above */
	bool dead;
	unsigned int depth;
	unsigned int merge;
	unsigned int posted;
	struct list_head inflight;
	struct list_head pending;
};

/**
 * struct leap_ctrl_buf - one message in memory that the device can reach
 * @cqe: its completion
 * @rdma: whose
 * @wire: the message
 * @dma: its address for the device
 */
struct leap_ctrl_buf {
	struct ib_cqe cqe;
	struct leap_rdma *rdma;
	struct leap_msg *wire;
	u64 dma;
};

/**
 * struct leap_ctrl - the control queue's messages
 * @mutex: one call at a time
 * @tx: the message that is being sent
 * @rx: those that can be received
 * @sent: @tx may be used again
 * @stuck: @sent has not come in time: the device may read @tx still; under @mutex
 * @lock: protects @seq and @reply
 * @seq: of the call that waits for an answer, 0 if none does
 * @last_seq: of the last call
 * @reply: its answer
 * @replied: the answer has come
 */
struct leap_ctrl {
	struct mutex mutex;	/* see above */
	struct leap_ctrl_buf tx;
	struct leap_ctrl_buf rx[LEAP_CTRL_DEPTH];
	struct completion sent;
	bool stuck;
	spinlock_t lock;	/* see above */
	u64 seq;
	u64 last_seq;
	struct leap_msg_info reply;
	struct completion replied;
};

/**
 * struct leap_rdma - a server, as this transport sees it
 *
 * It and its queues stay while the server does, and are used again when that is
 * connected anew, so that those who submit requests need no reference on them.
 *
 * @server: as the rest of the module sees it
 * @net: where the session was made
 * @conn_mutex: to connect, and to let go of the device
 * @connect_by: until then, or it is not going to be, in jiffies
 * @pd: protection domain of all queues
 * @sink: where reads that confirm a write go; nobody looks at it
 * @sink_dma: its address for the device
 * @client_id: names this client to the server
 * @hello: what it has said, on the control queue
 * @token: proves it, on the data queues and when it comes back
 * @control: for messages
 * @demand: for loads that somebody waits for, by CPU
 * @bulk: for everything else, by CPU
 * @nr: how many of each, once it has been connected
 * @granted: data queues that the server has granted then
 * @average_ns: how long demand loads take, as a moving average
 * @ctrl: messages
 * @usage_mutex: so that no usage of a slab is told after it was given back
 * @report_from: slab to begin with when usage is told next; under @usage_mutex
 * @removal: lets go of a device that is being removed
 */
struct leap_rdma {
	struct leap_server *server;
	struct net *net;
	struct mutex conn_mutex;	/* see above */
	unsigned long connect_by;
	struct ib_pd *pd;
	u64 *sink;
	u64 sink_dma;
	u8 client_id[LEAP_CLIENT_ID_LEN];
	struct leap_hello_info hello;
	u64 token;
	struct leap_queue *control;
	struct leap_queue *demand[LEAP_QUEUES_MAX / 2];
	struct leap_queue *bulk[LEAP_QUEUES_MAX / 2];
	unsigned int nr;
	unsigned int granted;
	unsigned long average_ns;
	struct leap_ctrl ctrl;
	struct mutex usage_mutex;	/* see above */
	u32 report_from;
	struct work_struct removal;
};

/* rdma_queue.c */
int leap_queue_create(struct leap_queue **place, struct leap_rdma *rdma,
		      enum leap_role role, unsigned int vector,
		      unsigned int queues);
void leap_queue_stop(struct leap_queue *queue);
void leap_queue_close(struct leap_queue *queue);
void leap_queue_disown(struct leap_queue *queue);
int leap_queue_poll(struct leap_queue *queue);

/* rdma_ctrl.c */
void leap_ctrl_init(struct leap_rdma *rdma);
void leap_ctrl_exit(struct leap_rdma *rdma);
int leap_ctrl_listen(struct leap_queue *queue);
int leap_ctrl_send(struct leap_rdma *rdma, u32 epoch, struct leap_msg_info *msg);
int leap_ctrl_call(struct leap_rdma *rdma, u32 epoch, struct leap_msg_info *msg,
		   u16 answer);
void leap_ctrl_abort(struct leap_rdma *rdma);

/* rdma_key.c */
int leap_rdma_prove(struct leap_rdma *rdma);

/* rdma_io.c */
void leap_rdma_submit(struct leap_io *io);
void leap_rdma_flush(struct leap_server *server);
void leap_rdma_fail_all(struct leap_queue *queue);
int leap_rdma_sink_init(struct leap_rdma *rdma);
void leap_rdma_sink_exit(struct leap_rdma *rdma);
void leap_rdma_write_done(struct ib_cq *cq, struct ib_wc *wc);
void leap_rdma_poll(struct leap_server *server, struct folio *folio);
bool leap_queue_overdue(struct leap_queue *queue, unsigned int timeout_ms);

#endif /* LEAP_RDMA_H */
