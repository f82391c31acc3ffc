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
 * A work item that a fault queues will most often take the processor from it at
 * once, and what sends the packets comes right behind. So a timer queues it, when
 * the fault is over and the program computes; unless it does not for long. Then
 * only a few pages are read at a time, and the next fault starts the timer again:
 * a burst of requests ends in a burst of completions, which take the processor from
 * whatever the program does by then.
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
 */
#include <linux/ktime.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include "functions.h"
#include "io.h"
#include "prefetch.h"
#include "reader.h"
#include "trace.h"

/* Pages that are read in one go, and slots that are dropped. */
#define READ_BATCH	16
#define DROP_BATCH	32

/* Of those, while the program computes. */
#define PACED_BATCH	4

/* Nothing that may sleep. */
#define GFP_AT_ONCE	(GFP_USER & ~__GFP_DIRECT_RECLAIM)

static void add(enum leap_event event, u64 nr)
{
	if (nr)
		leap_stats_add(NULL, event, nr);
}

/* Adds what has happened to @r since @before to the sums. */
static void account(const struct leap_reader *r,
		    const struct leap_prefetch_counters *before)
{
	const struct leap_prefetch_counters *now = &r->prefetcher.count;

	add(LEAP_FAULTS, now->faults - before->faults);
	add(LEAP_MISSES, now->misses - before->misses);
	add(LEAP_PREFETCH_HITS, now->hits - before->hits);
	add(LEAP_PREFETCH_LATE, now->late - before->late);
	add(LEAP_PREFETCH_ISSUED, now->issued - before->issued);
	add(LEAP_PREFETCH_UNUSED, now->unused - before->unused);
}

static bool waits(enum leap_fault_kind kind)
{
	return kind == LEAP_FAULT_MISS || kind == LEAP_FAULT_LATE;
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
static u32 ask(struct leap_reader *r, u64 page, enum leap_fault_kind kind,
	       bool marked, u64 *pages)
{
	struct leap_prefetch_counters before;
	u32 nr;

	spin_lock(&r->lock);
	leap_pace_fault(&r->pace, ktime_get_ns(), waits(kind));
	if (r->version != leap_prefetch_settings_version())
		leap_reader_settings(r);
	before = r->prefetcher.count;
	if (marked && kind == LEAP_FAULT_MISS)	/* reclaim was faster */
		leap_prefetch_unused(&r->prefetcher, 1);
	leap_prefetch_thread(&r->prefetcher, task_pid_nr(current));
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
		      struct leap_wanted *found)
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
static u32 want(struct leap_reader *r, struct vm_area_struct *vma,
		const u64 *pages, u32 nr)
{
	struct leap_prefetch_counters before;
	struct leap_wanted found[LEAP_WINDOW_MAX];
	u32 n = find_slots(vma, pages, nr, found);

	spin_lock(&r->lock);
	before = r->prefetcher.count;
	n = kfifo_in(&r->wanted, found, n);
	leap_prefetch_skipped(&r->prefetcher, nr - n);
	account(r, &before);
	spin_unlock(&r->lock);
	return n;
}

static enum hrtimer_restart work_now(struct hrtimer *timer)
{
	struct leap_reader *r = container_of(timer, struct leap_reader, timer);

	leap_reader_work(r);
	return HRTIMER_NORESTART;
}

static bool has_work(struct leap_reader *r)
{
	bool has;

	spin_lock(&r->lock);
	has = !kfifo_is_empty(&r->wanted) ||
	      (get_prefetch_buffer_active() &&
	       kfifo_len(&r->fifo) > get_prefetch_buffer());
	spin_unlock(&r->lock);
	return has;
}

/* How long should the work item wait? In ns, 0 if it should not. */
static u64 delay_of(struct leap_reader *r, enum leap_fault_kind kind, bool asks)
{
	u64 delay;

	spin_lock(&r->lock);
	if (asks)
		leap_pace_asked(&r->pace);
	delay = leap_pace_delay(&r->pace);
	spin_unlock(&r->lock);
	return waits(kind) ? 0 : delay;
}

/* There are pages on the list, or were: is there anything left of them to do? */
static void work_soon(struct leap_reader *r, enum leap_fault_kind kind, bool asks)
{
	u64 delay = delay_of(r, kind, asks);

	if (!has_work(r) || hrtimer_is_queued(&r->timer))
		return;
	if (delay)
		hrtimer_start(&r->timer, ns_to_ktime(delay), HRTIMER_MODE_REL);
	else
		leap_reader_work(r);
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

static void note_read(struct leap_reader *r, swp_entry_t entry, int err, bool again)
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

/* Takes @most of the oldest pages on the list, but for @leave; returns how many. */
static unsigned int take_wanted(struct leap_reader *r, unsigned int leave,
				unsigned int most, struct leap_wanted *wanted)
{
	unsigned int len, nr = 0;

	spin_lock(&r->lock);
	len = kfifo_len(&r->wanted);
	if (len > leave)
		nr = kfifo_out(&r->wanted, wanted, min(len - leave, most));
	spin_unlock(&r->lock);
	return nr;
}

/* Return: false if it is to be tried again with more patience than @gfp has. */
static bool read_one(struct leap_reader *r, const struct leap_wanted *w,
		     gfp_t gfp, bool last)
{
	bool again;
	int err = read_slot(w->entry, gfp, &again);

	if (err == -ENOMEM && !last)
		return false;
	trace_leap_prefetch(w->page, w->entry, err);
	note_read(r, w->entry, err, again);
	return true;
}

/*
 * Reads pages, with one request for those that are neighbours there. What does not
 * fit in memory that can be had at once is left in @wanted; returns how many.
 */
static unsigned int read_at_once(struct leap_reader *r, struct leap_wanted *wanted,
				 unsigned int nr, bool last)
{
	struct leap_session *held = leap_io_hold();
	unsigned int i, left = 0;

	for (i = 0; i < nr; i++)
		if (!read_one(r, &wanted[i], GFP_AT_ONCE, last))
			wanted[left++] = wanted[i];
	leap_io_release(held);
	return left;
}

static bool is_paced(struct leap_reader *r)
{
	bool paced;

	spin_lock(&r->lock);
	paced = leap_pace_delay(&r->pace);
	spin_unlock(&r->lock);
	return paced;
}

/*
 * What a fault that needs @folio reads itself, when it has put @fresh pages on the
 * list: all of them while it has to wait anyway; else those that were there before,
 * for then the work item is too slow, unless it takes its time because the program
 * computes. It reclaims nothing for that.
 */
static void read_here(struct leap_reader *r, struct folio *folio, u32 fresh)
{
	struct leap_wanted wanted[READ_BATCH];
	unsigned int nr;

	if (!folio_test_locked(folio) && is_paced(r))
		return;
	while ((nr = take_wanted(r, folio_test_locked(folio) ? 0 : fresh, READ_BATCH,
				 wanted)))
		read_at_once(r, wanted, nr, true);
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
	struct mm_struct *mm = vmf->vma->vm_mm;
	struct leap_mm *lm = mm == current->mm ? mm->leap : NULL;
	struct leap_reader *r = lm && READ_ONCE(lm->prefetch) ?
				leap_reader_get(lm) : NULL;
	bool marked = leap_map_unmark(entry);
	enum leap_fault_kind kind = kind_of(folio, miss, marked);
	u64 page = vmf->address >> PAGE_SHIFT;
	u64 pages[LEAP_WINDOW_MAX];
	u32 nr = 0;

	if (!miss && !folio_test_uptodate(folio))
		leap_io_load_again(folio, entry);
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
	if (nr || (r && !kfifo_is_empty(&r->wanted)))
		work_soon(r, kind, nr);
	if (miss)
		leap_io_poll(entry, folio);
}

/* Takes the oldest slots of which there are too many; returns how many. */
static unsigned int take_oldest(struct leap_reader *r, unsigned int keep,
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

/**
 * leap_reader_drop - drop what was prefetched and not used
 * @r: whose
 * @keep: so many of the newest pages stay
 *
 * May sleep.
 */
void leap_reader_drop(struct leap_reader *r, unsigned int keep)
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

/* Reads the pages that are @wanted, and waits for memory if there is none. */
static void read_patiently(struct leap_reader *r, struct leap_wanted *wanted,
			   unsigned int nr)
{
	/* The last one reclaims for all. */
	struct leap_wanted *patient = &wanted[nr - 1];

	nr = read_at_once(r, wanted, nr - 1, false);
	while (nr--)
		read_one(r, &wanted[nr], GFP_USER, true);
	read_one(r, patient, GFP_USER, true);
}

static void work(struct work_struct *item)
{
	struct leap_reader *r = container_of(item, struct leap_reader, work);
	struct leap_wanted wanted[READ_BATCH];
	struct mem_cgroup *memcg, *old;
	bool paced = is_paced(r);
	unsigned int nr;

	memcg = leap_reader_memcg(r);
	old = set_active_memcg(memcg);	/* for leap_prefetch() */
	while ((nr = take_wanted(r, 0, paced ? PACED_BATCH : READ_BATCH, wanted))) {
		read_patiently(r, wanted, nr);
		if (paced)
			break;	/* the next fault comes back for the rest */
		cond_resched();
	}
	set_active_memcg(old);
	mem_cgroup_put(memcg);
	if (get_prefetch_buffer_active())
		leap_reader_drop(r, get_prefetch_buffer());
}

/**
 * leap_reader_forget - what is on the list is not read any more
 * @r: whose process is gone
 */
void leap_reader_forget(struct leap_reader *r)
{
	struct leap_prefetch_counters before;

	spin_lock(&r->lock);
	before = r->prefetcher.count;
	leap_prefetch_skipped(&r->prefetcher, kfifo_len(&r->wanted));
	kfifo_reset(&r->wanted);
	account(r, &before);
	spin_unlock(&r->lock);
}

/**
 * leap_reader_setup - make the parts of a reader that are used here
 * @r: zeroed
 */
void leap_reader_setup(struct leap_reader *r)
{
	INIT_WORK(&r->work, work);
	hrtimer_init(&r->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	r->timer.function = work_now;
	INIT_KFIFO(r->wanted);
}
