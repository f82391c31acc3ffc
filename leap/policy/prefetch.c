// SPDX-License-Identifier: GPL-2.0
/*
 * Which pages to read before the program asks for them.
 *
 * All that is seen of a program is its faults on pages that are not mapped:
 * those that must be read (misses) and the first touch of those that were
 * prefetched (hits; late ones if the page is still on its way). What is mapped
 * is used without a fault. The answer to each fault is a list of pages to read
 * now, most often an empty one.
 *
 * Which faults belong together, which way they go and how far they may go yet is
 * found out by stream.c.
 *
 * The window
 *
 * How many pages are read at once follows from how many were of use. When
 * pages were used since the last prefetch, it is the next power of two above
 * their number; when none was, one page if the fault follows the trend (this is
 * how a stream starts) and else nothing: prefetching is suspended until the
 * trend is found again. It is never less than half of what it was, so one bad
 * fault does not undo what was learned. A hit never shrinks it. A stream that
 * habit has made of its first fault begins with the largest window, one that a
 * single long stream has led to with a part of it.
 *
 * Ahead of the program
 *
 * If prefetches were made on misses only, the page after each window would be
 * a miss, for ever. They are made on hits, too: whenever another window fits
 * between the furthest page that was asked for and the limit, which is two
 * windows beyond the program. A steady stream then never misses again, and once
 * it runs the prefetches come one window at a time.
 *
 * Two windows are enough if the program takes longer for one than the link. If
 * hits are late, the limit is doubled, up to @max_ahead, and only after the
 * pages have been used that were too late already when it was doubled last. If
 * pages are gone again before their use, it is halved. The next stream starts
 * with the limit of the last.
 *
 * The breaker
 *
 * A pattern may look like a stream and not be one: runs of four pages, say,
 * each at a random place. To read pages in vain costs a link that the misses
 * need. So of each TRIAL_PAGES prefetched a quarter must be used by the time
 * that the stream has passed them, or has turned elsewhere. Else there is
 * a rest, counted in faults, then a trial of fewer pages; after each one that
 * fails the next rest is twice as long. Streams are followed all the same, so
 * that they can start at once when the rest is over.
 */
#include "prefetch.h"

/* A limit of so many windows, as a power of two. */
#define BOOST_MIN	1

/* This part of the largest window is enough for a stream that is only tried. */
#define TRY_PART	4

/* The breaker's trials, in pages, when all is well and after a rest. */
#define TRIAL_PAGES	64
#define RETRIAL_PAGES	16

/* Its rests, in faults. */
#define PAUSE_MIN	64
#define PAUSE_MAX	8192

const struct leap_prefetch_settings leap_prefetch_defaults = {
	.history = LEAP_TREND_SIZE,
	.split = LEAP_TREND_SPLIT,
	.streams = LEAP_STREAMS_MAX,
	.max_window = 16,
	.max_ahead = 32,
	.breaker = 1,
};

static bool within(u32 value, u32 low, u32 high)
{
	return value >= low && value <= high;
}

/**
 * leap_prefetch_check - are these settings any good?
 * @set: from outside
 *
 * Return: 0; -ERANGE if one of them is not in the range that struct
 * leap_prefetch_settings names.
 */
int leap_prefetch_check(const struct leap_prefetch_settings *set)
{
	if (within(set->history, 2, LEAP_TREND_SIZE_MAX) &&
	    within(set->split, 1, set->history) &&
	    within(set->streams, 1, LEAP_STREAMS_MAX) &&
	    within(set->max_window, 1, LEAP_WINDOW_MAX) &&
	    within(set->max_ahead, set->max_window, LEAP_AHEAD_MAX) &&
	    within(set->breaker, 0, 1))
		return 0;
	return -ERANGE;
}

/* Everything but the counters. */
static void begin(struct leap_prefetcher *p,
		  const struct leap_prefetch_settings *set)
{
	p->set = *set;
	p->boost = BOOST_MIN;
	memset(&p->breaker, 0, sizeof(p->breaker));
	leap_streams_init(&p->streams, set->streams, set->history, set->split);
}

/**
 * leap_prefetch_init - a process of which nothing is known
 * @p: to be set up
 * @set: settings that leap_prefetch_check() has accepted; copied
 */
void leap_prefetch_init(struct leap_prefetcher *p,
			const struct leap_prefetch_settings *set)
{
	memset(&p->count, 0, sizeof(p->count));
	begin(p, set);
}

/**
 * leap_prefetch_change - from now on with other settings
 * @p: in use
 * @set: settings that leap_prefetch_check() has accepted; copied
 *
 * The counters go on. What was learned is forgotten.
 */
void leap_prefetch_change(struct leap_prefetcher *p,
			  const struct leap_prefetch_settings *set)
{
	begin(p, set);
}

static u32 smaller(u32 a, u32 b)
{
	return a < b ? a : b;
}

static u32 larger(u32 a, u32 b)
{
	return a > b ? a : b;
}

/* What the hits since the last prefetch, or their lack, say of the window. */
static u32 next_window(const struct leap_stream *s, u32 max, bool follows)
{
	u32 window = s->hits ? 1U << fls64(s->hits) : follows;

	return larger(smaller(window, max), s->window / 2);
}

/* Late again: look further ahead, but see first what the last time has done. */
static void hurry(struct leap_prefetcher *p, struct leap_stream *s)
{
	if (s->patience) {
		s->patience--;
		return;
	}
	if (s->window < p->set.max_window ||
	    s->window << s->boost >= p->set.max_ahead)
		return;
	s->boost++;
	s->patience = s->ahead;
	p->boost = s->boost;
}

/* A fault along the way. */
static void learn(struct leap_prefetcher *p, struct leap_stream *s,
		  enum leap_fault_kind kind, enum leap_move move)
{
	const bool follows = move != LEAP_MOVE_SKIP;
	u32 max = p->set.max_window;

	if (!s->boost)
		s->boost = p->boost;
	switch (kind) {
	case LEAP_FAULT_LATE:
		hurry(p, s);
		fallthrough;
	case LEAP_FAULT_HIT:
		s->hits++;
		s->window = larger(next_window(s, max, follows), s->window);
		break;
	case LEAP_FAULT_MISS:
		s->window = next_window(s, max, follows);
		if (s->state == LEAP_STREAM_GUESSED)
			s->window = max;
		if (s->state == LEAP_STREAM_TRIED)
			s->window = larger(max / TRY_PART, 1);
		leap_stream_pass(&p->streams, s, s->ahead);
		if (move == LEAP_MOVE_ASKED && s->boost > BOOST_MIN)
			s->boost--;
		break;
	case LEAP_FAULT_CACHED:
		break;
	}
}

/* A miss beside the way costs a hit or, if there is none, half the window. */
static void learn_beside(struct leap_stream *s, enum leap_fault_kind kind)
{
	if (kind == LEAP_FAULT_HIT || kind == LEAP_FAULT_LATE)
		s->hits++;
	if (kind != LEAP_FAULT_MISS)
		return;
	if (s->hits)
		s->hits--;
	else
		s->window /= 2;
}

/* How many steps ahead may be asked for? 0 if that is better done later. */
static u32 limit_of(struct leap_prefetcher *p, struct leap_stream *s, bool miss)
{
	u32 boost = s->window < p->set.max_window ? BOOST_MIN : s->boost;
	u32 limit = smaller(s->window << boost, p->set.max_ahead);
	u32 rest = leap_stream_rest(&p->streams, s);

	if (miss)
		limit = s->window;
	if (rest < limit)
		return rest;
	return s->ahead + s->window <= limit ? limit : 0;
}

/* Fills the way ahead of @s up to its limit. */
static u32 plan(struct leap_prefetcher *p, struct leap_stream *s, bool miss,
		u64 *pages)
{
	u32 limit = limit_of(p, s, miss), nr = 0;

	while (s->ahead < limit && nr < LEAP_WINDOW_MAX) {
		u64 page = s->pos + s->delta * (s->ahead + 1);

		if (page >= LEAP_PAGE_LIMIT)
			break;
		pages[nr++] = page;
		s->ahead++;
	}
	if (nr)
		s->hits = 0;
	return nr;
}

static void begin_trial(struct leap_breaker *b)
{
	b->faults = 0;
	b->due = 0;
	b->used = 0;
}

/*
 * Is the trial over, and how did it go? It lasts for as many faults as pages, or
 * streams that all end at a time would fail it, with what was beyond their ends.
 */
static void judge(struct leap_breaker *b)
{
	s32 enough = b->pause ? RETRIAL_PAGES : TRIAL_PAGES;

	if (++b->faults < (u32)enough || b->due < enough)
		return;
	if (b->used >= (u32)b->due / 4)
		b->pause = 0;
	else if (!b->pause)
		b->pause = PAUSE_MIN;
	else
		b->pause = smaller(2 * b->pause, PAUSE_MAX);
	b->rest = b->pause;
	begin_trial(b);
}

/*
 * One more fault, and @passed more pages that were asked for. Return:
 * prefetching is allowed.
 */
static bool breaker_allows(struct leap_prefetcher *p, u32 passed)
{
	struct leap_breaker *b = &p->breaker;

	if (!p->set.breaker)
		return true;
	b->due += passed;
	if (!b->rest)
		judge(b);
	else if (!--b->rest)
		begin_trial(b);
	return !b->rest;
}

static void count(struct leap_prefetcher *p, enum leap_fault_kind kind)
{
	p->count.faults++;
	switch (kind) {
	case LEAP_FAULT_MISS:
		p->count.misses++;
		break;
	case LEAP_FAULT_HIT:
		p->count.hits++;
		p->breaker.used++;
		break;
	case LEAP_FAULT_LATE:
		p->count.late++;
		p->breaker.used++;
		break;
	case LEAP_FAULT_CACHED:
		break;
	}
}

/**
 * leap_prefetch_thread - the faults that follow are this thread's
 * @p: the process; the caller keeps others away
 * @thread: any number that is its own
 *
 * Each thread goes ways of its own. What the ways of a process have in common, and
 * whether it pays to read ahead at all, is learned from all of them.
 */
void leap_prefetch_thread(struct leap_prefetcher *p, u32 thread)
{
	leap_streams_thread(&p->streams, thread);
}

/**
 * leap_prefetch_fault - there was a fault
 * @p: the process; the caller keeps others away
 * @page: number of the page in the address space, below LEAP_PAGE_LIMIT
 * @kind: how it found its page
 * @pages: filled with the pages to read now, most urgent first; room for
 *	LEAP_WINDOW_MAX. Some of them may be there already, or not exist: say so
 *	by leap_prefetch_skipped().
 *
 * A repeat of the process's or the stream's last page, as when a fault is taken
 * again, is ignored.
 *
 * Return: how many pages.
 */
u32 leap_prefetch_fault(struct leap_prefetcher *p, u64 page,
			enum leap_fault_kind kind, u64 *pages)
{
	const bool miss = kind == LEAP_FAULT_MISS;
	struct leap_stream *s;
	enum leap_move move;
	u32 passed, nr;

	if (page >= LEAP_PAGE_LIMIT)
		return 0;
	passed = p->streams.passed;
	move = leap_streams_fault(&p->streams, page, miss, &s);
	if (move == LEAP_MOVE_REPEAT)
		return 0;
	count(p, kind);
	if (move == LEAP_MOVE_BESIDE)
		learn_beside(s, kind);
	else if (move != LEAP_MOVE_STRAY)
		learn(p, s, kind, move);
	if (!breaker_allows(p, p->streams.passed - passed) ||
	    move == LEAP_MOVE_BESIDE || move == LEAP_MOVE_STRAY)
		return 0;
	nr = plan(p, s, miss, pages);
	p->count.issued += nr;
	return nr;
}

/**
 * leap_prefetch_skipped - pages that were asked for were not read
 * @p: the process; the caller keeps others away
 * @nr: how many, because they are here already, do not exist, or there was no
 *	memory or no request for them
 */
void leap_prefetch_skipped(struct leap_prefetcher *p, u32 nr)
{
	p->count.issued -= nr;
	p->breaker.due -= nr;
}

/**
 * leap_prefetch_unused - prefetched pages were dropped unused
 * @p: the process; the caller keeps others away
 * @nr: how many
 */
void leap_prefetch_unused(struct leap_prefetcher *p, u32 nr)
{
	p->count.unused += nr;
}
