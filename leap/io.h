/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests, for those who make them and those who carry them out.
 *
 *	io.c		a request from its birth to leap_io_done(); loads
 *	store.c		stores, which may be several requests
 *	pieces.c	large folios that cannot be loaded in one piece
 *	backup.c	what goes to the swap device as well, and is read from there
 */
#ifndef LEAP_IO_H
#define LEAP_IO_H

#include "slab.h"

/**
 * struct leap_io - a request: one folio, in one piece, to or from one slab
 * @session: holds a reference
 * @server: where; NULL for the swap device
 * @lead: of a store that goes to several servers, the request for the first one,
 *	which is the store; @left and @written are its
 * @left: copies that are under way
 * @written: copies that have been acknowledged, bit i for copy i
 * @tried: of a load: copies that have failed, likewise
 * @folio: locked (load) or under writeback (store), or leap_io_copy()'s own
 * @entry: its first slot; a folio outside the swap cache may forget it
 * @nr: its pages, or so many of them
 * @op: what to do
 * @demand: somebody waits for it
 * @more: others will be submitted at once, and then flush() called
 * @waiter: completed at the end, for who waits for that
 * @result: set to the error before that, for leap_io_copy() alone
 * @spot: the place in the slab
 * @addr: first byte of the place in the slab, as the server sees it
 * @rkey: of the slab
 * @epoch: of the connection that both are good for
 * @started: when mm asked
 * @posted: when it was handed to the device, or was turned to another copy
 * @err: why it has failed
 * @work: ends a store that has failed, or reads from the swap device, in process
 *	context
 * @list: the transport's
 * @rdma: the transport's: completion, DMA address, queue, and the requests that
 *	share its completion
 * @due: the dram transport's: when it is to be over
 */
struct leap_io {
	struct leap_session *session;
	struct leap_server *server;
	struct leap_io *lead;
	atomic_t left, written;
	u32 tried;
	struct folio *folio;
	swp_entry_t entry;
	unsigned int nr;
	enum leap_op op;
	bool demand;
	bool more;
	struct completion *waiter;
	int *result;
	struct leap_spot spot;
	u64 addr;
	u32 rkey;
	u32 epoch;
	ktime_t started, posted;
	int err;
	struct work_struct work;
	struct list_head list;
	union {
		struct {
			struct ib_cqe cqe;
			u64 dma;
			struct leap_queue *queue;
			struct list_head others;
		} rdma;
		ktime_t due;
	};
};

/* io.c: for mm */
int leap_io_init(void);
void leap_io_exit(void);
void leap_io_load(struct folio *folio, bool demand, bool sync);
void leap_io_load_again(struct folio *folio, swp_entry_t entry);
struct leap_session *leap_io_hold(void);
void leap_io_release(struct leap_session *session);
void leap_io_poll(swp_entry_t entry, struct folio *folio);

/* io.c: for the rest of the module */
int leap_io_copy(struct leap_session *session, struct folio *folio,
		 const struct leap_spot *spot, enum leap_op op);
void leap_io_done(struct leap_io *io, int err);

/* io.c: for store.c */
struct leap_io *leap_io_alloc(struct leap_session *session, struct folio *folio,
			      enum leap_op op, const struct leap_spot *spot);
struct leap_io *leap_io_alloc_copy(struct leap_io *lead, u32 home);
void leap_io_free(struct leap_io *io);
void leap_io_submit(struct leap_io *io);
bool leap_io_at_once(struct leap_session *session, struct folio *folio,
		     enum leap_op op, bool timed, const struct leap_spot *spot);

/* store.c */
int leap_io_store(struct folio *folio);
void leap_io_drain_stores(struct leap_session *session);
void leap_io_stored(struct leap_io *io, int err, u64 ns);
void leap_io_copy_done(struct leap_io *lead, u32 copy, int err);

/* backup.c */
void leap_backup_store(struct leap_io *lead);
void leap_backup_load(struct leap_io *io);
void leap_backup_done(void *private, int err);
ssize_t leap_backup_show(char *buf, int at);

/* pieces.c */
int leap_pieces_load(struct leap_session *session, struct folio *folio);

#endif /* LEAP_IO_H */
