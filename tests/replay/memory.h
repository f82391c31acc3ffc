/* SPDX-License-Identifier: GPL-2.0 */
/* Where each page of a program is: mapped, in the swap cache, or away. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "workload.h"

enum page_state {
	PAGE_AWAY,
	PAGE_CACHED,
	PAGE_MAPPED,
};

/**
 * struct page - of the program
 * @older: next in the order of use, index
 * @newer: the one before
 * @slot: in the swap area, 0 if it has none
 * @thread: whose fault has prefetched it
 * @read: of the link, while it is cached
 * @state: where it is
 */
struct page {
	uint32_t older;
	uint32_t newer;
	uint32_t slot;
	uint32_t thread;
	size_t read;
	enum page_state state;
};

/* Pages come in areas of so many, as many as a page table has. */
#define AREA_PAGES	512
#define NO_PAGE		UINT32_MAX

/**
 * struct memory - of one program
 * @areas: numbers of those that the program touches anywhere, in order
 * @nr_areas: how many
 * @pages: AREA_PAGES for each area
 * @nr_pages: how many
 * @slots: index of the page that was stored there last, NO_PAGE if none
 * @clusters: slots in use in each cluster of AREA_PAGES slots
 * @nr_slots: how many, the unused slot 0 included
 * @last_slot: that was handed out
 * @present: pages that are not away
 * @newest: in the order of use, NO_PAGE if none is present
 * @oldest: the other end
 */
struct memory {
	uint64_t *areas;
	size_t nr_areas;
	struct page *pages;
	uint32_t nr_pages;
	uint32_t *slots;
	uint32_t *clusters;
	uint32_t nr_slots;
	uint32_t last_slot;
	uint64_t present;
	uint32_t newest;
	uint32_t oldest;
};

void memory_init(struct memory *m, const struct workload *w);
void memory_exit(struct memory *m);
uint32_t memory_find(const struct memory *m, uint64_t page);
uint64_t memory_number(const struct memory *m, uint32_t page);
void memory_add(struct memory *m, uint32_t page, enum page_state state);
void memory_use(struct memory *m, uint32_t page);
void memory_remove(struct memory *m, uint32_t page);
void memory_free_slot(struct memory *m, uint32_t page);
void memory_set_slot(struct memory *m, uint32_t page, uint32_t slot);

#endif /* MEMORY_H */
