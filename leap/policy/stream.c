// SPDX-License-Identifier: GPL-2.0
/*
 * The ways that a program goes through its memory.
 *
 * One that adds two arrays goes three ways at once, and threads have ways of
 * their own. In one history of all their faults no delta ever gets a majority.
 * So each way is a stream with a history of its own, and a fault belongs to the
 * stream of the same thread
 *
 *  - that it continues: a whole number of strides beyond the last step, no
 *    further than a little beyond what was prefetched (pages in between that are
 *    mapped do not fault, so that a program seems to skip them), else
 *  - whose last fault was near.
 *
 * A fault that fits nowhere is a stray. Strays are remembered, in a ring of
 * their own so that random accesses push no stream out of the table, until two
 * of them are near each other or three, in equal distances in the ring, are in
 * equal distances in memory:
 *
 *	A+0 B+0 C+0  A+500 B+500 C+500  A+1000		three strides of 500
 *
 * They then become a stream, in place of the one that was idle for longest.
 *
 * The direction of a stream is what trend.c finds in its history. If it finds
 * none, the last one is kept for as long as faults keep to it.
 *
 * Habit
 *
 * Until a majority has formed, the first pages of each stream are misses. That
 * is nothing for a scan of a million pages, and most of it for a program that
 * reads objects of ten pages each. So streams that end leave behind which way
 * they went and how far. When strays become such streams again and again, the
 * next one is taken for the first page of one at once; when strays come to
 * nothing, or such a guess does, trust goes, so that random accesses do not
 * lead to any. A program that has gone one way for long needs less of it: when it
 * jumps elsewhere, it is taken to go on like that there, once for each long
 * stream, and carefully. How far the last streams went also says where to stop
 * reading ahead. A stream that goes further than that may go as far again, and no
 * stream ends for sure: one that is long goes on for a small part of its way.
 */
#include "stream.h"

/* A fault this many pages from a stream's last one is near. */
#define NEAR_PAGES	64

/* So many steps may a program skip beyond what was prefetched. */
#define SKIP_STEPS	8

/* Longer strides are none: with @ahead steps of them, all fits in 32 bits. */
#define STRIDE_MAX	0x2000000LL

/* Longer runs are as good as endless. */
#define RUN_MAX		0x1000000U

/* Parts of a step that an average is kept in. */
#define RUN_PARTS	16

/* A trend that is another one so often is right. */
#define DOUBT_MAX	8

/* After so many faults the page of a guess is forgotten. */
#define GUESS_AGE	32

/* Guess with this much trust. */
#define TRUST_ENOUGH	4

/* A stream of so many steps is long. */
#define LONG_RUN	256

/* And may go on for this part of its way, however far others went. */
#define LONG_SLACK	64

/**
 * leap_streams_init - a process of which nothing is known
 * @streams: to be set up
 * @nr: most streams of a thread, 1 to LEAP_STREAMS_MAX
 * @history: deltas that each remembers, see leap_trend_init()
 * @split: see there
 */
void leap_streams_init(struct leap_streams *streams, u32 nr, u32 history,
		       u32 split)
{
	u32 i;

	memset(streams, 0, sizeof(*streams));
	streams->nr = nr;
	streams->history = history;
	streams->split = split;
	streams->last = LEAP_PAGE_LIMIT;
	for (i = 0; i < LEAP_STRAYS; i++)
		streams->strays[i].page = LEAP_PAGE_LIMIT;
}

/**
 * leap_streams_thread - the faults that follow are this thread's
 * @streams: of the process
 * @thread: any number that is its own; until the first call it is 0
 */
void leap_streams_thread(struct leap_streams *streams, u32 thread)
{
	streams->thread = thread;
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
static struct leap_stream *find_stream(struct leap_streams *streams, u64 page,
				       u32 *steps)
{
	const u32 far = LEAP_AHEAD_MAX + SKIP_STEPS;
	u64 best_cost = far + NEAR_PAGES + 1;
	struct leap_stream *best = NULL;
	u32 i;

	*steps = 0;
	for (i = 0; i < streams->top; i++) {
		struct leap_stream *s = &streams->all[i];
		u32 on_way;
		u64 cost;

		if (s->thread != streams->thread)
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

static void trust_more(struct leap_habit *habit, s64 delta)
{
	if (habit->delta == delta) {
		if (habit->trust < LEAP_TRUST_MAX)
			habit->trust++;
	} else if (habit->trust) {
		habit->trust--;
	} else {
		habit->delta = delta;
		habit->trust = 1;
	}
}

static void trust_less(struct leap_habit *habit)
{
	if (habit->trust)
		habit->trust--;
}

/* The stream goes no further: what does that say of others? */
static void end_run(struct leap_habit *habit, const struct leap_stream *s)
{
	if (s->state == LEAP_STREAM_GUESSED)
		trust_less(habit);
	if (s->state != LEAP_STREAM_SURE)
		return;
	if (habit->run)
		habit->run += (s32)(s->steps * RUN_PARTS - habit->run) / 4;
	else
		habit->run = s->steps * RUN_PARTS;
}

/**
 * leap_stream_pass - the turn of pages that were asked for has come
 * @streams: of the process
 * @stream: one of them
 * @steps: how many; any number that is too large stands for all
 *
 * From now on they have been used, or were asked for in vain.
 */
void leap_stream_pass(struct leap_streams *streams, struct leap_stream *stream,
		      u32 steps)
{
	if (steps > stream->ahead)
		steps = stream->ahead;
	stream->ahead -= steps;
	streams->passed += steps;
}

/*
 * A free entry, or the stream that was idle for longest: of the thread if it has as
 * many as it may have, else of all.
 */
static struct leap_stream *find_place(struct leap_streams *streams)
{
	struct leap_stream *idle = NULL, *own_idle = NULL;
	u32 i, own = 0;

	for (i = 0; i < streams->top; i++) {
		struct leap_stream *s = &streams->all[i];

		if (!idle || s->seen < idle->seen)
			idle = s;
		if (s->thread != streams->thread)
			continue;
		own++;
		if (!own_idle || s->seen < own_idle->seen)
			own_idle = s;
	}
	if (own >= streams->nr)
		return own_idle;
	return i < LEAP_STREAMS_ALL ? &streams->all[streams->top++] : idle;
}

static struct leap_stream *new_stream(struct leap_streams *streams)
{
	struct leap_stream *s = find_place(streams);

	if (s->seen)
		end_run(&streams->habit, s);
	leap_stream_pass(streams, s, s->ahead);
	memset(s, 0, sizeof(*s));
	s->thread = streams->thread;
	leap_trend_init(&s->trend, streams->history, streams->split);
	s->seen = streams->clock;
	return s;
}

/* The stray of @age strays ago, the newest being 1. */
static struct leap_stray *stray_at(struct leap_streams *streams, u32 age)
{
	return &streams->strays[(streams->next_stray - age) % LEAP_STRAYS];
}

/* Moves the @age-th newest stray to the history of @s. */
static void adopt(struct leap_streams *streams, struct leap_stream *s, u32 age)
{
	struct leap_stray *stray = stray_at(streams, age);

	leap_trend_log(&s->trend, stray->page);
	stray->page = LEAP_PAGE_LIMIT;
	s->steps++;
}

/* The page of a stray, LEAP_PAGE_LIMIT if there is none or it is another thread's. */
static u64 own_stray(struct leap_streams *streams, u32 age)
{
	struct leap_stray *stray = stray_at(streams, age);

	return stray->thread == streams->thread ? stray->page : LEAP_PAGE_LIMIT;
}

/* Makes a stream of @page and two strays, if the three are evenly spaced. */
static struct leap_stream *join_evenly(struct leap_streams *streams, u64 page)
{
	u32 age;

	for (age = 1; age <= LEAP_STRAYS / 2; age++) {
		u64 one = own_stray(streams, age);
		u64 two = own_stray(streams, 2 * age);
		struct leap_stream *s;

		if (one == LEAP_PAGE_LIMIT || two == LEAP_PAGE_LIMIT ||
		    page - one != one - two ||
		    distance(page, one) > STRIDE_MAX)
			continue;
		s = new_stream(streams);
		adopt(streams, s, 2 * age);
		adopt(streams, s, age);
		s->delta = one - two;
		s->pos = one;
		return s;
	}
	return NULL;
}

/* Makes a stream of @page and the newest stray that is near. */
static struct leap_stream *join_near(struct leap_streams *streams, u64 page)
{
	u32 age;

	for (age = 1; age <= LEAP_STRAYS; age++) {
		if (distance(page, own_stray(streams, age)) <= NEAR_PAGES) {
			struct leap_stream *s = new_stream(streams);

			adopt(streams, s, age);
			return s;
		}
	}
	return NULL;
}

/*
 * Makes a stream of @page and the page of a guess that is near. One way that is
 * cut by others in equal distances
 *
 *	A+0 B+0 C+0  A+10 B+10 C+10  A+20 ...	B - A = C - B
 *
 * looks like many short ones, all of which begin alike. Then it is the guesses
 * that show where it goes.
 */
static struct leap_stream *join_guess(struct leap_streams *streams, u64 page)
{
	u32 i;

	for (i = 0; i < LEAP_GUESSES; i++) {
		struct leap_guess *g = &streams->guesses[i];
		struct leap_stream *s;

		if (!g->when || streams->clock - g->when > GUESS_AGE ||
		    distance(page, g->page) > NEAR_PAGES)
			continue;
		s = new_stream(streams);
		leap_trend_log(&s->trend, g->page);
		s->steps = 1;
		g->when = 0;
		return s;
	}
	return NULL;
}

/*
 * Does a fault that fits nowhere come right after one of a long stream, for the
 * first time? Return: the way of that, or 0. How far it went is all that is known
 * of that, if no stream has ended yet.
 */
static s64 way_of_long(struct leap_streams *streams)
{
	struct leap_stream *s = streams->latest;

	if (!s || s->thread != streams->thread || s->state != LEAP_STREAM_SURE ||
	    s->steps < LONG_RUN || s->left)
		return 0;
	if (!streams->habit.run)
		end_run(&streams->habit, s);
	s->left = true;
	return s->delta;
}

static struct leap_stream *new_guess(struct leap_streams *streams, u64 page,
				     s64 delta, enum leap_stream_state state)
{
	struct leap_stream *s;

	streams->guesses[streams->next_guess++ % LEAP_GUESSES] =
		(struct leap_guess){ .page = page, .when = streams->clock };
	s = new_stream(streams);
	s->state = state;
	s->steps = 1;
	s->delta = delta;
	s->pos = page;
	leap_trend_log(&s->trend, page);
	return s;
}

/*
 * Makes a stream of @page alone, if streams have begun like this before or a long
 * one has been left for it.
 */
static struct leap_stream *guess(struct leap_streams *streams, u64 page)
{
	s64 way;

	if (streams->habit.trust >= TRUST_ENOUGH)
		return new_guess(streams, page, streams->habit.delta,
				 LEAP_STREAM_GUESSED);
	way = way_of_long(streams);
	return way ? new_guess(streams, page, way, LEAP_STREAM_TRIED) : NULL;
}

static bool is_stray(struct leap_streams *streams, u64 page)
{
	u32 i;

	for (i = 0; i < LEAP_STRAYS; i++)
		if (streams->strays[i].page == page)
			return true;
	return false;
}

/*
 * A stray that founds a stream leaves its place in the ring empty, so that the
 * distances between others stay as they are.
 */
static void push_stray(struct leap_streams *streams, u64 page)
{
	struct leap_stray *place = stray_at(streams, 0);

	if (place->page != LEAP_PAGE_LIMIT)
		trust_less(&streams->habit);
	place->page = page;
	place->thread = streams->thread;
	streams->next_stray++;
}

/* There is a trend, or a guess was right. */
static void make_sure(struct leap_streams *streams, struct leap_stream *s)
{
	if (s->state != LEAP_STREAM_SURE)
		trust_more(&streams->habit, s->delta);
	s->state = LEAP_STREAM_SURE;
}

/* The stream goes another way from @page on, or the same from elsewhere. */
static void turn(struct leap_streams *streams, struct leap_stream *s, u64 page,
		 s64 delta)
{
	if (s->state != LEAP_STREAM_NEW) {
		end_run(&streams->habit, s);
		s->state = LEAP_STREAM_NEW;
		s->left = false;
		s->steps = 0;
	}
	s->steps++;
	s->delta = delta;
	s->pos = page;
	leap_stream_pass(streams, s, s->ahead);
	s->doubt = 0;
	make_sure(streams, s);
}

/*
 * Is @trend where the stream goes now? If some pages are mapped and do not
 * fault, then twice or three times the stride may have a majority for a while.
 * So as long as the pages that were asked for are those that are used, another
 * trend must last to be believed.
 */
static bool turns(struct leap_stream *s, s64 trend, s64 delta, u32 steps,
		  bool asked)
{
	if (!trend)
		return false;
	if (trend == s->delta) {
		s->doubt = 0;
		return trend == delta && !steps;
	}
	return !asked || ++s->doubt >= DOUBT_MAX;
}

/* Nothing but its first fault is known of it. */
static bool is_guess(const struct leap_stream *s)
{
	return s->state == LEAP_STREAM_GUESSED || s->state == LEAP_STREAM_TRIED;
}

/*
 * Moves the stream to @page, @steps further on its way, 0 if it is beside it. A
 * trend is looked for from the last fault, on the way or not: after a jump, the
 * stream goes on from where it has landed. What is suspended, or new, starts
 * only with a trend.
 */
static enum leap_move advance(struct leap_streams *streams,
			      struct leap_stream *s, u64 page, u32 steps)
{
	s64 delta = page - s->trend.last, trend;
	bool asked = steps && steps <= s->ahead;

	leap_trend_log(&s->trend, page);
	trend = leap_trend_find(&s->trend);
	if (trend > STRIDE_MAX || trend < -STRIDE_MAX)
		trend = 0;
	if (turns(s, trend, delta, steps, asked)) {
		turn(streams, s, page, trend);
		return trend == delta ? LEAP_MOVE_STEP : LEAP_MOVE_BESIDE;
	}
	if (!steps) {
		s->steps += s->state == LEAP_STREAM_NEW;
		return LEAP_MOVE_BESIDE;
	}
	if (trend || (is_guess(s) && steps == 1))
		make_sure(streams, s);
	s->pos = page;
	if (s->steps < RUN_MAX)
		s->steps += steps;
	leap_stream_pass(streams, s, steps);
	if (!trend && !s->window)
		return LEAP_MOVE_BESIDE;
	if (asked)
		return LEAP_MOVE_ASKED;
	return steps == 1 || trend ? LEAP_MOVE_STEP : LEAP_MOVE_SKIP;
}

/**
 * leap_streams_fault - there was a fault
 * @streams: of the process
 * @page: below LEAP_PAGE_LIMIT
 * @miss: the page had to be read; anything else founds no stream by habit
 * @found: set to the stream that it belongs to now, NULL if there is none
 *
 * Return: what it is to @found.
 */
enum leap_move leap_streams_fault(struct leap_streams *streams, u64 page,
				  bool miss, struct leap_stream **found)
{
	struct leap_stream *s;
	u32 steps;

	*found = NULL;
	if (page == streams->last)
		return LEAP_MOVE_REPEAT;
	s = find_stream(streams, page, &steps);
	if (s && page == s->trend.last)
		return LEAP_MOVE_REPEAT;
	streams->last = page;
	streams->clock++;
	if (s) {
		s->seen = streams->clock;
		streams->latest = s;
		*found = s;
		return advance(streams, s, page, steps);
	}
	if (is_stray(streams, page))
		return LEAP_MOVE_STRAY;
	s = join_evenly(streams, page);
	if (!s)
		s = join_near(streams, page);
	if (!s && miss)
		s = join_guess(streams, page) ?: guess(streams, page);
	streams->latest = s;
	push_stray(streams, s ? LEAP_PAGE_LIMIT : page);
	if (!s)
		return LEAP_MOVE_STRAY;
	*found = s;
	if (is_guess(s))
		return LEAP_MOVE_STEP;
	return advance(streams, s, page, steps_to(s, page));
}

/**
 * leap_stream_rest - how much further will it go?
 * @streams: of the process
 * @stream: one of them
 *
 * Return: steps, going by how far others went.
 */
u32 leap_stream_rest(const struct leap_streams *streams,
		     const struct leap_stream *stream)
{
	const u32 run = (streams->habit.run + RUN_PARTS / 2) / RUN_PARTS;
	const u32 steps = stream->steps;
	const u32 rest = steps <= run ? run - steps : steps - run;
	const u32 least = steps < LONG_RUN ? 0 : steps / LONG_SLACK;

	return rest < least ? least : rest;
}
