// SPDX-License-Identifier: GPL-2.0
/*
 * Pages on the data queues.
 *
 * A request is one RDMA read or write of one piece of memory: a folio is
 * contiguous here, its place is contiguous in the slab. It is never copied; the
 * device reads and writes the folio itself, from posting until its completion
 * has come or its queue pair has been destroyed. Only then is the folio ended.
 *
 * Loads that wait one after the other for pages one after the other in a slab are
 * posted as one read into several places. All of them are under way until that
 * one's completion; the first stands for the others, which are on its list.
 *
 * When is a write done? On InfiniBand and RoCE a completion means that the
 * server's device has acknowledged the data. On iWARP it only means that the
 * data has been handed to TCP, and a read on another queue may still overtake
 * it. There each write is followed, on the same queue, by a read of a few bytes,
 * which the server answers only after it has placed what came before (RFC 5040,
 * section 5.5); that read's completion is the store's.
 *
 * A queue takes as many requests as it is deep; more wait in @pending, in
 * order, and the completion of one posts the next. Both lists are under
 * queue->lock, whose holder may be in any context. A load whose page cannot be
 * mapped for the device waits there, too: room for mappings comes back, and only
 * the server has the page. A store goes to the swap device at once.
 */
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include "rdma.h"

static unsigned int spin_us = 20;
module_param(spin_us, uint, 0644);
MODULE_PARM_DESC(spin_us,
		 "longest time to spin for a demand load before sleeping, in microseconds; not at all where loads take over twice as long (default 20)");

/* The moving average goes over about this many loads. */
#define AVERAGE_OVER	8

static enum dma_data_direction direction(const struct leap_io *io)
{
	return io->op == LEAP_STORE ? DMA_TO_DEVICE : DMA_FROM_DEVICE;
}

static void unmap(struct leap_queue *queue, struct leap_io *io)
{
	ib_dma_unmap_page(queue->rdma->pd->device, io->rdma.dma,
			  (size_t)io->nr << PAGE_SHIFT, direction(io));
}

static void done(struct ib_cq *cq, struct ib_wc *wc);

/**
 * leap_rdma_sink_init - memory for reads whose result does not matter
 * @rdma: with its protection domain
 *
 * Return: 0, -ENOMEM or -EIO; leap_rdma_sink_exit() is needed in each case.
 */
int leap_rdma_sink_init(struct leap_rdma *rdma)
{
	struct ib_device *device = rdma->pd->device;
	u64 *sink = kzalloc(sizeof(*sink), GFP_KERNEL);

	if (!sink)
		return -ENOMEM;
	rdma->sink_dma = ib_dma_map_single(device, sink, sizeof(*sink),
					   DMA_FROM_DEVICE);
	if (ib_dma_mapping_error(device, rdma->sink_dma)) {
		kfree(sink);
		return -EIO;
	}
	rdma->sink = sink;
	return 0;
}

/**
 * leap_rdma_sink_exit - the reverse; all queues are gone
 * @rdma: whose
 */
void leap_rdma_sink_exit(struct leap_rdma *rdma)
{
	if (!rdma->sink)
		return;
	ib_dma_unmap_single(rdma->pd->device, rdma->sink_dma,
			    sizeof(*rdma->sink), DMA_FROM_DEVICE);
	kfree(rdma->sink);
	rdma->sink = NULL;
}

/**
 * leap_rdma_write_done - a write has left that a read behind it confirms
 * @cq: where
 * @wc: with which status
 *
 * The completion of the read ends the request.
 */
void leap_rdma_write_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct leap_queue *queue =
		container_of(wc->wr_cqe, struct leap_queue, confirm_cqe);

	if (wc->status != IB_WC_SUCCESS)
		leap_server_fail(queue->rdma->server,
				 ib_wc_status_msg(wc->status), -EIO);
}

/* Hand the request's one or two work requests to the device. */
static int post_wr(struct leap_queue *queue, struct leap_io *io,
		   struct ib_rdma_wr *wr)
{
	struct leap_rdma *rdma = queue->rdma;
	struct ib_sge sge = {
		.addr = rdma->sink_dma,
		.length = sizeof(*rdma->sink),
		.lkey = rdma->pd->local_dma_lkey,
	};
	struct ib_rdma_wr confirm = {
		.wr = {
			.wr_cqe = &io->rdma.cqe,
			.sg_list = &sge,
			.num_sge = 1,
			.opcode = IB_WR_RDMA_READ,
			.send_flags = IB_SEND_SIGNALED,
		},
		.remote_addr = io->addr,
		.rkey = io->rkey,
	};

	/*
	 * The write is signaled although nobody needs to know: siw sends a page
	 * out of its own place if not, and the program may change it meanwhile,
	 * after the checksum was made.
	 */
	if (io->op == LEAP_STORE && queue->confirm) {
		wr->wr.wr_cqe = &queue->confirm_cqe;
		wr->wr.next = &confirm.wr;
	}
	return ib_post_send(queue->id->qp, &wr->wr, NULL);
}

/* An error means that there is no room for mappings. */
static int map(struct leap_queue *queue, struct leap_io *io, struct ib_sge *sge)
{
	struct ib_device *device = queue->rdma->pd->device;

	if (leap_fault(LEAP_FAIL_MAP))
		return -EAGAIN;
	sge->length = io->nr << PAGE_SHIFT;
	sge->addr = ib_dma_map_page(device, folio_page(io->folio, 0), 0,
				    sge->length, direction(io));
	if (ib_dma_mapping_error(device, sge->addr))
		return -EAGAIN;
	sge->lkey = queue->rdma->pd->local_dma_lkey;
	io->rdma.dma = sge->addr;
	io->rdma.queue = queue;
	io->posted = ktime_get();
	return 0;
}

/* The next request that waits, if it is for what follows @io in the slab. */
static struct leap_io *neighbour(struct leap_queue *queue, struct leap_io *io)
{
	struct leap_io *next =
		list_first_entry_or_null(&queue->pending, struct leap_io, list);

	if (!next || io->op != LEAP_LOAD || next->op != LEAP_LOAD ||
	    next->rkey != io->rkey ||
	    next->addr != io->addr + ((u64)io->nr << PAGE_SHIFT))
		return NULL;
	return next;
}

/* Let @io take its neighbours with it; returns how many they are with it. */
static unsigned int merge(struct leap_queue *queue, struct leap_io *io,
			  struct ib_sge *sges)
{
	struct leap_io *last = io;
	unsigned int nr = 1;

	INIT_LIST_HEAD(&io->rdma.others);
	for (; nr < queue->merge; nr++) {
		struct leap_io *next = neighbour(queue, last);

		if (!next || map(queue, next, &sges[nr]))
			break;
		list_move_tail(&next->list, &io->rdma.others);
		last = next;
	}
	return nr;
}

/*
 * Give a request to the device; under queue->lock, with room in the queue. An
 * error means that it has not come that far: there is no room for mappings.
 */
static int post(struct leap_queue *queue, struct leap_io *io)
{
	struct ib_sge sges[LEAP_MERGE_MAX];
	struct ib_rdma_wr wr = {};
	int err;

	lockdep_assert_held(&queue->lock);
	err = map(queue, io, &sges[0]);
	if (err)
		return err;
	io->rdma.cqe.done = done;
	wr.wr.wr_cqe = &io->rdma.cqe;
	wr.wr.sg_list = sges;
	wr.wr.num_sge = merge(queue, io, sges);
	wr.wr.opcode = io->op == LEAP_STORE ? IB_WR_RDMA_WRITE : IB_WR_RDMA_READ;
	wr.wr.send_flags = IB_SEND_SIGNALED;
	wr.remote_addr = io->addr;
	wr.rkey = io->rkey;
	list_add_tail(&io->list, &queue->inflight);
	queue->posted++;
	err = post_wr(queue, io, &wr);
	/* The device may have taken a part: leap_queue_stop() ends it safely. */
	if (err)
		leap_server_fail(io->server, "it takes no request", err);
	return 0;
}

/*
 * Post what has been waiting, now that there is room. Returns the requests that
 * could not be posted, for the caller to end without the lock.
 */
static void post_pending(struct leap_queue *queue, struct list_head *failed)
{
	struct leap_io *io;

	lockdep_assert_held(&queue->lock);
	while (!queue->dead && queue->posted < queue->depth) {
		io = list_first_entry_or_null(&queue->pending, struct leap_io,
					      list);
		if (!io)
			return;
		list_del_init(&io->list);
		if (!post(queue, io))
			continue;
		if (io->op == LEAP_LOAD) {
			list_add(&io->list, &queue->pending);
			return;
		}
		list_add_tail(&io->list, failed);
	}
}

/* Requests wait, and there is no completion to come that posts them. */
static void retry_if_stuck(struct leap_queue *queue)
{
	lockdep_assert_held(&queue->lock);
	if (!queue->dead && !queue->posted && !list_empty(&queue->pending))
		leap_watch_soon(queue->rdma->server->session);
}

static void end_all(struct list_head *list, int err)
{
	struct leap_io *io, *next;

	list_for_each_entry_safe(io, next, list, list) {
		list_del_init(&io->list);
		leap_io_done(io, err);
	}
}

static void note_latency(struct leap_rdma *rdma, struct leap_io *io)
{
	unsigned long ns = ktime_to_ns(ktime_sub(ktime_get(), io->posted));
	unsigned long old = READ_ONCE(rdma->average_ns);

	/* Races with other CPUs lose a sample, which does no harm. */
	WRITE_ONCE(rdma->average_ns,
		   old - old / AVERAGE_OVER + ns / AVERAGE_OVER);
}

static void end(struct leap_queue *queue, struct leap_io *io,
		enum ib_wc_status status)
{
	list_del_init(&io->list);
	unmap(queue, io);
	if (io->demand && status == IB_WC_SUCCESS)
		note_latency(queue->rdma, io);
	leap_io_done(io, status == IB_WC_SUCCESS ? 0 : -EIO);
}

/* A completion. On an error only wr_cqe and status can be relied on. */
static void done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct leap_io *io = container_of(wc->wr_cqe, struct leap_io, rdma.cqe);
	struct leap_queue *queue = io->rdma.queue;
	struct leap_io *other, *next;
	LIST_HEAD(failed);
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	list_del_init(&io->list);
	queue->posted--;
	if (wc->status == IB_WC_SUCCESS)
		post_pending(queue, &failed);
	retry_if_stuck(queue);
	spin_unlock_irqrestore(&queue->lock, flags);

	if (wc->status != IB_WC_SUCCESS)
		leap_server_fail(io->server, ib_wc_status_msg(wc->status), -EIO);
	list_for_each_entry_safe(other, next, &io->rdma.others, list)
		end(queue, other, wc->status);
	end(queue, io, wc->status);
	end_all(&failed, -EIO);
}

static struct leap_queue *queue_for(struct leap_rdma *rdma, bool demand)
{
	unsigned int i = raw_smp_processor_id() % rdma->nr;

	return demand ? rdma->demand[i] : rdma->bulk[i];
}

/**
 * leap_rdma_submit - &leap_transport.submit
 * @io: the request
 */
void leap_rdma_submit(struct leap_io *io)
{
	struct leap_rdma *rdma = io->server->priv;
	struct leap_queue *queue = queue_for(rdma, io->demand);
	LIST_HEAD(failed);
	unsigned long flags;
	bool dead;

	spin_lock_irqsave(&queue->lock, flags);
	dead = queue->dead || queue->epoch != io->epoch;
	if (!dead)
		list_add_tail(&io->list, &queue->pending);
	/* Afterwards @io may be gone. */
	if (!io->more) {
		post_pending(queue, &failed);
		retry_if_stuck(queue);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	if (dead)
		leap_io_done(io, -ENOTCONN);
	end_all(&failed, -EIO);
}

/* Try again what could not be posted, and no completion of another one is to post. */
static void kick(struct leap_queue *queue)
{
	LIST_HEAD(failed);
	unsigned long flags;

	if (list_empty(&queue->pending))
		return;
	spin_lock_irqsave(&queue->lock, flags);
	post_pending(queue, &failed);
	retry_if_stuck(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	end_all(&failed, -EIO);
}

/**
 * leap_rdma_flush - &leap_transport.flush
 * @server: where
 */
void leap_rdma_flush(struct leap_server *server)
{
	struct leap_rdma *rdma = server->priv;
	unsigned int i;

	for (i = 0; i < rdma->nr; i++) {
		kick(rdma->demand[i]);
		kick(rdma->bulk[i]);
	}
}

/**
 * leap_rdma_fail_all - end every request that is left
 * @queue: dead, its queue pair destroyed, so that no completion comes any more
 */
void leap_rdma_fail_all(struct leap_queue *queue)
{
	struct leap_io *io, *next;
	unsigned long flags;
	LIST_HEAD(all);

	spin_lock_irqsave(&queue->lock, flags);
	list_for_each_entry_safe(io, next, &queue->inflight, list) {
		list_splice_tail_init(&io->rdma.others, &all);
		list_move_tail(&io->list, &all);
	}
	list_for_each_entry(io, &all, list)
		unmap(queue, io);
	list_splice_tail_init(&queue->pending, &all);
	queue->posted = 0;
	spin_unlock_irqrestore(&queue->lock, flags);
	end_all(&all, -EIO);
}

/**
 * leap_rdma_poll - &leap_transport.poll
 * @server: where the request went
 * @folio: locked until it is over; the caller holds a reference
 *
 * Saves two context switches where a load takes a few microseconds. Where it
 * takes longer, the CPU has better things to do, and may even be the one that
 * must move the packets.
 */
void leap_rdma_poll(struct leap_server *server, struct folio *folio)
{
	struct leap_rdma *rdma = server->priv;
	struct leap_queue *queue = queue_for(rdma, true);
	u64 budget = (u64)READ_ONCE(spin_us) * NSEC_PER_USEC;
	ktime_t end;

	if (!budget || READ_ONCE(rdma->average_ns) > 2 * budget)
		return;
	end = ktime_add_ns(ktime_get(), budget);
	rcu_read_lock();	/* keeps the completion queue: leap_queue_stop() */
	/* It has a completion queue while it is not dead: set_up_cq(). */
	while (folio_test_locked(folio) && !smp_load_acquire(&queue->dead) &&
	       !need_resched() && ktime_before(ktime_get(), end)) {
		if (!leap_queue_poll(queue))
			cpu_relax();
	}
	rcu_read_unlock();
}

/**
 * leap_queue_overdue - has a request waited for too long?
 * @queue: whose
 * @timeout_ms: how long is too long
 *
 * Return: true if one has.
 */
bool leap_queue_overdue(struct leap_queue *queue, unsigned int timeout_ms)
{
	struct leap_io *io;
	unsigned long flags;
	bool overdue = false;

	spin_lock_irqsave(&queue->lock, flags);
	io = list_first_entry_or_null(&queue->inflight, struct leap_io, list);
	if (io) {
		overdue = ktime_ms_delta(ktime_get(), io->posted) > timeout_ms;
	} else {
		io = list_first_entry_or_null(&queue->pending, struct leap_io,
					      list);
		overdue = io && ktime_ms_delta(ktime_get(),
					       max(io->started, io->posted)) >
				timeout_ms;
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	return overdue;
}
