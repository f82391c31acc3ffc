// SPDX-License-Identifier: GPL-2.0
#include "link.h"

#include <err.h>
#include <stdlib.h>

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* The time that one more read takes the link for begins at @now or later. */
static uint64_t begin(struct link *link, uint64_t now)
{
	uint64_t start = later(now, link->free_at);

	link->free_at = start + link->page_time;
	return start;
}

static void begin_next(struct link *link)
{
	uint64_t start = begin(link, link->reads[link->begun]);

	link->reads[link->begun++] = start + link->latency;
}

/* Lets all prefetches begin that have begun before @now. */
static void advance(struct link *link, uint64_t now)
{
	while (link->begun < link->nr &&
	       later(link->reads[link->begun], link->free_at) < now)
		begin_next(link);
}

/**
 * link_demand - read a page that a program waits for
 * @link: has @latency and @page_time, all else was 0 at first
 * @now: in ns, never less than in the call before
 *
 * Return: when the page is there.
 */
uint64_t link_demand(struct link *link, uint64_t now)
{
	advance(link, now);
	return begin(link, now) + link->latency;
}

/**
 * link_prefetch - read a page some time
 * @link: where
 * @now: as in link_demand()
 *
 * Return: a number for link_ready(), or LINK_REFUSED.
 */
size_t link_prefetch(struct link *link, uint64_t now)
{
	advance(link, now);
	if (link->nr - link->begun >= LINK_QUEUE)
		return LINK_REFUSED;
	if (link->nr == link->room) {
		link->room = link->room ? 2 * link->room : 1024;
		link->reads = reallocarray(link->reads, link->room,
					   sizeof(*link->reads));
		if (!link->reads)
			err(1, "no memory for %zu reads", link->room);
	}
	link->reads[link->nr] = now;
	return link->nr++;
}

/**
 * link_ready - when is a prefetched page there?
 * @link: where
 * @read: from link_prefetch()
 * @now: as in link_demand()
 *
 * Return: ns; may be past. What is still in the queue is told as if no program
 * waited for a page from now on.
 */
uint64_t link_ready(struct link *link, size_t read, uint64_t now)
{
	uint64_t start;

	advance(link, now);
	if (read < link->begun)
		return link->reads[read];
	start = link->free_at;
	for (size_t i = link->begun; i <= read; i++)
		start = later(start, link->reads[i]) + link->page_time;
	return start - link->page_time + link->latency;
}
