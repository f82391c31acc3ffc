// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: what happens to a folio between mm and a transport.
 *
 * Normal operation. A request belongs to this file, or to store.c, until the
 * transport's submit(), then to the transport until leap_io_done(). A load keeps
 * its folio locked until then. What a store is has its own file.
 *
 * Failure. A load that fails is tried again on the next copy, at once and from
 * where its failure was noticed. If there is none the folio is unlocked without
 * being up to date, which gives SIGBUS to who needs it.
 *
 * The folio is always ended once, by leap_io_done() or by the work it queues,
 * and cannot be touched after that.
 *
 * No lock here: a request is in one pair of hands at a time. Where it reads or
 * writes does not change while it is counted there, see spot.c.
 */
#include <linux/module.h>
#include <linux/pagemap.h>
#include "io.h"
#include "policy/hist.h"
#include "trace.h"

/* Requests that can be had when no memory is left. */
#define LEAP_IO_RESERVE	64

static struct kmem_cache *io_cache;
/* Two pools, so that stores cannot keep loads from starting. */
static mempool_t *io_pools[LEAP_OPS];
/*
 * For the second copy of a store and those after it. They are had and submitted
 * one by one and end by themselves, so that whoever waits for one gets it.
 */
static mempool_t *copy_pool;

/**
 * leap_io_free - a request is over
 * @io: which; its reference on the session goes, too
 */
void leap_io_free(struct leap_io *io)
{
	struct leap_session *session = io->session;

	mempool_free(io, io->lead == io ? io_pools[io->op] : copy_pool);
	leap_session_put(session);
}

/* Where its spot is. */
static void aim(struct leap_io *io)
{
	const struct leap_lease *lease;

	io->server = leap_spot_server(&io->spot);
	if (!io->server)
		return;
	lease = leap_spot_lease(&io->spot);
	io->addr = leap_spot_addr(&io->spot);
	io->rkey = lease->rkey;
	io->epoch = READ_ONCE(lease->epoch);
}

/**
 * leap_io_alloc - make a request
 * @session: whose; the caller's reference becomes the request's
 * @folio: to be moved
 * @op: where to
 * @spot: that is counted for it
 *
 * May sleep, until another request is over.
 *
 * Return: the request.
 */
struct leap_io *leap_io_alloc(struct leap_session *session, struct folio *folio,
			      enum leap_op op, const struct leap_spot *spot)
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
	INIT_LIST_HEAD(&io->list);
	return io;
}

static enum leap_event posted_event(enum leap_op op)
{
	return op == LEAP_STORE ? LEAP_POSTED_STORES : LEAP_POSTED_LOADS;
}

/**
 * leap_io_submit - hand a request to the transport
 * @io: which; it may be over on return
 *
 * Any context.
 */
void leap_io_submit(struct leap_io *io)
{
	leap_stats_add_server(io->server, posted_event(io->op), io->nr);
	trace_leap_submit(io);
	if (!io->server)
		leap_backup_load(io);
	else if (!leap_server_live(io->server))
		leap_io_done(io, -ENOTCONN);
	else if (leap_fault((enum leap_fault_point)io->op))
		leap_io_done(io, -EIO);
	else
		io->session->transport->submit(io);
}

/**
 * leap_io_alloc_copy - make one more request of a store
 * @lead: the store
 * @home: where it is to go
 *
 * May sleep, until another one of these is over.
 *
 * Return: the request.
 */
struct leap_io *leap_io_alloc_copy(struct leap_io *lead, u32 home)
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

static void account_load(struct leap_server *server, unsigned int nr)
{
	leap_stats_add(server, LEAP_LOADED_PAGES, nr);
	leap_stats_add(server, LEAP_LOADED_BYTES, (u64)nr << PAGE_SHIFT);
}

static void note_latency(struct leap_server *server, enum leap_op op, u64 ns)
{
	leap_stats_latency(leap_stats_all, op, ns);
	if (server)
		leap_stats_latency(server->stats, op, ns);
}

/**
 * leap_io_at_once - move a folio without a request, if that can be done
 * @session: whose
 * @folio: to be moved
 * @op: where to
 * @timed: somebody wants to know how long it takes
 * @spot: the place
 *
 * If all that the transport has to do is to copy, that is done here and now: a
 * request would cost more than the copy. Not if somebody wants to see requests.
 *
 * Return: true if it is done.
 */
bool leap_io_at_once(struct leap_session *session, struct folio *folio,
		     enum leap_op op, bool timed, const struct leap_spot *spot)
{
	const struct leap_transport *transport = session->transport;
	struct leap_server *server = leap_spot_server(spot);
	ktime_t started;

	if (!transport->copy || !transport->instant() ||
	    session->portal.replicas > 1 || session->portal.backup ||
	    !leap_server_live(server) ||
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
	server = leap_spot_server(&spot);
	if (leap_io_at_once(session, folio, LEAP_LOAD, demand, &spot)) {
		load_over(session, folio, &spot);
		goto out;
	}
	leap_stats_add(NULL, LEAP_POSTED_LOADS, spot.nr);
	io = leap_io_alloc(session, folio, LEAP_LOAD, &spot);
	io->entry = folio->swap;
	io->demand = demand;
	io->more = !demand && READ_ONCE(session->holder) == current;
	if (sync)
		io->waiter = &waiter;
	/* For poll() below: the request may take its own with it, and the server. */
	percpu_ref_get(&session->ios);
	rcu_read_lock();
	leap_io_submit(io);
	if (server && demand && session->transport->poll &&
	    !prefetch_comes_first(sync))
		session->transport->poll(server, folio);
	rcu_read_unlock();
	if (sync)
		wait_for_completion(&waiter);
out:
	if (session)
		leap_session_put(session);
}

/**
 * leap_io_load_again - somebody needs a page whose load has failed
 * @folio: in the swap cache, without its data; the caller holds a reference
 * @entry: its slot
 *
 * It may have been read ahead when its server was away, which may be back.
 */
void leap_io_load_again(struct folio *folio, swp_entry_t entry)
{
	if (!folio_trylock(folio))	/* somebody does it already */
		return;
	if (folio_test_swapcache(folio) && folio->swap.val == entry.val &&
	    !folio_test_uptodate(folio) && !folio_test_hwpoison(folio) &&
	    leap_next_remote(entry).val == entry.val)
		leap_io_load(folio, true, false);
	else
		folio_unlock(folio);
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
	io = leap_io_alloc(session, folio, op, spot);
	io->waiter = &waiter;
	io->result = &err;
	leap_io_submit(io);
	wait_for_completion(&waiter);
	return err;
}

static void copy_done(struct leap_io *io, int err)
{
	struct completion *waiter = io->waiter;

	leap_stats_add_server(io->server, posted_event(io->op), -(u64)io->nr);
	*io->result = err;
	leap_io_free(io);
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
	io->posted = ktime_get();
	io->more = false;	/* who has kept others back may have released them */
	leap_io_submit(io);
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
	leap_io_free(io);
	if (waiter)
		complete(waiter);
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
		leap_io_stored(io, err, ns);
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
