// SPDX-License-Identifier: GPL-2.0
/* The classic ones: nothing, the next pages, and the stride of the last two. */
#include "sim.h"

#include <err.h>
#include <stdlib.h>

static void none_fault(struct sim *sim, void *state, const struct fault *fault)
{
	(void)sim;
	(void)state;
	(void)fault;
}

const struct policy policy_none = {
	.name = "none",
	.fault = none_fault,
};

/* Reads a window of pages after each one that missed. */
static void next_fault(struct sim *sim, void *state, const struct fault *fault)
{
	(void)state;
	if (fault->kind != LEAP_FAULT_MISS)
		return;
	for (uint32_t i = 1; i <= OTHERS_WINDOW; i++)
		sim_prefetch(sim, fault->page + i);
}

const struct policy policy_next = {
	.name = "next-n",
	.fault = next_fault,
};

/**
 * struct stride - of one thread
 * @last: page of the last fault
 * @delta: between the last two
 */
struct stride {
	uint64_t last;
	int64_t delta;
};

static void *stride_create(struct sim *sim)
{
	struct stride *all = calloc(sim_threads(sim), sizeof(*all));

	if (!all)
		err(1, "no memory for %u threads", sim_threads(sim));
	return all;
}

/* When two deltas in a row are the same, reads a window of pages along it. */
static void stride_fault(struct sim *sim, void *state,
			 const struct fault *fault)
{
	struct stride *s = (struct stride *)state + fault->thread;
	int64_t delta = fault->page - s->last;
	bool steady = delta == s->delta;

	s->last = fault->page;
	s->delta = delta;
	if (fault->kind != LEAP_FAULT_MISS || !steady)
		return;
	for (int i = 1; i <= OTHERS_WINDOW; i++)
		sim_prefetch(sim, fault->page + delta * i);
}

const struct policy policy_stride = {
	.name = "stride",
	.create = stride_create,
	.fault = stride_fault,
	.destroy = free,
};
