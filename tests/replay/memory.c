// SPDX-License-Identifier: GPL-2.0
#include "memory.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static void *must_calloc(size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (!memory)
		err(1, "no memory for %zu pages", nr);
	return memory;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void find_areas(struct memory *m, const struct workload *w)
{
	uint64_t *all = must_calloc(w->nr, sizeof(*all));

	for (size_t i = 0; i < w->nr; i++)
		all[i] = w->accesses[i].page / AREA_PAGES;
	qsort(all, w->nr, sizeof(*all), compare);
	for (size_t i = 0; i < w->nr; i++)
		if (!i || all[i] != all[m->nr_areas - 1])
			all[m->nr_areas++] = all[i];
	if (m->nr_areas > NO_PAGE / AREA_PAGES / 4)
		errx(1, "%s touches more than a million areas of %d pages; record less of it",
		     w->name, AREA_PAGES);
	m->areas = all;
	m->nr_pages = m->nr_areas * AREA_PAGES;
}

static uint32_t last_slot_of(const struct workload *w)
{
	uint32_t last = 0;

	for (size_t i = 0; i < w->nr; i++)
		if (w->accesses[i].slot > last)
			last = w->accesses[i].slot;
	return last;
}

static void make_slots(struct memory *m, uint32_t nr)
{
	m->nr_slots = (nr / AREA_PAGES + 1) * AREA_PAGES;
	m->slots = must_calloc(m->nr_slots, sizeof(*m->slots));
	memset(m->slots, 0xff, m->nr_slots * sizeof(*m->slots));
	m->clusters = must_calloc(m->nr_slots / AREA_PAGES,
				  sizeof(*m->clusters));
	m->clusters[0] = 1;
}

/*
 * As the kernel does: the next free slot of the cluster that this CPU was given,
 * else the first of a cluster that is free, else of any.
 */
static uint32_t find_slot(const struct memory *m)
{
	uint32_t end = (m->last_slot / AREA_PAGES + 1) * AREA_PAGES;

	for (uint32_t slot = m->last_slot + 1; slot < end; slot++)
		if (m->slots[slot] == NO_PAGE)
			return slot;
	for (uint32_t i = 1; i < m->nr_slots / AREA_PAGES; i++)
		if (!m->clusters[i])
			return i * AREA_PAGES;
	for (uint32_t slot = 1; slot < m->nr_slots; slot++)
		if (m->slots[slot] == NO_PAGE)
			return slot;
	errx(1, "no slot is free in a swap area of %u", m->nr_slots);
}

/*
 * As recorded: each page is where its first fault has found it. Those beside
 * them that the program never came back to are in swap, too, somewhere else.
 */
static void place_recorded(struct memory *m, const struct workload *w)
{
	for (size_t i = w->nr; i--;) {
		const struct access *a = &w->accesses[i];

		if (a->slot)
			memory_set_slot(m, memory_find(m, a->page), a->slot);
	}
	m->last_slot = last_slot_of(w) / AREA_PAGES * AREA_PAGES + AREA_PAGES - 1;
	for (uint32_t i = 0; i < m->nr_pages; i++) {
		if (!m->pages[i].slot) {
			m->last_slot = find_slot(m);
			memory_set_slot(m, i, m->last_slot);
		}
	}
}

/*
 * The program has filled its memory once, from the beginning to the end. What
 * did not fit has gone to swap, oldest first, or all has.
 */
static void fill(struct memory *m, const struct workload *w)
{
	for (uint32_t i = 0; i < m->nr_pages; i++) {
		memory_add(m, i, PAGE_MAPPED);
		if (m->present > w->local)
			memory_remove(m, m->oldest);
	}
	while (w->paged_out && m->present)
		memory_remove(m, m->oldest);
}

/**
 * memory_init - as it is when the workload begins
 * @m: to be set up
 * @w: says which pages there are
 */
void memory_init(struct memory *m, const struct workload *w)
{
	*m = (struct memory){ .newest = NO_PAGE, .oldest = NO_PAGE };
	find_areas(m, w);
	m->pages = must_calloc(m->nr_pages, sizeof(*m->pages));
	make_slots(m, last_slot_of(w) + 2 * m->nr_pages);
	if (!w->recorded)
		fill(m, w);
	else
		place_recorded(m, w);
}

/**
 * memory_exit - the reverse
 * @m: not to be used any more
 */
void memory_exit(struct memory *m)
{
	free(m->areas);
	free(m->pages);
	free(m->slots);
	free(m->clusters);
}

/**
 * memory_find - the page of a number
 * @m: where
 * @page: number in the address space
 *
 * Return: its index, NO_PAGE if the program has no memory near there.
 */
uint32_t memory_find(const struct memory *m, uint64_t page)
{
	const uint64_t area = page / AREA_PAGES;
	const uint64_t *found = bsearch(&area, m->areas, m->nr_areas,
					sizeof(area), compare);

	return found ? (found - m->areas) * AREA_PAGES + page % AREA_PAGES : NO_PAGE;
}

/**
 * memory_number - the reverse of memory_find()
 * @m: where
 * @page: index
 *
 * Return: number in the address space.
 */
uint64_t memory_number(const struct memory *m, uint32_t page)
{
	return m->areas[page / AREA_PAGES] * AREA_PAGES + page % AREA_PAGES;
}

static void take_out(struct memory *m, uint32_t page)
{
	struct page *p = &m->pages[page];

	if (p->newer == NO_PAGE)
		m->newest = p->older;
	else
		m->pages[p->newer].older = p->older;
	if (p->older == NO_PAGE)
		m->oldest = p->newer;
	else
		m->pages[p->older].newer = p->newer;
}

static void put_first(struct memory *m, uint32_t page)
{
	struct page *p = &m->pages[page];

	p->newer = NO_PAGE;
	p->older = m->newest;
	if (m->newest == NO_PAGE)
		m->oldest = page;
	else
		m->pages[m->newest].newer = page;
	m->newest = page;
}

/**
 * memory_add - a page comes, and is the last one used
 * @m: where
 * @page: index of one that is away
 * @state: PAGE_CACHED or PAGE_MAPPED
 */
void memory_add(struct memory *m, uint32_t page, enum page_state state)
{
	m->pages[page].state = state;
	m->present++;
	put_first(m, page);
}

/**
 * memory_use - a page is the last one used
 * @m: where
 * @page: index of one that is present
 */
void memory_use(struct memory *m, uint32_t page)
{
	take_out(m, page);
	put_first(m, page);
}

/**
 * memory_remove - a page goes; if it has no slot, it gets one
 * @m: where
 * @page: index of one that is present
 */
void memory_remove(struct memory *m, uint32_t page)
{
	take_out(m, page);
	m->present--;
	m->pages[page].state = PAGE_AWAY;
	if (!m->pages[page].slot) {
		m->last_slot = find_slot(m);
		memory_set_slot(m, page, m->last_slot);
	}
}

/**
 * memory_free_slot - a page was changed, its slot is worth nothing any more
 * @m: where
 * @page: index
 */
void memory_free_slot(struct memory *m, uint32_t page)
{
	uint32_t slot = m->pages[page].slot;

	if (slot && m->slots[slot] == page) {
		m->slots[slot] = NO_PAGE;
		m->clusters[slot / AREA_PAGES]--;
	}
	m->pages[page].slot = 0;
}

/**
 * memory_set_slot - a page has this slot now
 * @m: where
 * @page: index
 * @slot: no matter who has had it
 */
void memory_set_slot(struct memory *m, uint32_t page, uint32_t slot)
{
	memory_free_slot(m, page);
	if (m->slots[slot] == NO_PAGE)
		m->clusters[slot / AREA_PAGES]++;
	m->slots[slot] = page;
	m->pages[page].slot = slot;
}
