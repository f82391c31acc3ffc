/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_STREAM_H
#define LEAP_POLICY_STREAM_H

#include "deps.h"
#include "trend.h"

/* Furthest that prefetches are ahead of the program, in steps of its stride. */
#define LEAP_AHEAD_MAX		64

/* Most streams that are followed at once in one thread, and in all of a process. */
#define LEAP_STREAMS_MAX	8
#define LEAP_STREAMS_ALL	16

/* Faults that belong to no stream and are remembered all the same. */
#define LEAP_STRAYS		16

/* No page has this number or a higher one, whatever the page size. */
#define LEAP_PAGE_LIMIT		0x10000000000000ULL

/**
 * enum leap_stream_state - how well a stream is known
 * @LEAP_STREAM_NEW: two or three faults that may be one
 * @LEAP_STREAM_GUESSED: one fault that nothing but habit makes one of
 * @LEAP_STREAM_TRIED: the same, because of a single long stream
 * @LEAP_STREAM_SURE: there was a trend
 */
enum leap_stream_state {
	LEAP_STREAM_NEW,
	LEAP_STREAM_GUESSED,
	LEAP_STREAM_TRIED,
	LEAP_STREAM_SURE,
};

/**
 * struct leap_stream - one way through memory
 * @trend: its last faults
 * @seen: &leap_streams.clock at the last fault
 * @delta: pages from one step to the next, 0 if not known
 * @pos: page of the last fault that was a step along @delta
 * @steps: since it began, or turned; at least 1
 * @doubt: faults for which the trend was another one though the way was right
 * @state: how well it is known
 * @left: it was long, and a fault elsewhere was tried as the first of another
 * @thread: whose
 * @ahead: steps beyond @pos that were asked for
 * @window: pages, as the hits have earned; 0 is suspended
 * @hits: used pages since the last prefetch
 * @boost: how many windows fit ahead, as a power of two; 0 at first
 * @patience: steps until late hits count again
 *
 * stream.c follows the way, prefetch.c owns @window and what is after it.
 */
struct leap_stream {
	struct leap_trend trend;
	u64 seen;
	s64 delta;
	u64 pos;
	u32 steps;
	u32 doubt;
	enum leap_stream_state state;
	bool left;
	u32 thread;
	u32 ahead;
	u32 window;
	u32 hits;
	u32 boost;
	u32 patience;
};

/**
 * struct leap_habit - what the streams of a process have in common
 * @delta: of the last ones, 0 if there was none
 * @run: their length, an average, in 16th of a step
 * @trust: how sure it is that a fault without a stream begins one like them, up
 *	to LEAP_TRUST_MAX
 */
struct leap_habit {
	s64 delta;
	u32 run;
	u32 trust;
};

#define LEAP_TRUST_MAX		8

/* Guesses that are remembered. */
#define LEAP_GUESSES		8

/**
 * struct leap_guess - a page that was taken for the first of a stream
 * @page: its number
 * @when: &leap_streams.clock at that time, 0 if there is none
 */
struct leap_guess {
	u64 page;
	u64 when;
};

/**
 * struct leap_stray - a fault without a stream
 * @page: LEAP_PAGE_LIMIT if taken by one since
 * @thread: whose
 */
struct leap_stray {
	u64 page;
	u32 thread;
};

/**
 * struct leap_streams - the streams of one process
 * @nr: how many there can be in one thread, 1 to LEAP_STREAMS_MAX
 * @history: deltas that each remembers, see leap_trend_init()
 * @split: see there
 * @clock: counts faults, so that the stream that is idle for longest can be told
 * @passed: pages that were asked for and whose turn has come, or never will
 * @last: page of the last fault, LEAP_PAGE_LIMIT if there was none
 * @latest: whose fault it was, NULL if it fitted nowhere; a stray that comes
 *	again changes nothing
 * @habit: of all streams
 * @next_guess: where the next one goes
 * @guesses: ring of the last ones
 * @next_stray: where the next one goes
 * @strays: ring of the last ones
 * @thread: whose faults these are, see leap_streams_thread()
 * @top: entries of @all in use, the first ones
 * @all: in no order
 */
struct leap_streams {
	u32 nr;
	u32 history;
	u32 split;
	u64 clock;
	u32 passed;
	u64 last;
	struct leap_stream *latest;
	struct leap_habit habit;
	u32 next_guess;
	struct leap_guess guesses[LEAP_GUESSES];
	u32 next_stray;
	struct leap_stray strays[LEAP_STRAYS];
	u32 thread;
	u32 top;
	struct leap_stream all[LEAP_STREAMS_ALL];
};

/**
 * enum leap_move - what a fault is to a stream
 * @LEAP_MOVE_REPEAT: its last page again; nothing has changed
 * @LEAP_MOVE_STRAY: there is no stream that it belongs to
 * @LEAP_MOVE_BESIDE: near, but not along the way
 * @LEAP_MOVE_SKIP: along the last known way, but further than one step, and
 *	there is no trend now
 * @LEAP_MOVE_STEP: along the way
 * @LEAP_MOVE_ASKED: the same, and its page had been asked for
 */
enum leap_move {
	LEAP_MOVE_REPEAT,
	LEAP_MOVE_STRAY,
	LEAP_MOVE_BESIDE,
	LEAP_MOVE_SKIP,
	LEAP_MOVE_STEP,
	LEAP_MOVE_ASKED,
};

void leap_streams_init(struct leap_streams *streams, u32 nr, u32 history,
		       u32 split);
void leap_streams_thread(struct leap_streams *streams, u32 thread);
enum leap_move leap_streams_fault(struct leap_streams *streams, u64 page,
				  bool miss, struct leap_stream **found);
void leap_stream_pass(struct leap_streams *streams, struct leap_stream *stream,
		      u32 steps);
u32 leap_stream_rest(const struct leap_streams *streams,
		     const struct leap_stream *stream);

#endif /* LEAP_POLICY_STREAM_H */
