// SPDX-License-Identifier: GPL-2.0
/*
 * The processes that prefetch, and how long what is known of each one lives.
 *
 * The state of a process, struct leap_reader, is made at its first fault, and
 * retired some time after its struct leap_mm is gone, when prune() or another
 * process with that id finds it, whether there is a session or not. A fault needs
 * no reference on its own one, for its process is there; its timer and its work
 * items end before it is freed; anybody else needs readers_mutex.
 *
 * Locks, outermost first:
 *	readers_mutex		who is in @readers; inside mmap and VMA locks
 *	xa_lock(&leap_mms)	keeps each leap_mm->mm
 *	reader->lock		all in a reader
 *	settings_lock		prefetch.c: the settings
 */
#include <linux/memcontrol.h>
#include <linux/slab.h>
#include <linux/sysfs.h>
#include <linux/xarray.h>
#include "functions.h"
#include "prefetch.h"
#include "reader.h"

/* Slots that come while the work item has not had its turn. */
#define FIFO_SLACK	256

/* So often the processes that are gone are looked for. */
#define PRUNE_EVERY	HZ

/* By leap_mm.id. */
static DEFINE_XARRAY(readers);
static DEFINE_MUTEX(readers_mutex);

/* Those that have left @readers and are not freed yet, too. */
static atomic_t nr_readers;

/*
 * Without a rescuer, unlike leap_wq: its work waits for memory and for stores,
 * and nobody waits for its work.
 */
static struct workqueue_struct *reader_wq;

static void prune(struct work_struct *item);
static DECLARE_DELAYED_WORK(prune_work, prune);

/**
 * leap_reader_work - let the work item of a process run now
 * @r: its reader
 *
 * Any context.
 */
void leap_reader_work(struct leap_reader *r)
{
	queue_work(reader_wq, &r->work);
}

/**
 * leap_reader_settings - from now on with the settings that hold
 * @r: locked, or new
 */
void leap_reader_settings(struct leap_reader *r)
{
	struct leap_prefetch_settings settings;

	r->version = leap_prefetch_settings_get(&settings);
	leap_prefetch_change(&r->prefetcher, &settings);
}

/* Its process is gone, but one with the same id may be looking at @lm. */
static void reader_free(struct leap_reader *r)
{
	kfifo_free(&r->fifo);
	kvfree_rcu(r, rcu);
	atomic_dec(&nr_readers);
}

/* Nobody wants anything any more, and nobody else can find @r. */
static void retire(struct work_struct *item)
{
	struct leap_reader *r = container_of(item, struct leap_reader, retire);

	cancel_work_sync(&r->work);
	leap_reader_forget(r);
	leap_reader_drop(r, 0);
	reader_free(r);
}

static struct leap_reader *reader_alloc(struct leap_mm *lm)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN;
	struct leap_reader *r = kvzalloc(sizeof(*r), gfp);

	if (!r)
		return NULL;
	if (kfifo_alloc(&r->fifo, get_prefetch_buffer() + FIFO_SLACK, gfp)) {
		kvfree(r);
		return NULL;
	}
	atomic_inc(&nr_readers);
	r->lm = lm;
	r->id = lm->id;
	INIT_WORK(&r->retire, retire);
	spin_lock_init(&r->lock);
	leap_reader_setup(r);
	leap_prefetch_init(&r->prefetcher, &leap_prefetch_defaults);
	leap_reader_settings(r);
	return r;
}

/* The process is gone, so that nobody starts the timer again. */
static void retire_soon(struct leap_reader *r)
{
	hrtimer_cancel(&r->timer);
	queue_work(reader_wq, &r->retire);
}

static struct leap_reader *reader_find(struct leap_mm *lm)
{
	struct leap_reader *r;

	guard(rcu)();
	r = xa_load(&readers, lm->id);
	return r && r->lm == lm ? r : NULL;
}

/* Returns @r, or that of another thread of its process that was faster. */
static struct leap_reader *reader_add(struct leap_reader *r)
{
	struct leap_reader *old;

	guard(mutex)(&readers_mutex);
	old = reader_find(r->lm);
	if (old) {
		reader_free(r);
		return old;
	}
	old = xa_store(&readers, r->id, r, GFP_KERNEL);
	if (xa_is_err(old)) {
		reader_free(r);
		return NULL;
	}
	if (old)
		retire_soon(old);
	queue_delayed_work(reader_wq, &prune_work, PRUNE_EVERY);
	return r;
}

/**
 * leap_reader_get - the reader of the current process
 * @lm: of that process
 *
 * May sleep. Its memory is found outside of the mutex: where there is none left,
 * each fault tries that again, and must not keep other processes waiting.
 *
 * Return: it, or NULL if there is no memory for one.
 */
struct leap_reader *leap_reader_get(struct leap_mm *lm)
{
	struct leap_reader *r = reader_find(lm);

	if (r)
		return r;
	r = reader_alloc(lm);
	return r ? reader_add(r) : NULL;
}

/**
 * leap_reader_memcg - who pays for what is read for a process
 * @r: its reader
 *
 * Does not sleep.
 *
 * Return: its memcg, for mem_cgroup_put(); NULL if the process is gone.
 */
struct mem_cgroup *leap_reader_memcg(const struct leap_reader *r)
{
	struct mem_cgroup *memcg = NULL;

	xa_lock(&leap_mms);
	if (xa_load(&leap_mms, r->id) == r->lm)
		memcg = get_mem_cgroup_from_mm(r->lm->mm);
	xa_unlock(&leap_mms);
	return memcg;
}

/* Forgets the processes that are gone, for as long as there are any. */
static void prune(struct work_struct *item)
{
	struct leap_reader *r;
	unsigned long id;

	guard(mutex)(&readers_mutex);
	xa_for_each(&readers, id, r) {
		if (xa_load(&leap_mms, id) == r->lm)
			continue;
		xa_erase(&readers, id);
		retire_soon(r);
	}
	if (!xa_empty(&readers))
		queue_delayed_work(reader_wq, &prune_work, PRUNE_EVERY);
}

static int resize(struct leap_reader *r, unsigned int pages)
{
	typeof(r->fifo) other, old;
	unsigned long slot;

	if (kfifo_alloc(&other, pages + FIFO_SLACK, GFP_KERNEL | __GFP_NOWARN))
		return -ENOMEM;
	spin_lock(&r->lock);
	while (kfifo_get(&r->fifo, &slot)) {
		if (kfifo_is_full(&other))
			kfifo_skip(&other);	/* left to reclaim */
		kfifo_put(&other, slot);
	}
	old = r->fifo;
	r->fifo = other;
	spin_unlock(&r->lock);
	kfifo_free(&old);
	return 0;
}

/**
 * leap_reader_resize - room for so many prefetched pages in each process
 * @pages: see prefetch_buffer_init()
 *
 * Return: 0; -ENOMEM and some processes have the new size already.
 */
int leap_reader_resize(unsigned int pages)
{
	struct leap_reader *r;
	unsigned long id;
	int err = 0;

	guard(mutex)(&readers_mutex);
	xa_for_each(&readers, id, r)
		err = err ?: resize(r, pages);
	return err;
}

/**
 * leap_reader_for_each - look at all processes
 * @fn: called with each process and what it has done, under spinlocks
 * @arg: for @fn
 *
 * May sleep.
 */
void leap_reader_for_each(void (*fn)(struct leap_mm *lm,
				     const struct leap_prefetch_counters *count,
				     void *arg), void *arg)
{
	struct leap_prefetch_counters count;
	struct leap_mm *lm;
	struct leap_reader *r;
	unsigned long id;

	guard(mutex)(&readers_mutex);
	xa_lock(&leap_mms);
	xa_for_each(&leap_mms, id, lm) {
		memset(&count, 0, sizeof(count));
		r = reader_find(lm);
		if (r) {
			spin_lock(&r->lock);
			count = r->prefetcher.count;
			spin_unlock(&r->lock);
		}
		fn(lm, &count, arg);
	}
	xa_unlock(&leap_mms);
}

/**
 * leap_reader_show - how many processes are known, as a "key value" line
 * @buf: a page of sysfs
 * @at: where to go on in it
 *
 * Return: bytes written.
 */
ssize_t leap_reader_show(char *buf, int at)
{
	return sysfs_emit_at(buf, at, "prefetchers %d\n",
			     atomic_read(&nr_readers));
}

/**
 * leap_reader_init - before the first fault
 *
 * Return: 0 or -ENOMEM.
 */
int leap_reader_init(void)
{
	reader_wq = alloc_workqueue("leap_prefetch", WQ_UNBOUND, 0);
	return reader_wq ? 0 : -ENOMEM;
}

/** leap_reader_exit - forget all processes; no callback can come any more */
void leap_reader_exit(void)
{
	struct leap_reader *r;
	unsigned long id;

	cancel_delayed_work_sync(&prune_work);
	xa_for_each(&readers, id, r)
		hrtimer_cancel(&r->timer);
	destroy_workqueue(reader_wq);
	xa_for_each(&readers, id, r)
		reader_free(xa_erase(&readers, id));
}
