// SPDX-License-Identifier: GPL-2.0
/*
 * Prefetching: from a fault to the reads that it leads to.
 *
 * mm calls leap_prefetch_fault_of() for each fault of a process that prefetches,
 * after the read that the fault waits for, if any, has been posted. What else to
 * read is decided by policy/prefetch.c. The answer is worked out under the
 * process's lock and carried out after it. A page is read only if it is remote,
 * in the mapping of the fault, and on a server that is in service.
 *
 * Which pages have been prefetched and not used yet is known per swap slot, see
 * leap_map_mark(). In addition each process has a FIFO of the slots that it has
 * prefetched. What is still marked when it leaves the FIFO, because more than
 * buffer_pages have come after it, is dropped from the swap cache by a work item,
 * so that pages that were read in vain do not push others out. Pages that reclaim
 * has dropped before are found out when they are missed.
 *
 * Lifetimes: the state of a process, struct reader, is made at its first fault,
 * and freed some time after its struct leap_mm, when housekeeping or another
 * process with that id finds it. A fault needs no reference on its own one, for
 * its process is there; anybody else needs readers_mutex.
 *
 * Locks, outermost first:
 *	readers_mutex		who is in @readers; inside mmap and VMA locks
 *	xa_lock(&leap_mms)	keeps each leap_mm->mm
 *	reader->lock		all in a reader
 *	settings_lock		the settings
 */
#include <linux/kfifo.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "functions.h"
#include "leap.h"
#include "policy/prefetch.h"
#include "prefetch.h"
#include "trace.h"

/* Slots that come while the work item has not had its turn. */
#define FIFO_SLACK	256

/* Slots that the work item takes at a time. */
#define DROP_BATCH	32

/**
 * struct reader - what is known of one process
 * @rcu: frees it
 * @lm: whose
 * @lock: protects all that follows
 * @prefetcher: decides
 * @version: of the settings that @prefetcher has
 * @fifo: slots that were prefetched, oldest first
 */
struct reader {
	struct rcu_head rcu;
	struct leap_mm *lm;
	spinlock_t lock;	/* see the top of this file */
	struct leap_prefetcher prefetcher;
	unsigned int version;
	DECLARE_KFIFO_PTR(fifo, unsigned long);
};

/* By leap_mm.id. */
static DEFINE_XARRAY(readers);
static DEFINE_MUTEX(readers_mutex);

static DEFINE_SPINLOCK(settings_lock);
static struct leap_prefetch_settings settings;
static unsigned int settings_version;

static unsigned int buffer_pages = LEAP_PREFETCH_BUFFER;
static bool buffer_active = true;

static void drop_unused(struct work_struct *work);
static DECLARE_WORK(drop_work, drop_unused);

static void settings_apply(struct reader *r)
{
	spin_lock(&settings_lock);
	leap_prefetch_change(&r->prefetcher, &settings);
	r->version = settings_version;
	spin_unlock(&settings_lock);
}

static struct reader *reader_alloc(struct leap_mm *lm)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN;
	struct reader *r = kzalloc(sizeof(*r), gfp);

	if (!r)
		return NULL;
	if (kfifo_alloc(&r->fifo, READ_ONCE(buffer_pages) + FIFO_SLACK, gfp)) {
		kfree(r);
		return NULL;
	}
	r->lm = lm;
	spin_lock_init(&r->lock);
	leap_prefetch_init(&r->prefetcher, &leap_prefetch_defaults);
	settings_apply(r);
	return r;
}

/* Its process is gone, but one with the same id may be looking at @lm. */
static void reader_free(struct reader *r)
{
	if (!r)
		return;
	kfifo_free(&r->fifo);
	kfree_rcu(r, rcu);
}

static struct reader *reader_find(struct leap_mm *lm)
{
	struct reader *r;

	guard(rcu)();
	r = xa_load(&readers, lm->id);
	return r && r->lm == lm ? r : NULL;
}

/* The reader of the current process, NULL if there is no memory for one. */
static struct reader *reader_get(struct leap_mm *lm)
{
	struct reader *r = reader_find(lm), *old;

	if (r)
		return r;
	guard(mutex)(&readers_mutex);
	r = reader_find(lm);	/* another thread was faster */
	if (r)
		return r;
	r = reader_alloc(lm);
	if (!r)
		return NULL;
	old = xa_store(&readers, lm->id, r, GFP_KERNEL);
	if (xa_is_err(old)) {
		reader_free(r);
		return NULL;
	}
	reader_free(old);
	return r;
}

/**
 * leap_prefetch_prune - forget the processes that are gone
 *
 * Does not wait, so some may stay until the next time. May sleep.
 */
void leap_prefetch_prune(void)
{
	struct reader *r;
	unsigned long id;

	if (!mutex_trylock(&readers_mutex))
		return;
	xa_for_each(&readers, id, r)
		if (xa_load(&leap_mms, id) != r->lm)
			reader_free(xa_erase(&readers, id));
	mutex_unlock(&readers_mutex);
}

/* Adds what has happened to @r since @before to the sums. */
static void account(const struct reader *r,
		    const struct leap_prefetch_counters *before)
{
	const struct leap_prefetch_counters *now = &r->prefetcher.count;

	leap_stats_add(NULL, LEAP_FAULTS, now->faults - before->faults);
	leap_stats_add(NULL, LEAP_MISSES, now->misses - before->misses);
	leap_stats_add(NULL, LEAP_PREFETCH_HITS, now->hits - before->hits);
	leap_stats_add(NULL, LEAP_PREFETCH_LATE, now->late - before->late);
	leap_stats_add(NULL, LEAP_PREFETCH_ISSUED, now->issued - before->issued);
	leap_stats_add(NULL, LEAP_PREFETCH_UNUSED, now->unused - before->unused);
}

static enum leap_fault_kind kind_of(struct folio *folio, bool miss, bool marked)
{
	if (miss)
		return LEAP_FAULT_MISS;
	if (!marked)
		return LEAP_FAULT_CACHED;
	return folio_test_uptodate(folio) ? LEAP_FAULT_HIT : LEAP_FAULT_LATE;
}

/* Returns how many pages to read. */
static u32 ask(struct reader *r, u64 page, enum leap_fault_kind kind,
	       bool marked, u64 *pages)
{
	struct leap_prefetch_counters before;
	u32 nr;

	spin_lock(&r->lock);
	if (r->version != READ_ONCE(settings_version))
		settings_apply(r);
	before = r->prefetcher.count;
	if (marked && kind == LEAP_FAULT_MISS)	/* reclaim was faster */
		leap_prefetch_unused(&r->prefetcher, 1);
	nr = leap_prefetch_fault(&r->prefetcher, page, kind, pages);
	account(r, &before);
	spin_unlock(&r->lock);
	return nr;
}

static bool readable(swp_entry_t entry)
{
	struct leap_session *session;

	guard(rcu)();
	session = leap_session_peek();
	return session && !READ_ONCE(session->draining) &&
	       leap_map_server(session, entry);
}

/*
 * Adds to @wasted if an earlier prefetch of the page was for nothing. Return: 0
 * if a read has begun.
 */
static int read_page(struct vm_fault *vmf, u64 page, swp_entry_t *entry,
		     u32 *wasted)
{
	bool marked;
	int err;

	*entry = leap_remote_at(vmf, page << PAGE_SHIFT);
	if (!entry->val || !readable(*entry))
		return -ENOENT;
	/* Before anybody can find it, or its hit would not be known for one. */
	marked = leap_map_mark(*entry);
	err = leap_prefetch(vmf, *entry);
	if (err && !marked)
		leap_map_unmark(*entry);
	if (!err && marked)
		(*wasted)++;
	return err;
}

/* Notes which @nr pages are being read, and that others are not. */
static void note_read(struct reader *r, const swp_entry_t *entries, u32 nr,
		      u32 skipped, u32 wasted)
{
	struct leap_prefetch_counters before;
	bool full;
	u32 i;

	spin_lock(&r->lock);
	before = r->prefetcher.count;
	leap_prefetch_skipped(&r->prefetcher, skipped);
	leap_prefetch_unused(&r->prefetcher, wasted);
	account(r, &before);
	for (i = 0; i < nr; i++) {
		if (kfifo_is_full(&r->fifo))
			kfifo_skip(&r->fifo);	/* left to reclaim */
		kfifo_put(&r->fifo, entries[i].val);
	}
	full = kfifo_len(&r->fifo) > READ_ONCE(buffer_pages);
	spin_unlock(&r->lock);
	if (full && READ_ONCE(buffer_active))
		queue_work(system_unbound_wq, &drop_work);
}

static void read_pages(struct reader *r, struct vm_fault *vmf, const u64 *pages,
		       u32 nr)
{
	swp_entry_t entries[LEAP_WINDOW_MAX];
	u32 i, started = 0, wasted = 0;
	int err = 0;

	for (i = 0; i < nr && err != -ENOMEM; i++) {
		err = read_page(vmf, pages[i], &entries[started], &wasted);
		trace_leap_prefetch(pages[i], entries[started], err);
		if (!err)
			started++;
	}
	note_read(r, entries, started, nr - started, wasted);
}

/**
 * leap_prefetch_fault_of - &leap_ops.fault
 * @vmf: the fault
 * @entry: its slot
 * @folio: its page, which has been asked for at least
 * @miss: it was asked for just now
 */
void leap_prefetch_fault_of(struct vm_fault *vmf, swp_entry_t entry,
			    struct folio *folio, bool miss)
{
	struct reader *r = reader_get(vmf->vma->vm_mm->leap);
	bool marked = leap_map_unmark(entry);
	enum leap_fault_kind kind = kind_of(folio, miss, marked);
	u64 page = vmf->address >> PAGE_SHIFT;
	u64 pages[LEAP_WINDOW_MAX];
	u32 nr = 0;

	if (r)
		nr = ask(r, page, kind, marked, pages);
	trace_leap_fault(page, entry, kind, vmf->flags & FAULT_FLAG_WRITE, nr);
	if (nr)
		read_pages(r, vmf, pages, nr);
	if (miss)
		leap_io_poll(entry, folio);
}

/* Takes the oldest slots of which there are too many; returns how many. */
static unsigned int take_oldest(struct reader *r, unsigned long *slots)
{
	unsigned int keep = READ_ONCE(buffer_pages), len, nr = 0;

	spin_lock(&r->lock);
	len = kfifo_len(&r->fifo);
	if (len > keep)
		nr = kfifo_out(&r->fifo, slots, min(len - keep, DROP_BATCH));
	spin_unlock(&r->lock);
	return nr;
}

static u32 drop_slots(const unsigned long *slots, unsigned int nr)
{
	u32 dropped = 0;

	while (nr--) {
		swp_entry_t entry = { slots[nr] };

		/* A miss between the two counts it first. */
		if (leap_map_marked(entry) && leap_drop(entry))
			dropped += leap_map_unmark(entry);
	}
	return dropped;
}

static void drop_unused_of(struct reader *r)
{
	struct leap_prefetch_counters before;
	unsigned long slots[DROP_BATCH];
	unsigned int nr;
	u32 dropped;

	while ((nr = take_oldest(r, slots))) {
		dropped = drop_slots(slots, nr);
		spin_lock(&r->lock);
		before = r->prefetcher.count;
		leap_prefetch_unused(&r->prefetcher, dropped);
		account(r, &before);
		spin_unlock(&r->lock);
		cond_resched();
	}
}

static void drop_unused(struct work_struct *work)
{
	struct reader *r;
	unsigned long id;

	guard(mutex)(&readers_mutex);
	if (!READ_ONCE(buffer_active))
		return;
	xa_for_each(&readers, id, r)
		drop_unused_of(r);
}

/**
 * leap_prefetch_settings_get - what holds for all processes
 * @set: filled in
 */
void leap_prefetch_settings_get(struct leap_prefetch_settings *set)
{
	spin_lock(&settings_lock);
	*set = settings;
	spin_unlock(&settings_lock);
}

/**
 * leap_prefetch_settings_set - from now on with other settings
 * @set: all of them
 *
 * Each process forgets what it has learned at its next fault.
 *
 * Return: 0; -ERANGE one of them is out of its range.
 */
int leap_prefetch_settings_set(const struct leap_prefetch_settings *set)
{
	int err = leap_prefetch_check(set);

	if (err)
		return err;
	spin_lock(&settings_lock);
	settings = *set;
	WRITE_ONCE(settings_version, settings_version + 1);
	spin_unlock(&settings_lock);
	return 0;
}

/**
 * init_swap_trend - how much of the past decides
 * @size: deltas between faults that are remembered of each stream, 2 to 64
 *
 * What was learned is forgotten.
 *
 * Return: 0; -ERANGE.
 */
int init_swap_trend(int size)
{
	struct leap_prefetch_settings set;

	if (size < 2 || size > LEAP_TREND_SIZE_MAX)
		return -ERANGE;
	leap_prefetch_settings_get(&set);
	set.history = size;
	set.split = min(set.split, size);
	return leap_prefetch_settings_set(&set);
}
EXPORT_SYMBOL_GPL(init_swap_trend);

/**
 * get_swap_trend - what init_swap_trend() has set
 *
 * Return: deltas.
 */
int get_swap_trend(void)
{
	struct leap_prefetch_settings set;

	leap_prefetch_settings_get(&set);
	return set.history;
}
EXPORT_SYMBOL_GPL(get_swap_trend);

static int resize(struct reader *r, unsigned int pages)
{
	typeof(r->fifo) bigger, old;
	unsigned long slot;

	if (kfifo_alloc(&bigger, pages + FIFO_SLACK, GFP_KERNEL | __GFP_NOWARN))
		return -ENOMEM;
	spin_lock(&r->lock);
	while (!kfifo_is_full(&bigger) && kfifo_get(&r->fifo, &slot))
		kfifo_put(&bigger, slot);
	old = r->fifo;
	r->fifo = bigger;
	spin_unlock(&r->lock);
	kfifo_free(&old);
	return 0;
}

/**
 * prefetch_buffer_init - how many prefetched pages of a process may wait for use
 * @pages: 1 to LEAP_PREFETCH_BUFFER_MAX
 *
 * The oldest ones above that are dropped, if activate_prefetch_buffer() says so.
 * May sleep.
 *
 * Return: 0; -ERANGE; -ENOMEM and some processes have the new number already.
 */
int prefetch_buffer_init(int pages)
{
	struct reader *r;
	unsigned long id;
	int err = 0;

	if (pages < 1 || pages > LEAP_PREFETCH_BUFFER_MAX)
		return -ERANGE;
	guard(mutex)(&readers_mutex);
	xa_for_each(&readers, id, r)
		err = err ?: resize(r, pages);
	if (!err)
		WRITE_ONCE(buffer_pages, pages);
	return err;
}
EXPORT_SYMBOL_GPL(prefetch_buffer_init);

/**
 * get_prefetch_buffer - what prefetch_buffer_init() has set
 *
 * Return: pages.
 */
int get_prefetch_buffer(void)
{
	return READ_ONCE(buffer_pages);
}
EXPORT_SYMBOL_GPL(get_prefetch_buffer);

/**
 * activate_prefetch_buffer - drop prefetched pages that are not used, or do not
 * @on: 1: when there are too many of them; 0: leave them to the kernel's reclaim
 *
 * Return: 0; -EINVAL @on is neither.
 */
int activate_prefetch_buffer(int on)
{
	if (on != 0 && on != 1)
		return -EINVAL;
	WRITE_ONCE(buffer_active, on);
	return 0;
}
EXPORT_SYMBOL_GPL(activate_prefetch_buffer);

/**
 * get_prefetch_buffer_active - what activate_prefetch_buffer() has set
 *
 * Return: 0 or 1.
 */
int get_prefetch_buffer_active(void)
{
	return READ_ONCE(buffer_active);
}
EXPORT_SYMBOL_GPL(get_prefetch_buffer_active);

/**
 * leap_prefetch_for_each - look at all processes
 * @fn: called with each process and what it has done, under spinlocks
 * @arg: for @fn
 *
 * May sleep.
 */
void leap_prefetch_for_each(void (*fn)(struct leap_mm *lm,
				       const struct leap_prefetch_counters *count,
				       void *arg), void *arg)
{
	struct leap_prefetch_counters count;
	struct leap_mm *lm;
	struct reader *r;
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

/** leap_prefetch_start - before the first fault */
void leap_prefetch_start(void)
{
	settings = leap_prefetch_defaults;
}

/** leap_prefetch_exit - forget all processes; no callback can come any more */
void leap_prefetch_exit(void)
{
	struct reader *r;
	unsigned long id;

	cancel_work_sync(&drop_work);
	xa_for_each(&readers, id, r)
		reader_free(xa_erase(&readers, id));
}
