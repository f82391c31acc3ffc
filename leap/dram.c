// SPDX-License-Identifier: GPL-2.0
/*
 * The dram transport: slabs in this machine's own memory.
 *
 * No daemon and no network, the same code above it. For machines that want
 * their swapped pages kept apart, and for tests and benches: with
 * dram_latency_us every request takes that long, as if it went over a wire of
 * unlimited bandwidth.
 *
 * Without that, a load is over before it could have been put into the swap
 * cache, where its page would be kept a second time. So it is read past it, if
 * the latency is 0 when the session is made.
 */
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include "io.h"

static unsigned int dram_latency_us;
module_param(dram_latency_us, uint, 0644);
MODULE_PARM_DESC(dram_latency_us,
		 "how long each request of a dram:// session takes, in microseconds (default 0)");

#define DRAM_SLAB_SHIFT	26

/**
 * struct dram - requests on their way over that wire
 * @lock: protects @wire, and the server's capacity
 * @wire: first come, first served
 * @timer: runs while there are any, until the first one is due
 */
struct dram {
	spinlock_t lock;	/* see above */
	struct list_head wire;
	struct hrtimer timer;
};

static enum hrtimer_restart arrive(struct hrtimer *timer);

static int dram_connect(struct leap_server *server)
{
	struct leap_session *session = server->session;
	struct dram *dram;
	int err = leap_session_slab_size(session, session->slab_shift ?:
					 DRAM_SLAB_SHIFT);

	if (err)
		return err;
	dram = kzalloc(sizeof(*dram), GFP_KERNEL);
	if (!dram)
		return -ENOMEM;
	spin_lock_init(&dram->lock);
	INIT_LIST_HEAD(&dram->wire);
	hrtimer_init(&dram->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	dram->timer.function = arrive;
	server->priv = dram;
	server->capacity = server->addr.bytes;
	/* Past the cache, a large folio has to be in one piece in one copy. */
	session->synchronous = !READ_ONCE(dram_latency_us) &&
			       session->portal.replicas == 1 &&
			       !session->portal.backup;
	return 0;
}

static void dram_disconnect(struct leap_server *server)
{
	struct leap_session *session = server->session;
	struct dram *dram = server->priv;
	u32 nr, i;

	hrtimer_cancel(&dram->timer);	/* the last request has ended, it may have not */
	kfree(dram);
	if (server->capacity == server->addr.bytes)
		return;		/* nothing is lent, and slabs may come and go */
	for (nr = 0; session->slabs && nr < session->map.top; nr++) {
		struct leap_slab *slab = session->slabs[nr];

		for (i = 0; slab && i < LEAP_HOMES_MAX; i++)
			if (slab->leases[i].server == server)
				vfree((void *)(uintptr_t)slab->leases[i].addr);
	}
}

/* Requests end by themselves. */
static void dram_abort(struct leap_server *server)
{
}

/* Both housekeeping and the mover borrow and return. */
static bool take(struct leap_server *server, u64 size)
{
	struct dram *dram = server->priv;
	unsigned long flags;
	bool there;

	spin_lock_irqsave(&dram->lock, flags);
	there = server->capacity >= size;
	if (there)
		WRITE_ONCE(server->capacity, server->capacity - size);
	spin_unlock_irqrestore(&dram->lock, flags);
	return there;
}

static void put_back(struct leap_server *server, u64 size)
{
	struct dram *dram = server->priv;
	unsigned long flags;

	spin_lock_irqsave(&dram->lock, flags);
	WRITE_ONCE(server->capacity, server->capacity + size);
	spin_unlock_irqrestore(&dram->lock, flags);
}

static int dram_slab_get(struct leap_server *server, struct leap_lease *lease)
{
	u64 size = 1ULL << server->session->slab_shift;
	void *memory;

	if (!take(server, size))
		return -ENOSPC;
	memory = __vmalloc(size, GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY |
			   __GFP_NOWARN);
	if (!memory) {
		put_back(server, size);
		return -ENOSPC;
	}
	lease->addr = (uintptr_t)memory;
	return 0;
}

static void dram_slab_put(struct leap_server *server, struct leap_lease *lease)
{
	vfree((void *)(uintptr_t)lease->addr);
	put_back(server, 1ULL << server->session->slab_shift);
}

static int dram_ping(struct leap_server *server)
{
	return 0;
}

static bool dram_overdue(struct leap_server *server, unsigned int ms)
{
	return false;
}

static void dram_copy(u64 addr, struct folio *folio, unsigned int page,
		      unsigned int nr, enum leap_op op)
{
	size_t at = (size_t)page << PAGE_SHIFT, size = (size_t)nr << PAGE_SHIFT;
	void *slab = (void *)(uintptr_t)addr;

	if (op == LEAP_STORE)
		memcpy_from_folio(slab, folio, at, size);
	else
		memcpy_to_folio(folio, at, slab, size);
}

static bool dram_instant(void)
{
	return !READ_ONCE(dram_latency_us);
}

/* Takes what is due off the wire; returns whether anything is left there. */
static bool take_due(struct dram *dram, struct list_head *due)
{
	struct leap_io *io, *next;
	ktime_t now = ktime_get();

	lockdep_assert_held(&dram->lock);
	list_for_each_entry_safe(io, next, &dram->wire, list) {
		if (ktime_after(io->due, now)) {
			hrtimer_set_expires(&dram->timer, io->due);
			return true;
		}
		list_move_tail(&io->list, due);
	}
	return false;
}

static enum hrtimer_restart arrive(struct hrtimer *timer)
{
	struct dram *dram = container_of(timer, struct dram, timer);
	struct leap_io *io, *next;
	unsigned long flags;
	LIST_HEAD(due);
	bool more;

	spin_lock_irqsave(&dram->lock, flags);
	more = take_due(dram, &due);
	spin_unlock_irqrestore(&dram->lock, flags);
	list_for_each_entry_safe(io, next, &due, list) {
		list_del_init(&io->list);
		dram_copy(io->addr, io->folio, 0, io->nr, io->op);
		leap_io_done(io, 0);
	}
	return more ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static void send(struct dram *dram, struct leap_io *io, unsigned int us)
{
	unsigned long flags;

	io->due = ktime_add_us(io->posted, us);
	spin_lock_irqsave(&dram->lock, flags);
	if (list_empty(&dram->wire))
		hrtimer_start(&dram->timer, io->due, HRTIMER_MODE_ABS_SOFT);
	list_add_tail(&io->list, &dram->wire);
	spin_unlock_irqrestore(&dram->lock, flags);
}

static void dram_submit(struct leap_io *io)
{
	unsigned int us = READ_ONCE(dram_latency_us);

	io->posted = ktime_get();
	if (us) {
		send(io->server->priv, io, us);
		return;
	}
	dram_copy(io->addr, io->folio, 0, io->nr, io->op);
	leap_io_done(io, 0);
}

const struct leap_transport leap_dram = {
	.name = "dram",
	.connect = dram_connect,
	.disconnect = dram_disconnect,
	.abort = dram_abort,
	.slab_get = dram_slab_get,
	.slab_put = dram_slab_put,
	.ping = dram_ping,
	.overdue = dram_overdue,
	.copy = dram_copy,
	.instant = dram_instant,
	.submit = dram_submit,
};
