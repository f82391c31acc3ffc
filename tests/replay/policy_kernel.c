// SPDX-License-Identifier: GPL-2.0
/*
 * What Linux 6.12 does by itself, as read in mm/swap_state.c: readahead around
 * the fault, by address or by place in the swap area, with /proc/sys/vm/
 * page-cluster at 3.
 */
#include "sim.h"

#include <err.h>
#include <stdlib.h>

#define PAGE_CLUSTER	3
#define MAX_PAGES	(1U << PAGE_CLUSTER)

/* Hits are kept in six bits of a word, next to the address; a mapping begins with: */
#define HITS_MAX	63
#define HITS_FIRST	4

/* What was read ahead bears a mark, until it is used. */
static bool was_read_ahead(const struct fault *fault)
{
	return fault->kind == LEAP_FAULT_HIT || fault->kind == LEAP_FAULT_LATE;
}

/**
 * struct window - the state of either readahead
 * @prev: page or slot of the last fault
 * @win: pages that the last readahead was about
 * @hits: used since
 */
struct window {
	uint64_t prev;
	uint32_t win;
	uint32_t hits;
};

/* Pages to read around @at: more the more hits there were. */
static uint32_t next_size(const struct window *w, uint64_t at)
{
	uint32_t pages = w->hits + 2, half = w->win / 2;

	if (!w->hits) {
		if (at != w->prev + 1 && at != w->prev - 1)
			pages = 1;
	} else {
		uint32_t power = 4;

		while (power < pages)
			power *= 2;
		pages = power;
	}
	if (pages > MAX_PAGES)
		pages = MAX_PAGES;
	return pages > half ? pages : half;
}

/**
 * struct mapping - readahead by address has a state for each
 * @first: number of its first page, 0 for a free entry
 * @window: the state
 */
struct mapping {
	uint64_t first;
	struct window window;
};

#define MAPPINGS_MAX	4096

static void *vma_create(struct sim *sim)
{
	struct mapping *all = calloc(MAPPINGS_MAX, sizeof(*all));

	(void)sim;
	if (!all)
		err(1, "no memory for %d mappings", MAPPINGS_MAX);
	return all;
}

static struct window *window_of(struct mapping *all, uint64_t first)
{
	for (int i = 0; i < MAPPINGS_MAX; i++) {
		if (!all[i].first)
			all[i] = (struct mapping){ first, { .hits = HITS_FIRST } };
		if (all[i].first == first)
			return &all[i].window;
	}
	errx(1, "the program has more than %d mappings; record less of it",
	     MAPPINGS_MAX);
}

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	if (value < low)
		return low;
	return value > high ? high : value;
}

/* The window never leaves the mapping, nor the page table of the fault. */
static void read_around(struct sim *sim, uint64_t page, uint64_t prev,
			uint32_t win, uint64_t low, uint64_t high)
{
	const uint64_t table = page / 512 * 512;
	uint64_t left, right;

	if (page == prev + 1)
		left = page;
	else if (prev == page + 1)
		left = page - win + 1;
	else
		left = page - (win - 1) / 2;
	right = clamp(clamp(left + win, low, high), table, table + 512);
	left = clamp(clamp(left, low, high), table, table + 512);
	for (; left < right; left++)
		sim_prefetch(sim, left);
}

static void vma_fault(struct sim *sim, void *state, const struct fault *fault)
{
	uint64_t low = 0, high = 0, prev;
	struct window *w;

	sim_area(sim, fault->page, &low, &high);
	w = window_of(state, low);
	if (fault->kind != LEAP_FAULT_MISS) {
		if (was_read_ahead(fault) && w->hits < HITS_MAX)
			w->hits++;
		w->prev = fault->page;
		return;
	}
	prev = w->prev;
	w->win = next_size(w, fault->page);
	w->prev = fault->page;
	w->hits = 0;
	if (w->win > 1)
		read_around(sim, fault->page, prev, w->win, low, high);
}

const struct policy policy_vma = {
	.name = "kernel-vma",
	.create = vma_create,
	.fault = vma_fault,
	.destroy = free,
};

static void *cluster_create(struct sim *sim)
{
	struct window *w = calloc(1, sizeof(*w));

	(void)sim;
	if (!w)
		err(1, "no memory for the state of the readahead");
	return w;
}

/* An aligned block of slots. The last slot is kept while there are hits. */
static void cluster_fault(struct sim *sim, void *state,
			  const struct fault *fault)
{
	struct window *w = state;
	uint32_t mask, slot;

	if (fault->kind != LEAP_FAULT_MISS) {
		w->hits += was_read_ahead(fault);
		return;
	}
	w->win = next_size(w, fault->slot);
	if (!w->hits)
		w->prev = fault->slot;
	w->hits = 0;
	mask = w->win - 1;
	for (slot = fault->slot & ~mask; slot <= (fault->slot | mask); slot++)
		if (slot && slot != fault->slot)
			sim_prefetch_slot(sim, slot);
}

const struct policy policy_cluster = {
	.name = "kernel-cluster",
	.create = cluster_create,
	.fault = cluster_fault,
	.destroy = free,
};
