// SPDX-License-Identifier: GPL-2.0
/*
 * Stores: a folio goes to all the homes that its slots have.
 *
 * Normal operation. mm hands over a dirty, locked folio; its place in a slab is
 * taken first, so that a refusal leaves the folio untouched. From
 * leap_store_begin() on the folio is under writeback and the store's. It waits,
 * bounded, until fewer than store_depth pages are under way, then becomes as many
 * requests as there are copies. The first of them is the store, and counts how
 * many are left, what backup.c writes to the swap device among them; whoever ends
 * the last one ends the store.
 *
 * Failure. What could not be written is made up for by repair.c, and a store whose
 * requests have all ended is done if one copy has been. If none was, it is finished
 * by leap_wq in process context: its place is given up first, so that nobody can
 * read the half-written slot, then leap_store_end() writes the folio to the swap
 * device, if it is not there already.
 *
 * No lock: what several requests of a store change at a time is atomic.
 */
#include <linux/module.h>
#include <linux/sched/mm.h>
#include "io.h"

static unsigned int store_depth = 256;
module_param(store_depth, uint, 0644);
MODULE_PARM_DESC(store_depth,
		 "pages that may be on their way to the servers at a time (default 256)");

static bool take_turn(struct leap_session *session, unsigned int nr)
{
	int old = atomic_read(&session->active);

	do {	/* a folio larger than the limit may go alone */
		if (old && old + nr > READ_ONCE(store_depth))
			return false;
	} while (!atomic_try_cmpxchg(&session->active, &old, old + nr));
	return true;
}

static void end_turn(struct leap_session *session, unsigned int nr)
{
	atomic_sub(nr, &session->active);
	if (wq_has_sleeper(&session->store_wait))
		wake_up(&session->store_wait);
}

/*
 * Kernel threads reclaim, too, when they need memory, and one of them may be the
 * one that moves our packets (siw). kswapd and workers, which reclaim above
 * memory.high, have nothing better to do.
 */
static long patience(const struct leap_session *session)
{
	if (current->flags & PF_KTHREAD &&
	    !(current->flags & (PF_KSWAPD | PF_WQ_WORKER)))
		return 0;
	return msecs_to_jiffies(session->portal.timeout_ms);
}

static void store_left(struct leap_session *session)
{
	if (atomic_dec_and_test(&session->stores))
		wake_up(&session->store_wait);
}

/* The end of a store that has failed. */
static void store_failed(struct work_struct *work)
{
	struct leap_io *io = container_of(work, struct leap_io, work);
	unsigned int noio = memalloc_noio_save();	/* see leap_wq */

	might_sleep();
	leap_map_put(io->session, io->entry, io->nr);
	leap_store_end(io->folio, io->err);
	store_left(io->session);
	leap_io_free(io);
	memalloc_noio_restore(noio);
}

/* One request for each copy. The store, and @lead, may be over on return. */
static void submit_store(struct leap_io *lead)
{
	unsigned long copies = lead->spot.store.copies;
	u32 home;

	leap_stats_add(NULL, LEAP_POSTED_STORES, lead->nr);
	atomic_set(&lead->left, hweight_long(copies));
	for_each_set_bit(home, &copies, LEAP_HOMES_MAX)
		if (home != lead->spot.home)
			leap_io_submit(leap_io_alloc_copy(lead, home));
	leap_io_submit(lead);
	if (copies & BIT(LEAP_COPY_DISK))	/* so @lead is not over yet */
		leap_backup_store(lead);
}

static void account_store(struct leap_server *server, unsigned int nr)
{
	leap_stats_add(server, LEAP_STORED_PAGES, nr);
	leap_stats_add(server, LEAP_STORED_BYTES, (u64)nr << PAGE_SHIFT);
}

/* Take a place for the folio, or say why it cannot be stored. */
static int store_place(struct leap_session *session, struct folio *folio,
		       struct leap_spot *spot)
{
	if (READ_ONCE(session->draining))
		return -ESHUTDOWN;
	return leap_map_get(session, folio->swap, folio_nr_pages(folio), spot);
}

/* The end of a store that has not become a request. */
static void store_over(struct leap_session *session, struct folio *folio,
		       const struct leap_spot *spot, bool written)
{
	struct leap_server *server = leap_spot_lease(spot)->server;
	bool stored;

	rcu_read_lock();	/* keeps the server: see server.c */
	stored = leap_spot_written(session, spot, written ? spot->store.copies : 0) !=
		 LEAP_STORED_NOWHERE;
	if (stored)
		account_store(server, spot->nr);
	rcu_read_unlock();
	if (stored) {
		leap_store_end(folio, 0);
		return;
	}
	leap_stats_add(NULL, LEAP_REFUSED_STORES, spot->nr);
	leap_map_put(session, folio->swap, spot->nr);
	leap_store_end(folio, -EBUSY);
}

/**
 * leap_io_store - &leap_ops.store
 * @folio: dirty and locked
 *
 * Return: 0 if the folio has been taken over, else why not.
 */
int leap_io_store(struct folio *folio)
{
	struct leap_session *session = leap_session_get();
	struct leap_spot spot;
	struct leap_io *io;
	bool written;
	int err;

	if (!session)
		return -ENOTCONN;
	atomic_inc(&session->stores);
	/* Counted before draining is looked at: see leap_io_drain_stores(). */
	smp_mb__after_atomic();
	err = store_place(session, folio, &spot);
	if (err) {
		leap_stats_add(NULL, LEAP_REFUSED_STORES, folio_nr_pages(folio));
		goto out;
	}

	leap_verify_note(&spot, folio);
	leap_store_begin(folio);
	written = leap_io_at_once(session, folio, LEAP_STORE, true, &spot);
	if (!written && wait_event_timeout(session->store_wait,
					   take_turn(session, spot.nr),
					   patience(session))) {
		io = leap_io_alloc(session, folio, LEAP_STORE, &spot);
		io->entry = folio->swap;
		INIT_WORK(&io->work, store_failed);
		submit_store(io);
		return 0;
	}
	store_over(session, folio, &spot, written);
out:
	store_left(session);
	leap_session_put(session);
	return err;
}

/**
 * leap_io_drain_stores - wait for all stores to end
 * @session: with @draining set, so that no new one can start
 */
void leap_io_drain_stores(struct leap_session *session)
{
	might_sleep();
	/* Draining was set before the stores are counted: see leap_io_store(). */
	smp_mb();
	wait_event(session->store_wait, !atomic_read(&session->stores));
}

/* All copies of a store are written, or not. */
static void store_complete(struct leap_io *io, u64 ns)
{
	enum leap_stored stored = leap_spot_written(io->session, &io->spot,
						    atomic_read(&io->written));

	end_turn(io->session, io->nr);
	if (stored == LEAP_STORED_NOWHERE) {
		leap_stats_add(NULL, LEAP_FAILED_STORES, io->nr);
		io->err = io->err ?: -EIO;	/* its homes were given up meanwhile */
		queue_work(leap_wq, &io->work);
		return;
	}
	if (stored == LEAP_STORED_LOCAL) {
		leap_stats_add(NULL, LEAP_FAILED_STORES, io->nr);
		leap_map_put(io->session, io->entry, io->nr);
		leap_store_local(io->folio);
	} else {
		account_store(NULL, io->nr);
		leap_stats_latency(leap_stats_all, LEAP_STORE, ns);
		leap_store_end(io->folio, 0);
	}
	store_left(io->session);
	leap_io_free(io);
}

static void account_copy(struct leap_io *io, int err, u64 ns)
{
	if (err) {
		leap_stats_add_server(io->server, LEAP_FAILED_STORES, io->nr);
		return;
	}
	leap_stats_add_server(io->server, LEAP_STORED_PAGES, io->nr);
	leap_stats_add_server(io->server, LEAP_STORED_BYTES,
			      (u64)io->nr << PAGE_SHIFT);
	leap_stats_latency(io->server->stats, LEAP_STORE, ns);
}

/**
 * leap_io_copy_done - one copy of a store is written, or not
 * @lead: the store; it is over with the last of its copies
 * @copy: which copy
 * @err: 0 if it is
 *
 * Any context.
 */
void leap_io_copy_done(struct leap_io *lead, u32 copy, int err)
{
	if (err)
		WRITE_ONCE(lead->err, err);
	else
		atomic_or(BIT(copy), &lead->written);
	if (atomic_dec_and_test(&lead->left))
		store_complete(lead, ktime_to_ns(ktime_sub(ktime_get(),
							   lead->started)));
}

/**
 * leap_io_stored - one of the requests of a store is over
 * @io: which; it is gone afterwards
 * @err: 0 if it has been written there
 * @ns: how long it took
 *
 * Any context.
 */
void leap_io_stored(struct leap_io *io, int err, u64 ns)
{
	struct leap_io *lead = io->lead;
	u32 home = io->spot.home;

	account_copy(io, err, ns);
	if (io != lead)
		leap_io_free(io);
	leap_io_copy_done(lead, home, err);
}
