// SPDX-License-Identifier: GPL-2.0
/*
 * Leap's, which is the module's own source; and for comparison the same with no
 * difference made between the threads of a process, or all between them; and the
 * algorithm of the paper that it comes from: one history, prefetches on misses only,
 * along the last trend if there is none.
 */
#include "sim.h"

#include <err.h>
#include <stdlib.h>

static void *leap_create_many(struct sim *sim, uint32_t nr)
{
	struct leap_prefetcher *all = calloc(nr, sizeof(*all));

	if (!all)
		err(1, "no memory for %u histories", nr);
	for (uint32_t i = 0; i < nr; i++)
		leap_prefetch_init(&all[i], &sim_options(sim)->leap);
	return all;
}

static void leap_fault_of(struct sim *sim, struct leap_prefetcher *p,
			  const struct fault *fault)
{
	uint64_t pages[LEAP_WINDOW_MAX];
	uint32_t nr, skipped = 0;

	nr = leap_prefetch_fault(p, fault->page, fault->kind, pages);
	for (uint32_t i = 0; i < nr; i++)
		skipped += !sim_prefetch(sim, pages[i]);
	leap_prefetch_skipped(p, skipped);
}

static void *leap_create(struct sim *sim)
{
	return leap_create_many(sim, sim_processes(sim));
}

static void leap_fault(struct sim *sim, void *state, const struct fault *fault)
{
	struct leap_prefetcher *p = (struct leap_prefetcher *)state +
				    sim_process_of(sim, fault->thread);

	leap_prefetch_thread(p, fault->thread);
	leap_fault_of(sim, p, fault);
}

static void leap_dropped(struct sim *sim, void *state, uint32_t thread)
{
	leap_prefetch_unused((struct leap_prefetcher *)state +
			     sim_process_of(sim, thread), 1);
}

const struct policy policy_leap = {
	.name = "leap",
	.create = leap_create,
	.fault = leap_fault,
	.dropped = leap_dropped,
	.destroy = free,
};

static void process_fault(struct sim *sim, void *state,
			  const struct fault *fault)
{
	leap_fault_of(sim, (struct leap_prefetcher *)state +
		      sim_process_of(sim, fault->thread), fault);
}

const struct policy policy_leap_process = {
	.name = "leap-process",
	.create = leap_create,
	.fault = process_fault,
	.dropped = leap_dropped,
	.destroy = free,
};

static void *threads_create(struct sim *sim)
{
	return leap_create_many(sim, sim_threads(sim));
}

static void threads_fault(struct sim *sim, void *state,
			  const struct fault *fault)
{
	leap_fault_of(sim, (struct leap_prefetcher *)state + fault->thread,
		      fault);
}

static void threads_dropped(struct sim *sim, void *state, uint32_t thread)
{
	(void)sim;
	leap_prefetch_unused((struct leap_prefetcher *)state + thread, 1);
}

const struct policy policy_leap_threads = {
	.name = "leap-thread",
	.create = threads_create,
	.fault = threads_fault,
	.dropped = threads_dropped,
	.destroy = free,
};

/**
 * struct paper - one for all
 * @trend: history
 * @delta: last trend
 * @window: pages of the last prefetch
 * @hits: since then
 */
struct paper {
	struct leap_trend trend;
	int64_t delta;
	uint32_t window;
	uint32_t hits;
};

static void *paper_create(struct sim *sim)
{
	const struct leap_prefetch_settings *set = &sim_options(sim)->leap;
	struct paper *p = calloc(1, sizeof(*p));

	if (!p)
		err(1, "no memory for the history");
	leap_trend_init(&p->trend, set->history, set->split);
	return p;
}

static uint32_t paper_window(const struct paper *p, bool follows)
{
	uint32_t window = follows;

	if (p->hits)
		for (window = 1; window < p->hits + 1 && window < OTHERS_WINDOW;)
			window *= 2;
	return window > p->window / 2 ? window : p->window / 2;
}

static void paper_fault(struct sim *sim, void *state, const struct fault *fault)
{
	struct paper *p = state;
	int64_t delta = fault->page - p->trend.last, trend;

	if (!leap_trend_log(&p->trend, fault->page))
		return;
	if (fault->kind != LEAP_FAULT_MISS) {
		p->hits++;
		return;
	}
	trend = leap_trend_find(&p->trend);
	if (trend)
		p->delta = trend;
	p->window = paper_window(p, p->delta && delta == p->delta);
	p->hits = 0;
	for (uint32_t i = 1; p->delta && i <= p->window; i++)
		sim_prefetch(sim, fault->page + p->delta * i);
}

const struct policy policy_paper = {
	.name = "paper",
	.create = paper_create,
	.fault = paper_fault,
	.destroy = free,
};
