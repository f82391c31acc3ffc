// SPDX-License-Identifier: GPL-2.0
/*
 * Prefetching: from a fault to the reads that it leads to.
 *
 * mm calls leap_reader_fault() for each fault of a process that prefetches,
 * after the read that the fault waits for, if any, has been posted. What else to
 * read is decided by policy/prefetch.c, under the process's lock. The fault finds
 * the slots of those pages, as it has the mapping locked. It also reads them, but
 * only while its own page is not there. The rest is left to a work item, so that
 * the program does not wait while pages are allocated, charged and asked for, nor
 * while others are reclaimed for them, above memory.high.
 *
 * Whose is a page meanwhile? A slot that was found is a number and no more: it
 * may be freed, and be another page's, before its turn comes. leap_prefetch()
 * reads whatever is in that slot by then, if anything, into the swap cache. From
 * then on the page is the swap cache's, locked until its data is there, and found
 * by its slot alone, by who needs it or by reclaim. Nothing here keeps a pointer
 * to it. So at worst a page was read in vain.
 *
 * Which pages have been prefetched and not used yet is known per swap slot, see
 * leap_map_mark(). In addition each process has a FIFO of the slots that it has
 * prefetched. What is still marked when it leaves the FIFO, because more than
 * buffer_pages have come after it, or the process is gone, is dropped from the
 * swap cache, so that pages that were read in vain do not push others out. Pages
 * that reclaim has dropped before are found out when they are missed.
 *
 * Lifetimes: the state of a process, struct reader, is made at its first fault,
 * and retired some time after its struct leap_mm is gone, when housekeeping or
 * another process with that id finds it. A fault needs no reference on its own
 * one, for its process is there; its work items end before it is freed; anybody
 * else needs readers_mutex.
 *
 * Locks, outermost first:
 *	readers_mutex		who is in @readers; inside mmap and VMA locks
 *	xa_lock(&leap_mms)	keeps each leap_mm->mm
 *	reader->lock		all in a reader
 *	settings_lock		prefetch.c: the settings
 */
#include <linux/kfifo.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/xarray.h>
#include "functions.h"
#include "leap.h"
#include "policy/prefetch.h"
#include "prefetch.h"
#include "trace.h"

/* Slots that come while the work item has not had its turn. */
#define FIFO_SLACK	256

/* Pages that wait to be read, a power of two. */
#define WANTED_MAX	128

/* Slots that are dropped in one go. */
#define DROP_BATCH	32

/**
 * struct wanted - a page to read
 * @page: its number in the address space
 * @entry: its slot when that was looked for
 */
struct wanted {
	u64 page;
	swp_entry_t entry;
};

/**
 * struct reader - what is known of one process
 * @rcu: frees it
 * @lm: whose
 * @work: reads what is wanted, drops what was not used
 * @retire: ends it when the process is gone
 * @lock: protects all that follows
 * @prefetcher: decides
 * @version: of the settings that @prefetcher has
 * @memcg: of the process when it last wanted something, until @work takes it
 * @wanted: pages to read
 * @fifo: slots that were prefetched, oldest first
 */
struct reader {
	struct rcu_head rcu;
	struct leap_mm *lm;
	struct work_struct work;
	struct work_struct retire;
	spinlock_t lock;	/* see the top of this file */
	struct leap_prefetcher prefetcher;
	unsigned int version;
	struct mem_cgroup *memcg;
	DECLARE_KFIFO(wanted, struct wanted, WANTED_MAX);
	DECLARE_KFIFO_PTR(fifo, unsigned long);
};

/* By leap_mm.id. */
static DEFINE_XARRAY(readers);
static DEFINE_MUTEX(readers_mutex);

/*
 * Without a rescuer, unlike leap_wq: its work waits for memory and for stores,
 * and nobody waits for its work.
 */
static struct workqueue_struct *reader_wq;

static void work(struct work_struct *item);
static void retire(struct work_struct *item);

static void settings_apply(struct reader *r)
{
	struct leap_prefetch_settings settings;

	r->version = leap_prefetch_settings_get(&settings);
	leap_prefetch_change(&r->prefetcher, &settings);
}

static struct reader *reader_alloc(struct leap_mm *lm)
{
	gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NORETRY | __GFP_NOWARN;
	struct reader *r = kzalloc(sizeof(*r), gfp);

	if (!r)
		return NULL;
	if (kfifo_alloc(&r->fifo, get_prefetch_buffer() + FIFO_SLACK, gfp)) {
		kfree(r);
		return NULL;
	}
	r->lm = lm;
	INIT_WORK(&r->work, work);
	INIT_WORK(&r->retire, retire);
	spin_lock_init(&r->lock);
	INIT_KFIFO(r->wanted);
	leap_prefetch_init(&r->prefetcher, &leap_prefetch_defaults);
	settings_apply(r);
	return r;
}

/* Its process is gone, but one with the same id may be looking at @lm. */
static void reader_free(struct reader *r)
{
	mem_cgroup_put(r->memcg);
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
	if (old)
		queue_work(reader_wq, &old->retire);
	return r;
}

/**
 * leap_reader_prune - forget the processes that are gone
 *
 * Does not wait, so some may stay until the next time. May sleep.
 */
void leap_reader_prune(void)
{
	struct reader *r;
	unsigned long id;

	if (!mutex_trylock(&readers_mutex))
		return;
	xa_for_each(&readers, id, r) {
		if (xa_load(&leap_mms, id) == r->lm)
			continue;
		xa_erase(&readers, id);
		queue_work(reader_wq, &r->retire);
	}
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
	if (r->version != leap_prefetch_settings_version())
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

/* Where are these pages? Returns how many can be read. */
static u32 find_slots(struct vm_area_struct *vma, const u64 *pages, u32 nr,
		      struct wanted *found)
{
	u32 i, n = 0;

	for (i = 0; i < nr; i++) {
		unsigned long addr = pages[i] << PAGE_SHIFT;

		if (addr < vma->vm_start || addr >= vma->vm_end)
			continue;
		found[n].page = pages[i];
		found[n].entry = leap_slot_at(vma, addr);
		if (found[n].entry.val)
			n++;
	}
	return n;
}

/* Puts the pages on the list of those to read; returns how many. */
static u32 want(struct reader *r, struct vm_area_struct *vma,
		const u64 *pages, u32 nr)
{
	struct mem_cgroup *memcg = get_mem_cgroup_from_mm(vma->vm_mm);
	struct leap_prefetch_counters before;
	struct wanted found[LEAP_WINDOW_MAX];
	u32 n = find_slots(vma, pages, nr, found);

	spin_lock(&r->lock);
	before = r->prefetcher.count;
	n = kfifo_in(&r->wanted, found, n);
	leap_prefetch_skipped(&r->prefetcher, nr - n);
	account(r, &before);
	swap(r->memcg, memcg);
	spin_unlock(&r->lock);
	mem_cgroup_put(memcg);
	return n;
}

/* Is there something to do for the work item? */
static bool has_work(struct reader *r)
{
	bool has;

	spin_lock(&r->lock);
	has = !kfifo_is_empty(&r->wanted) ||
	      (get_prefetch_buffer_active() &&
	       kfifo_len(&r->fifo) > get_prefetch_buffer());
	spin_unlock(&r->lock);
	return has;
}

/*
 * Return: 0 if a read has begun. Then @again says if it was read before, and not
 * used.
 */
static int read_slot(swp_entry_t entry, gfp_t gfp, bool *again)
{
	int err;

	*again = false;
	if (!readable(entry))
		return -ENOENT;
	/* Before anybody can find it, or its hit would not be known for one. */
	*again = leap_map_mark(entry);
	err = leap_prefetch(entry, gfp);
	if (err && !*again)
		leap_map_unmark(entry);
	return err;
}

static void note_read(struct reader *r, swp_entry_t entry, int err, bool again)
{
	struct leap_prefetch_counters before;

	spin_lock(&r->lock);
	before = r->prefetcher.count;
	if (err) {
		leap_prefetch_skipped(&r->prefetcher, 1);
	} else {
		leap_prefetch_unused(&r->prefetcher, again);
		if (kfifo_is_full(&r->fifo))
			kfifo_skip(&r->fifo);	/* left to reclaim */
		kfifo_put(&r->fifo, entry.val);
	}
	account(r, &before);
	spin_unlock(&r->lock);
}

/* The oldest page on the list, if there are more than @leave. */
static bool take_wanted(struct reader *r, unsigned int leave, struct wanted *w)
{
	bool taken;

	spin_lock(&r->lock);
	taken = kfifo_len(&r->wanted) > leave && kfifo_get(&r->wanted, w);
	spin_unlock(&r->lock);
	return taken;
}

static void read_one(struct reader *r, const struct wanted *w, gfp_t gfp)
{
	bool again;
	int err = read_slot(w->entry, gfp, &again);

	trace_leap_prefetch(w->page, w->entry, err);
	note_read(r, w->entry, err, again);
}

/*
 * What a fault that needs @folio reads itself, when it has put @fresh pages on
 * the list: those that were there before, for then the work item is too slow,
 * and while it has to wait anyway all of them. It reclaims nothing for that.
 */
static void read_here(struct reader *r, struct folio *folio, u32 fresh)
{
	struct wanted w;

	while (take_wanted(r, folio_test_locked(folio) ? 0 : fresh, &w))
		read_one(r, &w, GFP_USER & ~__GFP_DIRECT_RECLAIM);
}

/**
 * leap_reader_fault - &leap_ops.fault
 * @vmf: the fault
 * @entry: its slot
 * @folio: its page, which has been asked for at least
 * @miss: it was asked for just now
 */
void leap_reader_fault(struct vm_fault *vmf, swp_entry_t entry,
		       struct folio *folio, bool miss)
{
	struct reader *r = reader_get(vmf->vma->vm_mm->leap);
	bool marked = leap_map_unmark(entry);
	enum leap_fault_kind kind = kind_of(folio, miss, marked);
	u64 page = vmf->address >> PAGE_SHIFT;
	u64 pages[LEAP_WINDOW_MAX];
	u32 nr = 0;

	/* When a fault is taken again, it has been seen the first time. */
	if (r && (miss || !(vmf->flags & FAULT_FLAG_TRIED))) {
		nr = ask(r, page, kind, marked, pages);
		trace_leap_fault(page, entry, kind,
				 vmf->flags & FAULT_FLAG_WRITE, nr);
	}
	if (nr)
		nr = want(r, vmf->vma, pages, nr);
	if (nr || (r && folio_test_locked(folio)))
		read_here(r, folio, nr);
	if (r && has_work(r))
		queue_work(reader_wq, &r->work);
	if (miss)
		leap_io_poll(entry, folio);
}

/* Takes the oldest slots of which there are too many; returns how many. */
static unsigned int take_oldest(struct reader *r, unsigned int keep,
				unsigned long *slots)
{
	unsigned int len, nr = 0;

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

static void drop_unused(struct reader *r, unsigned int keep)
{
	struct leap_prefetch_counters before;
	unsigned long slots[DROP_BATCH];
	unsigned int nr;
	u32 dropped;

	while ((nr = take_oldest(r, keep, slots))) {
		dropped = drop_slots(slots, nr);
		spin_lock(&r->lock);
		before = r->prefetcher.count;
		leap_prefetch_unused(&r->prefetcher, dropped);
		account(r, &before);
		spin_unlock(&r->lock);
		cond_resched();
	}
}

static void work(struct work_struct *item)
{
	struct reader *r = container_of(item, struct reader, work);
	struct mem_cgroup *memcg, *old;
	struct wanted w;

	spin_lock(&r->lock);
	memcg = r->memcg;
	r->memcg = NULL;
	spin_unlock(&r->lock);
	old = set_active_memcg(memcg);	/* for leap_prefetch() */
	while (take_wanted(r, 0, &w)) {
		read_one(r, &w, GFP_USER);
		cond_resched();
	}
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	if (get_prefetch_buffer_active())
		drop_unused(r, get_prefetch_buffer());
}

/* Nobody wants anything any more, and nobody else can find @r. */
static void retire(struct work_struct *item)
{
	struct reader *r = container_of(item, struct reader, retire);

	cancel_work_sync(&r->work);
	drop_unused(r, 0);
	reader_free(r);
}

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
 * leap_reader_resize - room for so many prefetched pages in each process
 * @pages: see prefetch_buffer_init()
 *
 * Return: 0; -ENOMEM and some processes have the new size already.
 */
int leap_reader_resize(unsigned int pages)
{
	struct reader *r;
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
	struct reader *r;
	unsigned long id;

	destroy_workqueue(reader_wq);
	xa_for_each(&readers, id, r)
		reader_free(xa_erase(&readers, id));
}
