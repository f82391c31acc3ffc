// SPDX-License-Identifier: GPL-2.0
/*
 * Threads take turns by their clocks: the one that is furthest behind goes on
 * until its next access is done. An access to a mapped page takes no time and is
 * seen by nobody; all else is a fault. A page that must be read is asked for
 * first, then the policy is told, then the thread waits for its page alone.
 *
 * Memory is full all the time. A page that comes in, on demand or prefetched,
 * costs another its place, so that useless prefetches are paid for by misses.
 */
#include "sim.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/**
 * struct thread - of the program
 * @next: its next access, w->nr if there is none
 * @clock: in ns
 */
struct thread {
	size_t next;
	uint64_t clock;
};

/**
 * struct sim - one run
 * @w: the program
 * @policy: who prefetches
 * @o: the machine
 * @state: the policy's
 * @memory: where the pages are
 * @link: to those that are away
 * @local: pages of memory
 * @threads: of the program
 * @after: for each access, the next one of its thread
 * @slots: for a recorded access, the slot that its page gets next
 * @again: for a recorded access, the next one of its page; w->nr if there is none
 * @last: of each page, its last access, w->nr if there was none
 * @access: which is going on
 * @now: in ns
 * @running: which thread
 * @busy: page that is being faulted on, index; stays
 * @seed: of the victims, if these are left to chance
 * @waits: of each fault, in ns
 * @result: the counters
 */
struct sim {
	const struct workload *w;
	const struct policy *policy;
	const struct sim_options *o;
	void *state;
	struct memory memory;
	struct link link;
	uint64_t local;
	struct thread *threads;
	size_t *after;
	uint32_t *slots;
	size_t *again;
	size_t *last;
	size_t access;
	uint64_t now;
	uint32_t running;
	uint32_t busy;
	unsigned short seed[3];
	uint64_t *waits;
	struct sim_result *result;
};

/* Fewer stays of pages in memory than these say nothing about its size. */
#define STAYS_MIN	1000

static void *must_calloc(size_t nr, size_t size)
{
	void *memory = calloc(nr + 1, size);

	if (!memory)
		err(1, "no memory for a run of %zu accesses", nr);
	return memory;
}

const struct sim_options *sim_options(const struct sim *sim)
{
	return sim->o;
}

uint32_t sim_threads(const struct sim *sim)
{
	return sim->w->threads;
}

uint32_t sim_processes(const struct sim *sim)
{
	return sim->w->processes;
}

uint32_t sim_process_of(const struct sim *sim, uint32_t thread)
{
	return sim->w->process_of[thread];
}

/* May it go? Not while it is read, nor while its fault is going on. */
static bool can_go(struct sim *sim, uint32_t page)
{
	const struct page *p = &sim->memory.pages[page];

	if (page == sim->busy || p->state == PAGE_AWAY)
		return false;
	return p->state != PAGE_CACHED ||
	       link_ready(&sim->link, p->read, sim->now) <= sim->now;
}

static uint32_t pick_victim(struct sim *sim)
{
	uint32_t page;

	for (int i = 0; sim->o->any_victim && i < 100; i++) {
		page = erand48(sim->seed) * sim->memory.nr_pages;
		if (can_go(sim, page))
			return page;
	}
	for (page = sim->memory.oldest; page != NO_PAGE;
	     page = sim->memory.pages[page].newer)
		if (can_go(sim, page))
			break;
	return page;
}

/* Makes room for one more page. Return: there is. */
static bool make_room(struct sim *sim)
{
	while (sim->memory.present >= sim->local) {
		uint32_t page = pick_victim(sim);

		if (page == NO_PAGE)
			return false;
		if (sim->memory.pages[page].state == PAGE_CACHED &&
		    sim->policy->dropped)
			sim->policy->dropped(sim, sim->state,
					     sim->memory.pages[page].thread);
		memory_remove(&sim->memory, page);
	}
	return true;
}

/*
 * A page that was mapped and is faulted on again had gone between the two. When,
 * the recording does not say: here, half-way.
 */
static void let_go(struct sim *sim, uint32_t index)
{
	const size_t last = sim->last[index], next = sim->again[last];

	if (sim->memory.pages[index].state == PAGE_MAPPED && index != sim->busy &&
	    next != sim->w->nr && sim->access - last >= next - sim->access)
		memory_remove(&sim->memory, index);
}

static bool prefetch(struct sim *sim, uint32_t index)
{
	struct page *p;
	size_t read;

	if (index != NO_PAGE && sim->w->recorded)
		let_go(sim, index);
	if (index == NO_PAGE || sim->memory.pages[index].state != PAGE_AWAY ||
	    !make_room(sim))
		return false;
	read = link_prefetch(&sim->link, sim->now);
	if (read == LINK_REFUSED)
		return false;
	memory_add(&sim->memory, index, PAGE_CACHED);
	p = &sim->memory.pages[index];
	p->read = read;
	p->thread = sim->running;
	sim->result->read_ahead++;
	return true;
}

/**
 * sim_prefetch - read a page that nobody waits for
 * @sim: the run
 * @page: number in the address space; may not exist
 *
 * Return: it is being read; false if it is here, does not exist, or cannot be
 * read now.
 */
bool sim_prefetch(struct sim *sim, uint64_t page)
{
	return prefetch(sim, memory_find(&sim->memory, page));
}

/**
 * sim_prefetch_slot - the same by the place in the swap area
 * @sim: the run
 * @slot: may be out of range or free
 *
 * Return: see sim_prefetch().
 */
bool sim_prefetch_slot(struct sim *sim, uint32_t slot)
{
	uint32_t page;

	if (slot >= sim->memory.nr_slots)
		return false;
	page = sim->memory.slots[slot];
	if (page == NO_PAGE || sim->memory.pages[page].slot != slot)
		return false;
	return prefetch(sim, page);
}

/**
 * sim_area - the mapping that a page belongs to
 * @sim: the run
 * @page: number of one that exists
 * @first: set to the number of its first page
 * @end: set to one more than the number of its last page
 *
 * Return: false if there is no such page.
 */
bool sim_area(const struct sim *sim, uint64_t page, uint64_t *first,
	      uint64_t *end)
{
	const struct memory *m = &sim->memory;
	uint32_t index = memory_find(m, page), low, high;

	if (index == NO_PAGE)
		return false;
	low = high = index / AREA_PAGES;
	while (low && m->areas[low - 1] + 1 == m->areas[low])
		low--;
	while (high + 1 < m->nr_areas && m->areas[high + 1] == m->areas[high] + 1)
		high++;
	*first = m->areas[low] * AREA_PAGES;
	*end = (m->areas[high] + 1) * AREA_PAGES;
	return true;
}

/* Return: when the thread can go on. */
static uint64_t take_cached(struct sim *sim, uint32_t index,
			    struct fault *fault)
{
	struct page *p = &sim->memory.pages[index];
	uint64_t ready = link_ready(&sim->link, p->read, sim->now);

	p->state = PAGE_MAPPED;
	memory_use(&sim->memory, index);
	if (ready <= sim->now) {
		fault->kind = LEAP_FAULT_HIT;
		sim->result->hits++;
		return sim->now;
	}
	fault->kind = LEAP_FAULT_LATE;
	sim->result->late++;
	return ready;
}

static uint64_t take_away(struct sim *sim, uint32_t index, struct fault *fault)
{
	uint64_t ready = link_demand(&sim->link, sim->now);

	fault->kind = LEAP_FAULT_MISS;
	sim->result->misses++;
	make_room(sim);
	memory_add(&sim->memory, index, PAGE_MAPPED);
	return ready;
}

/* No prefetcher has brought it, and there was nothing to wait for. */
static uint64_t take_present(struct sim *sim, uint32_t index,
			     struct fault *fault)
{
	fault->kind = LEAP_FAULT_CACHED;
	sim->result->cached++;
	make_room(sim);
	memory_add(&sim->memory, index, PAGE_MAPPED);
	return sim->now;
}

static size_t faults_of(const struct sim_result *r)
{
	return r->misses + r->hits + r->late + r->cached;
}

static void handle_fault(struct sim *sim, uint32_t index,
			 const struct access *access)
{
	struct sim_result *r = sim->result;
	struct page *p = &sim->memory.pages[index];
	struct fault fault = {
		.page = access->page,
		.slot = p->slot,
		.thread = access->thread,
	};
	uint64_t ready, wait;

	sim->busy = index;
	if (p->state == PAGE_CACHED)
		ready = take_cached(sim, index, &fault);
	else if (access->cached)
		ready = take_present(sim, index, &fault);
	else
		ready = take_away(sim, index, &fault);
	sim->policy->fault(sim, sim->state, &fault);
	sim->busy = NO_PAGE;
	wait = ready - sim->now + sim->o->hit_time;
	sim->waits[faults_of(r) - 1] = wait;
	r->stall += wait;
	sim->threads[sim->running].clock += wait;
}

static void run_access(struct sim *sim, size_t i)
{
	const struct access *access = &sim->w->accesses[i];
	uint32_t index = memory_find(&sim->memory, access->page);
	struct page *p = &sim->memory.pages[index];

	sim->result->accesses++;
	sim->access = i;
	/* Whatever memory it had, the page was gone when this was recorded. */
	if (sim->w->recorded && p->state == PAGE_MAPPED)
		memory_remove(&sim->memory, index);
	if (p->state == PAGE_MAPPED)
		memory_use(&sim->memory, index);
	else
		handle_fault(sim, index, access);
	sim->last[index] = i;
	if (sim->slots[i])
		memory_set_slot(&sim->memory, index, sim->slots[i]);
	else if (access->write)
		memory_free_slot(&sim->memory, index);
}

/* Return: the thread whose next access is the first, NULL at the end. */
static struct thread *pick_thread(struct sim *sim)
{
	struct thread *first = NULL;

	for (uint32_t i = 0; i < sim->w->threads; i++) {
		struct thread *t = &sim->threads[i];

		if (t->next < sim->w->nr && (!first || t->clock < first->clock))
			first = t;
	}
	return first;
}

static void wait_for_access(struct sim *sim, struct thread *t)
{
	if (t->next < sim->w->nr)
		t->clock += sim->w->accesses[t->next].gap;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/*
 * How many pages of its memory a recorded program had for those that come and go:
 * its limit is for code, page tables and what it uses all the time, too, which the
 * recording does not show. A page that was read again had gone before, so it stayed
 * for fewer pages than were read between the two. Nine of ten such stays were as
 * long as what is returned, which is at most what the recording says there was.
 */
static uint64_t find_local(const struct sim *sim)
{
	const struct workload *w = sim->w;
	uint64_t *reads = must_calloc(w->nr, sizeof(*reads)), local = sim->local;
	uint64_t *stays = must_calloc(w->nr, sizeof(*stays));
	size_t nr = 0;

	for (size_t i = 0; i < w->nr; i++)
		reads[i + 1] = reads[i] + !w->accesses[i].cached;
	for (size_t i = 0; i < w->nr; i++)
		if (sim->again[i] != w->nr && !w->accesses[sim->again[i]].cached)
			stays[nr++] = reads[sim->again[i]] - reads[i];
	qsort(stays, nr, sizeof(*stays), compare);
	if (nr >= STAYS_MIN && stays[nr / 10] < local)
		local = stays[nr / 10];
	free(reads);
	free(stays);
	return local;
}

/* Chains the accesses of each thread, and of each page if they were recorded. */
static void prepare(struct sim *sim)
{
	const struct workload *w = sim->w;

	sim->threads = must_calloc(w->threads, sizeof(*sim->threads));
	sim->after = must_calloc(w->nr, sizeof(*sim->after));
	sim->slots = must_calloc(w->nr, sizeof(*sim->slots));
	sim->waits = must_calloc(w->nr, sizeof(*sim->waits));
	sim->again = must_calloc(w->nr, sizeof(*sim->again));
	sim->last = must_calloc(sim->memory.nr_pages, sizeof(*sim->last));
	sim->again[w->nr] = w->nr;
	for (uint32_t i = 0; i < sim->memory.nr_pages; i++)
		sim->last[i] = w->nr;
	for (uint32_t i = 0; i < w->threads; i++)
		sim->threads[i].next = w->nr;
	for (size_t i = w->nr; i--;) {
		const struct access *a = &w->accesses[i];
		uint32_t page = memory_find(&sim->memory, a->page);

		sim->again[i] = sim->last[page];
		if (sim->again[i] != w->nr)
			sim->slots[i] = w->accesses[sim->again[i]].slot;
		sim->last[page] = i;
		sim->after[i] = sim->threads[a->thread].next;
		sim->threads[a->thread].next = i;
	}
	for (uint32_t i = 0; i < w->threads; i++)
		wait_for_access(sim, &sim->threads[i]);
	for (uint32_t i = 0; i < sim->memory.nr_pages; i++)
		sim->last[i] = w->nr;
}

static void sum_up(struct sim *sim)
{
	struct sim_result *r = sim->result;
	size_t faults = faults_of(r);

	for (uint32_t i = 0; i < sim->w->threads; i++)
		if (sim->threads[i].clock > r->time)
			r->time = sim->threads[i].clock;
	if (!faults)
		return;
	qsort(sim->waits, faults, sizeof(*sim->waits), compare);
	r->p50 = sim->waits[faults / 2];
	r->p99 = sim->waits[faults * 99 / 100];
}

static void run_all(struct sim *sim)
{
	struct thread *t;

	while ((t = pick_thread(sim))) {
		size_t i = t->next;

		sim->running = t - sim->threads;
		sim->now = t->clock;
		run_access(sim, i);
		t->next = sim->after[i];
		wait_for_access(sim, t);
	}
}

/**
 * sim_run - a program, a policy and a machine
 * @w: the program
 * @policy: who prefetches
 * @options: the machine
 * @result: how it went
 */
void sim_run(const struct workload *w, const struct policy *policy,
	     const struct sim_options *options, struct sim_result *result)
{
	struct sim sim = {
		.w = w,
		.policy = policy,
		.o = options,
		.link = {
			.latency = options->latency,
			.page_time = options->page_time,
		},
		.local = options->local ? options->local : w->local,
		.busy = NO_PAGE,
		.seed = { 4, 5, 6 },
		.result = result,
	};

	memset(result, 0, sizeof(*result));
	memory_init(&sim.memory, w);
	if (!sim.local)
		sim.local = sim.memory.nr_pages;
	prepare(&sim);
	if (w->recorded && !options->local)
		sim.local = find_local(&sim);
	if (policy->create)
		sim.state = policy->create(&sim);
	run_all(&sim);
	sum_up(&sim);
	if (policy->destroy)
		policy->destroy(sim.state);
	memory_exit(&sim.memory);
	free(sim.link.reads);
	free(sim.threads);
	free(sim.after);
	free(sim.slots);
	free(sim.again);
	free(sim.last);
	free(sim.waits);
}
