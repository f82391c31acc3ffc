// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: what happens to a folio between mm and a transport.
 *
 * Normal operation. A store: mm hands over a dirty, locked folio; its place in
 * a slab is taken first, so that a refusal leaves the folio untouched. From
 * leap_store_begin() on the folio is under writeback and the request's. It
 * waits, bounded, until fewer than store_depth pages are under way, then
 * belongs to the transport until leap_io_done(). With several copies it is as many
 * requests, and over with the last of them. A load: the folio is locked until
 * leap_io_done().
 *
 * Failure. A load that fails is tried again on the next copy, at once and from
 * where its failure was noticed. If there is none the folio is unlocked without
 * being up to date, which gives SIGBUS to who needs it. A store is done if one
 * copy has been written: those that could not be are made up for by repair.c. If
 * none was, it is finished by leap_wq in process context: its place is given up
 * first, so that nobody can read the half-written slot, then leap_store_end()
 * writes the folio to the swap device.
 *
 * The folio is always ended once, by leap_io_done() or by the work it queues,
 * and cannot be touched after that.
 */
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include "leap.h"
#include "policy/hist.h"
#include "trace.h"

/* Requests that can be had when no memory is left. */
#define LEAP_IO_RESERVE	64

static unsigned int store_depth = 256;
module_param(store_depth, uint, 0644);
MODULE_PARM_DESC(store_depth,
		 "pages that may be on their way to the servers at a time (default 256)");

static struct kmem_cache *io_cache;
/* Two pools, so that stores cannot keep loads from starting. */
static mempool_t *io_pools[LEAP_OPS];
/*
 * For the second copy of a store and those after it. They are had and submitted
 * one by one and end by themselves, so that whoever waits for one gets it.
 */
static mempool_t *copy_pool;

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

static void io_free(struct leap_io *io)
{
	struct leap_session *session = io->session;

	mempool_free(io, io->lead == io ? io_pools[io->op] : copy_pool);
	leap_session_put(session);
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
	io_free(io);
	memalloc_noio_restore(noio);
}

/* Where its spot is. */
static void aim(struct leap_io *io)
{
	const struct leap_lease *lease = leap_spot_lease(&io->spot);

	io->server = lease->server;
	io->addr = leap_spot_addr(&io->spot);
	io->rkey = lease->rkey;
	io->epoch = READ_ONCE(lease->epoch);
}

/* The reference on @session becomes the request's. */
static struct leap_io *io_alloc(struct leap_session *session,
				struct folio *folio, enum leap_op op,
				const struct leap_spot *spot)
{
	struct leap_io *io = mempool_alloc(io_pools[op], GFP_NOIO);

	memset(io, 0, sizeof(*io));
	io->session = session;
	io->lead = io;
	io->folio = folio;
	io->nr = spot->nr;
	io->op = op;
	io->spot = *spot;
	aim(io);
	io->started = ktime_get();
	INIT_WORK(&io->work, store_failed);
	INIT_LIST_HEAD(&io->list);
	return io;
}

static enum leap_event posted_event(enum leap_op op)
{
	return op == LEAP_STORE ? LEAP_POSTED_STORES : LEAP_POSTED_LOADS;
}

static void io_submit(struct leap_io *io)
{
	leap_stats_add_server(io->server, posted_event(io->op), io->nr);
	trace_leap_submit(io);
	if (!leap_server_live(io->server))
		leap_io_done(io, -ENOTCONN);
	else if (leap_fault((enum leap_fault_point)io->op))
		leap_io_done(io, -EIO);
	else
		io->session->transport->submit(io);
}

static struct leap_io *copy_of(struct leap_io *lead, u32 home)
{
	struct leap_io *io = mempool_alloc(copy_pool, GFP_NOIO);

	memset(io, 0, sizeof(*io));
	percpu_ref_get(&lead->session->ios);
	io->session = lead->session;
	io->lead = lead;
	io->folio = lead->folio;
	io->entry = lead->entry;
	io->nr = lead->nr;
	io->op = LEAP_STORE;
	io->spot = lead->spot;
	io->spot.home = home;
	aim(io);
	io->started = lead->started;
	INIT_LIST_HEAD(&io->list);
	return io;
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
			io_submit(copy_of(lead, home));
	io_submit(lead);
}

static void account_load(struct leap_server *server, unsigned int nr)
{
	leap_stats_add(server, LEAP_LOADED_PAGES, nr);
	leap_stats_add(server, LEAP_LOADED_BYTES, (u64)nr << PAGE_SHIFT);
}

static void account_store(struct leap_server *server, unsigned int nr)
{
	leap_stats_add(server, LEAP_STORED_PAGES, nr);
	leap_stats_add(server, LEAP_STORED_BYTES, (u64)nr << PAGE_SHIFT);
}

static void note_latency(struct leap_server *server, enum leap_op op, u64 ns)
{
	leap_stats_latency(leap_stats_all, op, ns);
	leap_stats_latency(server->stats, op, ns);
}

/*
 * If all that the transport has to do is to copy, that is done here and now: a
 * request would cost more than the copy. Not if somebody wants to see requests.
 */
static bool at_once(struct leap_session *session, struct folio *folio,
		    enum leap_op op, bool timed, const struct leap_spot *spot)
{
	const struct leap_transport *transport = session->transport;
	struct leap_server *server = leap_spot_lease(spot)->server;
	ktime_t started;

	if (!transport->copy || !transport->instant() ||
	    session->portal.replicas > 1 || !leap_server_live(server) ||
	    leap_fault_armed((enum leap_fault_point)op) || trace_leap_submit_enabled() ||
	    trace_leap_done_enabled())
		return false;
	started = ktime_get();
	transport->copy(leap_spot_addr(spot), folio, 0, spot->nr, op);
	leap_stats_add(server, posted_event(op), folio_nr_pages(folio));
	if (timed)
		note_latency(server, op,
			     ktime_to_ns(ktime_sub(ktime_get(), started)));
	return true;
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
	stored = leap_spot_written(session, spot, written ? spot->store.copies : 0);
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
	written = at_once(session, folio, LEAP_STORE, true, &spot);
	if (!written && wait_event_timeout(session->store_wait,
					   take_turn(session, spot.nr),
					   patience(session))) {
		io = io_alloc(session, folio, LEAP_STORE, &spot);
		io->entry = folio->swap;
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

/* Then it is leap_reader_fault() that polls, after it has posted more. */
static bool prefetch_comes_first(bool sync)
{
	struct leap_mm *lm = current->mm ? READ_ONCE(current->mm->leap) : NULL;

	return lm && READ_ONCE(lm->prefetch) && !sync;
}

/* The end of a load that has not become a request. */
static void load_over(struct leap_session *session, struct folio *folio,
		      const struct leap_spot *spot)
{
	struct leap_server *server = leap_spot_lease(spot)->server;
	int err = leap_verify_check(spot, folio, 0);

	if (err)
		leap_stats_add(server, LEAP_FAILED_LOADS, spot->nr);
	else
		account_load(server, spot->nr);
	leap_spot_read(session, spot);
	leap_load_end(folio, err);
}

/* The end of a load that has no spot for all of the folio. */
static void load_otherwise(struct leap_session *session, struct folio *folio)
{
	int err = session ? leap_pieces_load(session, folio) : -EIO;

	if (err)
		leap_stats_add(NULL, LEAP_FAILED_LOADS, folio_nr_pages(folio));
	leap_load_end(folio, err);
}

/**
 * leap_io_load - &leap_ops.load
 * @folio: locked
 * @demand: somebody waits for it
 * @sync: it must be over on return
 */
void leap_io_load(struct folio *folio, bool demand, bool sync)
{
	struct leap_session *session = leap_session_get();
	DECLARE_COMPLETION_ONSTACK(waiter);
	struct leap_server *server;
	struct leap_spot spot;
	struct leap_io *io;

	if (!session || !leap_map_find(session, folio->swap,
				       folio_nr_pages(folio), &spot)) {
		load_otherwise(session, folio);
		goto out;
	}
	server = leap_spot_lease(&spot)->server;
	if (at_once(session, folio, LEAP_LOAD, demand, &spot)) {
		load_over(session, folio, &spot);
		goto out;
	}
	leap_stats_add(NULL, LEAP_POSTED_LOADS, spot.nr);
	io = io_alloc(session, folio, LEAP_LOAD, &spot);
	io->entry = folio->swap;
	io->demand = demand;
	io->more = !demand && READ_ONCE(session->holder) == current;
	if (sync)
		io->waiter = &waiter;
	/* For poll() below: the request may take its own with it, and the server. */
	percpu_ref_get(&session->ios);
	rcu_read_lock();
	io_submit(io);
	if (demand && session->transport->poll && !prefetch_comes_first(sync))
		session->transport->poll(server, folio);
	rcu_read_unlock();
	if (sync)
		wait_for_completion(&waiter);
out:
	if (session)
		leap_session_put(session);
}

/**
 * leap_io_hold - the caller is about to start several loads that nobody waits for
 *
 * Such loads of pages that are neighbours in a slab may become one request. They
 * are kept back until leap_io_release(), and the caller does not sleep before. Only
 * one caller at a time is granted that, so that no more than its loads are kept.
 *
 * Return: for leap_io_release().
 */
struct leap_session *leap_io_hold(void)
{
	struct leap_session *session = leap_session_get();

	if (!session)
		return NULL;
	if (session->transport->flush &&
	    !cmpxchg(&session->holder, NULL, current))
		return session;
	leap_session_put(session);
	return NULL;
}

/**
 * leap_io_release - start what has been kept back since leap_io_hold()
 * @session: what that has returned
 */
void leap_io_release(struct leap_session *session)
{
	struct leap_server *server;
	unsigned int i;

	if (!session)
		return;
	WRITE_ONCE(session->holder, NULL);
	rcu_read_lock();
	for (i = 0; i < READ_ONCE(session->places); i++) {
		server = leap_session_server(session, i);
		if (server && leap_server_live(server))
			session->transport->flush(server);
	}
	rcu_read_unlock();
	leap_session_put(session);
}

/**
 * leap_io_poll - spin for a demand load, if that pays
 * @entry: its slot
 * @folio: its page; the caller holds a reference
 */
void leap_io_poll(swp_entry_t entry, struct folio *folio)
{
	struct leap_session *session = leap_session_get();
	struct leap_server *server = NULL;

	if (!session)
		return;
	rcu_read_lock();
	if (session->transport->poll && folio_test_locked(folio))
		server = leap_map_server(session, entry);
	if (server)
		session->transport->poll(server, folio);
	rcu_read_unlock();
	leap_session_put(session);
}

/**
 * leap_io_copy - move bytes between a slab and a folio that is no page of mm's
 * @session: whose; it has requests under way, or is not going to end
 * @folio: at least as large as the spot
 * @spot: where; the caller has it counted
 * @op: load to or store from the folio
 *
 * May sleep, bounded by the timeout.
 *
 * Return: 0 or why it has failed.
 */
int leap_io_copy(struct leap_session *session, struct folio *folio,
		 const struct leap_spot *spot, enum leap_op op)
{
	DECLARE_COMPLETION_ONSTACK(waiter);
	struct leap_io *io;
	int err;

	percpu_ref_get(&session->ios);
	io = io_alloc(session, folio, op, spot);
	io->waiter = &waiter;
	io->result = &err;
	io_submit(io);
	wait_for_completion(&waiter);
	return err;
}

static void copy_done(struct leap_io *io, int err)
{
	struct completion *waiter = io->waiter;

	leap_stats_add_server(io->server, posted_event(io->op), -(u64)io->nr);
	*io->result = err;
	io_free(io);
	complete(waiter);
}

/* False if there is no copy that was not tried. */
static bool load_again(struct leap_io *io)
{
	struct leap_server *server = io->server;
	int err;

	io->tried |= BIT(io->spot.home);
	rcu_read_lock();	/* keeps the first server */
	err = leap_spot_again(io->session, &io->spot, io->tried);
	if (!err)
		leap_stats_add_server(server, LEAP_FAILED_LOADS, io->nr);
	rcu_read_unlock();
	if (err)
		return false;
	leap_stats_add(NULL, LEAP_RETRIED_LOADS, io->nr);
	aim(io);
	io->more = false;	/* who has kept others back may have released them */
	io_submit(io);
	return true;
}

static int check_load(struct leap_io *io)
{
	int err = leap_verify_check(&io->spot, io->folio, 0);

	if (err)
		leap_spot_spoil(io->session, &io->spot);
	return err;
}

static void load_done(struct leap_io *io, int err, u64 ns)
{
	struct completion *waiter = io->waiter;

	if (!err)
		err = check_load(io);
	if (err && load_again(io))
		return;
	if (err) {
		leap_stats_add(io->server, LEAP_FAILED_LOADS, io->nr);
	} else {
		account_load(io->server, io->nr);
		if (io->demand)
			note_latency(io->server, LEAP_LOAD, ns);
	}
	leap_spot_read(io->session, &io->spot);	/* the server may go then */
	leap_load_end(io->folio, err);
	io_free(io);
	if (waiter)
		complete(waiter);
}

/* All copies of a store are written, or not. */
static void store_complete(struct leap_io *io, u64 ns)
{
	bool stored = leap_spot_written(io->session, &io->spot,
					atomic_read(&io->written));

	end_turn(io->session, io->nr);
	if (!stored) {
		leap_stats_add(NULL, LEAP_FAILED_STORES, io->nr);
		io->err = io->err ?: -EIO;	/* its homes were given up meanwhile */
		queue_work(leap_wq, &io->work);
		return;
	}
	account_store(NULL, io->nr);
	leap_stats_latency(leap_stats_all, LEAP_STORE, ns);
	leap_store_end(io->folio, 0);
	store_left(io->session);
	io_free(io);
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

/* One copy is. */
static void store_done(struct leap_io *io, int err, u64 ns)
{
	struct leap_io *lead = io->lead;

	account_copy(io, err, ns);
	if (err)
		WRITE_ONCE(lead->err, err);
	else
		atomic_or(BIT(io->spot.home), &lead->written);
	if (io != lead)
		io_free(io);
	if (atomic_dec_and_test(&lead->left))
		store_complete(lead, ns);
}

/**
 * leap_io_done - a transport has finished a request
 * @io: the request, which is gone afterwards
 * @err: 0 only if the completion's status said that all bytes have moved
 *
 * Any context.
 */
void leap_io_done(struct leap_io *io, int err)
{
	u64 ns = ktime_to_ns(ktime_sub(ktime_get(), io->started));

	trace_leap_done(io, err, ns);
	if (io->result)
		copy_done(io, err);
	else if (io->op == LEAP_STORE)
		store_done(io, err, ns);
	else
		load_done(io, err, ns);
}

/**
 * leap_io_init - set the pools up
 *
 * Return: 0 or -ENOMEM.
 */
int leap_io_init(void)
{
	int op;

	io_cache = KMEM_CACHE(leap_io, 0);
	if (!io_cache)
		return -ENOMEM;
	copy_pool = mempool_create_slab_pool(LEAP_IO_RESERVE, io_cache);
	if (!copy_pool) {
		leap_io_exit();
		return -ENOMEM;
	}
	for (op = 0; op < LEAP_OPS; op++) {
		io_pools[op] = mempool_create_slab_pool(LEAP_IO_RESERVE, io_cache);
		if (!io_pools[op]) {
			leap_io_exit();
			return -ENOMEM;
		}
	}
	return 0;
}

/** leap_io_exit - the reverse; no request is left */
void leap_io_exit(void)
{
	int op;

	for (op = 0; op < LEAP_OPS; op++)
		mempool_destroy(io_pools[op]);
	mempool_destroy(copy_pool);
	kmem_cache_destroy(io_cache);
}
