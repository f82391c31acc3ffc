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
 * Streams
 *
 * A program that adds two arrays goes through memory on three ways at once, and
 * threads have ways of their own. In one history of all their faults no delta
 * ever gets a majority. So each way is a stream with a history of its own, and
 * a fault belongs to the stream
 *
 *  - that it continues: an even number of strides beyond the last fault, no
 *    further than a little beyond what was prefetched (pages in between that
 *    are mapped do not fault, so that a program seems to skip them), else
 *  - whose last fault was near.
 *
 * A fault that fits nowhere is a stray. Strays are remembered, in a ring of their
 * own so that random accesses push no stream out of the table, until two of
 * them are near each other or three are the same distance apart, one round of
 * the ring's newest 2, 4, ... 16 after the other:
 *
 *	A+0 B+0 C+0  A+500 B+500 C+500  A+1000		three strides of 500
 *
 * They then become a stream, in place of the one that was idle for longest. So
 * nothing is lost against one history for all: where a delta has a majority,
 * two equal ones follow each other somewhere, which makes three such strays.
 *
 * The direction of a stream is what trend.c finds in its history. If it finds
 * none, the last one is kept for as long as faults keep to it.
 *
 * The window
 *
 * How many pages are read at once follows from how many were of use. When
 * pages were used since the last prefetch, it is the next power of two above
 * their number; when none was, one page if the fault follows the trend (this is
 * how a stream starts) and else nothing: prefetching is suspended until the
 * trend is found again. It is never less than half of what it was, so one bad
 * fault does not undo what was learned. A hit never shrinks it.
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
 * need. So of each TRIAL_PAGES prefetched a quarter must be used. Else there is
 * a rest, counted in faults, then a trial of fewer pages; after each one that
 * fails the next rest is twice as long. Streams are followed all the same, so
 * that they can start at once when the rest is over.
 */
#include "prefetch.h"

/* A fault this many pages from a stream's last one is near. */
#define NEAR_PAGES	64

/* So many steps may a program skip beyond what was prefetched. */
#define SKIP_STEPS	8

/* Longer strides are none: with @ahead steps of them, all fits in 32 bits. */
#define STRIDE_MAX	0x2000000LL

/* A limit of so many windows, as a power of two. */
#define BOOST_MIN	1

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
	.max_window = 8,
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

/* Everything but settings and counters. */
static void forget(struct leap_prefetcher *p)
{
	u32 i;

	p->clock = 0;
	p->last = LEAP_PAGE_LIMIT;
	p->boost = BOOST_MIN;
	p->next_stray = 0;
	for (i = 0; i < LEAP_STRAYS; i++)
		p->strays[i] = LEAP_PAGE_LIMIT;
	memset(&p->breaker, 0, sizeof(p->breaker));
	for (i = 0; i < LEAP_STREAMS_MAX; i++)
		p->streams[i].seen = 0;
}

/**
 * leap_prefetch_init - a process of which nothing is known
 * @p: to be set up
 * @set: settings that leap_prefetch_check() has accepted; copied
 */
void leap_prefetch_init(struct leap_prefetcher *p,
			const struct leap_prefetch_settings *set)
{
	memset(p, 0, sizeof(*p));
	p->set = *set;
	forget(p);
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
	p->set = *set;
	forget(p);
}

static u64 distance(u64 a, u64 b)
{
	return a > b ? a - b : b - a;
}

/*
 * How many strides is @page beyond the last step? 0 if it is not on the way, or
 * too far. Both numbers that are divided are short, see STRIDE_MAX.
 */
static u32 steps_to(const struct leap_stream *s, u64 page)
{
	s64 way = page - s->pos, stride = s->delta;

	if (stride < 0) {
		way = -way;
		stride = -stride;
	}
	if (way <= 0 || way > stride * (s->ahead + SKIP_STEPS))
		return 0;
	if (way == stride)
		return 1;
	return (u32)way % (u32)stride ? 0 : (u32)way / (u32)stride;
}

/* The stream that @page is the next step of, or else is nearest to. */
static struct leap_stream *find_stream(struct leap_prefetcher *p, u64 page,
				       u32 *steps)
{
	const u32 far = LEAP_AHEAD_MAX + SKIP_STEPS;
	u64 best_cost = far + NEAR_PAGES + 1;
	struct leap_stream *best = NULL;
	u32 i;

	*steps = 0;
	for (i = 0; i < p->set.streams; i++) {
		struct leap_stream *s = &p->streams[i];
		u32 on_way;
		u64 cost;

		if (!s->seen)
			continue;
		on_way = steps_to(s, page);
		cost = on_way ? on_way : far + distance(page, s->trend.last);
		if (cost < best_cost) {
			best_cost = cost;
			best = s;
			*steps = on_way;
		}
	}
	return best;
}

static struct leap_stream *new_stream(struct leap_prefetcher *p)
{
	struct leap_stream *s = &p->streams[0];
	u32 i;

	for (i = 1; i < p->set.streams; i++)
		if (p->streams[i].seen < s->seen)
			s = &p->streams[i];
	memset(s, 0, sizeof(*s));
	leap_trend_init(&s->trend, p->set.history, p->set.split);
	s->boost = p->boost;
	s->seen = p->clock;
	return s;
}

/* The stray of @age strays ago, the newest being 1. */
static u64 *stray_at(struct leap_prefetcher *p, u32 age)
{
	return &p->strays[(p->next_stray - age) % LEAP_STRAYS];
}

/* Moves the @age-th newest stray to the history of @s. */
static void adopt(struct leap_prefetcher *p, struct leap_stream *s, u32 age)
{
	leap_trend_log(&s->trend, *stray_at(p, age));
	*stray_at(p, age) = LEAP_PAGE_LIMIT;
}

/* Makes a stream of @page and two strays, if the three are evenly spaced. */
static struct leap_stream *join_evenly(struct leap_prefetcher *p, u64 page)
{
	u32 age;

	for (age = 1; age <= LEAP_STRAYS / 2; age++) {
		u64 one = *stray_at(p, age), two = *stray_at(p, 2 * age);
		struct leap_stream *s;

		if (one == LEAP_PAGE_LIMIT || two == LEAP_PAGE_LIMIT ||
		    page - one != one - two ||
		    distance(page, one) > STRIDE_MAX)
			continue;
		s = new_stream(p);
		adopt(p, s, 2 * age);
		adopt(p, s, age);
		return s;
	}
	return NULL;
}

/* Makes a stream of @page and the newest stray that is near. */
static struct leap_stream *join_near(struct leap_prefetcher *p, u64 page)
{
	u32 age;

	for (age = 1; age <= LEAP_STRAYS; age++) {
		if (distance(page, *stray_at(p, age)) <= NEAR_PAGES) {
			struct leap_stream *s = new_stream(p);

			adopt(p, s, age);
			return s;
		}
	}
	return NULL;
}

static bool is_stray(struct leap_prefetcher *p, u64 page)
{
	u32 i;

	for (i = 0; i < LEAP_STRAYS; i++)
		if (p->strays[i] == page)
			return true;
	return false;
}

/*
 * A fault without a stream: maybe it founds one. A stray that did leaves its
 * place in the ring empty, so that the rounds of others stay in step.
 */
static struct leap_stream *add_stray(struct leap_prefetcher *p, u64 page)
{
	struct leap_stream *s;

	if (is_stray(p, page))
		return NULL;
	s = join_evenly(p, page);
	if (!s)
		s = join_near(p, page);
	p->next_stray++;
	*stray_at(p, 1) = s ? LEAP_PAGE_LIMIT : page;
	return s;
}

static u32 smaller(u32 a, u32 b)
{
	return a < b ? a : b;
}

static u32 larger(u32 a, u32 b)
{
	return a > b ? a : b;
}

/* The stream goes another way from @page on. */
static void turn(struct leap_stream *s, u64 page, s64 delta)
{
	s->delta = delta;
	s->pos = page;
	s->ahead = 0;
}

/*
 * Moves the stream to @page, @steps further on its way, 0 if it is beside it. A
 * trend is looked for from the last fault, on the way or not: after a jump, the
 * stream goes on from where it has landed. What was suspended starts again only
 * with a trend.
 *
 * Return: the fault is a step along the way.
 */
static bool advance(struct leap_stream *s, u64 page, u32 steps)
{
	s64 delta = page - s->trend.last, trend;

	leap_trend_log(&s->trend, page);
	trend = leap_trend_find(&s->trend);
	if (trend > STRIDE_MAX || trend < -STRIDE_MAX)
		trend = 0;
	if (trend && (trend != s->delta || (trend == delta && !steps))) {
		turn(s, page, trend);
		return trend == delta;
	}
	if (!steps || (!trend && !s->window))
		return false;
	s->pos = page;
	s->ahead -= smaller(steps, s->ahead);
	return true;
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

/* A step along the way; @asked: its page had been asked for. */
static void learn(struct leap_prefetcher *p, struct leap_stream *s,
		  enum leap_fault_kind kind, bool asked)
{
	u32 max = p->set.max_window;

	switch (kind) {
	case LEAP_FAULT_LATE:
		hurry(p, s);
		fallthrough;
	case LEAP_FAULT_HIT:
		s->hits++;
		s->window = larger(next_window(s, max, true), s->window);
		break;
	case LEAP_FAULT_MISS:
		s->window = next_window(s, max, true);
		s->ahead = 0;
		if (asked && s->boost > BOOST_MIN)
			s->boost--;
		break;
	case LEAP_FAULT_CACHED:
		break;
	}
}

/* A fault beside the way costs a hit or, if there is none, half the window. */
static void learn_beside(struct leap_stream *s, enum leap_fault_kind kind)
{
	if (kind != LEAP_FAULT_MISS)
		return;
	if (s->hits)
		s->hits--;
	else
		s->window = next_window(s, s->window, false);
}

/*
 * Asks for one window after a miss. After anything else it fills the way up to
 * the limit, if a window fits.
 */
static u32 plan(struct leap_prefetcher *p, struct leap_stream *s, bool miss,
		u64 *pages)
{
	u32 boost = s->window < p->set.max_window ? BOOST_MIN : s->boost;
	u32 limit = smaller(s->window << boost, p->set.max_ahead), nr = 0;

	if (miss)
		limit = s->window;
	if (s->ahead + s->window > limit)
		return 0;
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

/* One more fault. Return: prefetching is allowed. */
static bool breaker_fault(struct leap_breaker *b)
{
	if (b->rest)
		b->rest--;
	return !b->rest;
}

/* Prefetches were issued: is the trial over, and how did it go? */
static void breaker_judge(struct leap_breaker *b)
{
	if (b->issued < (b->pause ? RETRIAL_PAGES : TRIAL_PAGES))
		return;
	if (b->used >= b->issued / 4)
		b->pause = 0;
	else if (!b->pause)
		b->pause = PAUSE_MIN;
	else
		b->pause = smaller(2 * b->pause, PAUSE_MAX);
	b->rest = b->pause;
	b->issued = 0;
	b->used = 0;
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
	struct leap_stream *s;
	bool asked, allowed;
	u32 steps, nr;

	if (page == p->last || page >= LEAP_PAGE_LIMIT)
		return 0;
	s = find_stream(p, page, &steps);
	if (s && page == s->trend.last)
		return 0;
	p->last = page;
	p->clock++;
	count(p, kind);
	allowed = breaker_fault(&p->breaker);
	if (!s)
		s = add_stray(p, page);
	if (!s)
		return 0;
	s->seen = p->clock;
	asked = steps && steps <= s->ahead;
	if (!advance(s, page, steps)) {
		learn_beside(s, kind);
		return 0;
	}
	learn(p, s, kind, asked);
	if (!allowed)
		return 0;
	nr = plan(p, s, kind == LEAP_FAULT_MISS, pages);
	p->count.issued += nr;
	if (p->set.breaker) {
		p->breaker.issued += nr;
		breaker_judge(&p->breaker);
	}
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
	p->breaker.issued -= smaller(nr, p->breaker.issued);
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
