/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The way to the memory server: pages follow each other at a certain distance in
 * time, and each takes a while. A page that a program waits for goes before all
 * prefetches that have not begun.
 */
#ifndef LINK_H
#define LINK_H

#include <stddef.h>
#include <stdint.h>

/* Most prefetches that wait for their turn; what comes then is refused. */
#define LINK_QUEUE	256

#define LINK_REFUSED	SIZE_MAX

/**
 * struct link - one at a time
 * @latency: ns from the beginning of a read to its end
 * @page_time: ns from the beginning of one to that of the next
 * @free_at: ns, when the next can begin
 * @reads: prefetches: when asked for; those before @begun: when at their end
 * @begun: how many have begun
 * @nr: how many there are
 * @room: for how many there is memory
 */
struct link {
	uint64_t latency;
	uint64_t page_time;
	uint64_t free_at;
	uint64_t *reads;
	size_t begun;
	size_t nr;
	size_t room;
};

uint64_t link_demand(struct link *link, uint64_t now);
size_t link_prefetch(struct link *link, uint64_t now);
uint64_t link_ready(struct link *link, size_t read, uint64_t now);

#endif /* LINK_H */
