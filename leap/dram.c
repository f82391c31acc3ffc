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
#include <linux/module.h>
#include <linux/vmalloc.h>
#include "leap.h"

static unsigned int dram_latency_us;
module_param(dram_latency_us, uint, 0644);
MODULE_PARM_DESC(dram_latency_us,
		 "how long each request of a dram:// session takes, in microseconds (default 0)");

#define DRAM_SLAB_SHIFT	26

static int dram_connect(struct leap_server *server)
{
	struct leap_session *session = server->session;

	server->capacity = server->addr.bytes;
	/* Past the cache, a large folio has to be in one piece in one copy. */
	session->synchronous = !READ_ONCE(dram_latency_us) &&
			       session->portal.replicas == 1;
	return leap_session_slab_size(session, session->slab_shift ?:
				      DRAM_SLAB_SHIFT);
}

static void dram_disconnect(struct leap_server *server)
{
	struct leap_session *session = server->session;
	u32 nr, i;

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

static int dram_slab_get(struct leap_server *server, struct leap_lease *lease)
{
	u64 size = 1ULL << server->session->slab_shift;
	void *memory;

	if (server->capacity < size)
		return -ENOSPC;
	memory = __vmalloc(size, GFP_KERNEL | __GFP_ZERO | __GFP_NORETRY |
			   __GFP_NOWARN);
	if (!memory)
		return -ENOSPC;
	lease->addr = (uintptr_t)memory;
	server->capacity -= size;
	return 0;
}

static void dram_slab_put(struct leap_server *server, struct leap_lease *lease)
{
	vfree((void *)(uintptr_t)lease->addr);
	server->capacity += 1ULL << server->session->slab_shift;
}

static int dram_ping(struct leap_server *server)
{
	return 0;
}

static bool dram_overdue(struct leap_server *server, unsigned int ms)
{
	return false;
}

static void copy(u64 addr, struct folio *folio, size_t size, enum leap_op op)
{
	void *slab = (void *)(uintptr_t)addr;

	if (op == LEAP_STORE)
		memcpy_from_folio(slab, folio, 0, size);
	else
		memcpy_to_folio(folio, 0, slab, size);
}

static bool dram_at_once(u64 addr, struct folio *folio, enum leap_op op)
{
	if (READ_ONCE(dram_latency_us))
		return false;
	copy(addr, folio, folio_size(folio), op);
	return true;
}

static enum hrtimer_restart late(struct hrtimer *timer)
{
	struct leap_io *io = container_of(timer, struct leap_io, timer);

	copy(io->addr, io->folio, (size_t)io->nr << PAGE_SHIFT, io->op);
	leap_io_done(io, 0);
	return HRTIMER_NORESTART;
}

static void dram_submit(struct leap_io *io)
{
	unsigned int us = READ_ONCE(dram_latency_us);

	io->posted = ktime_get();
	if (us) {
		hrtimer_init(&io->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
		io->timer.function = late;
		hrtimer_start(&io->timer, ns_to_ktime(1000ULL * us),
			      HRTIMER_MODE_REL_SOFT);
		return;
	}
	copy(io->addr, io->folio, (size_t)io->nr << PAGE_SHIFT, io->op);
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
	.at_once = dram_at_once,
	.submit = dram_submit,
};
