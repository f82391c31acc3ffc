// SPDX-License-Identifier: GPL-2.0
/*
 * verify=1: does a server, or the swap device, give back what it got?
 *
 * The checksum of each slot stays here, in the slab that the slot is in, and so
 * it holds for whatever copy the bytes are in, and wherever they were moved. Who
 * stores or loads a slot has its folio locked or under writeback, and nobody else
 * touches its checksum; but the mover looks at it, see is_right() in fill.c.
 *
 * A program may write to a page while it is under writeback. Then what is stored
 * need not match, but neither is it ever read: such a page is dirty again.
 *
 * CRC32c notices each error of up to 32 bits in a row, and all but one of 2^32 of
 * the others. It is no proof against somebody who wants to be believed.
 */
#include <linux/crc32.h>
#include <linux/highmem.h>
#include "slab.h"

static u32 *sums_of(const struct leap_spot *spot)
{
	return spot->slab->sums + ((size_t)spot->chunk << LEAP_CHUNK_SHIFT) +
	       spot->slot;
}

static u32 sum_of(struct folio *folio, unsigned int page)
{
	void *bytes = kmap_local_folio(folio, (size_t)page << PAGE_SHIFT);
	u32 sum = __crc32c_le(~0U, bytes, PAGE_SIZE);

	kunmap_local(bytes);
	return sum;
}

/**
 * leap_verify_note - remember what is going to be stored
 * @spot: where
 * @folio: what, locked
 */
void leap_verify_note(const struct leap_spot *spot, struct folio *folio)
{
	unsigned int i;

	for (i = 0; spot->slab->sums && i < spot->nr; i++)
		WRITE_ONCE(sums_of(spot)[i], sum_of(folio, i));
}

/**
 * leap_verify_same - is a page what was stored last?
 * @spot: where it was
 * @slot: which of its slots, from 0 on
 * @folio: what has been loaded
 *
 * Whoever does not have the slot to itself has to ask for what is stored anew
 * afterwards, see leap_rebuild_changed().
 *
 * Return: true if so, or without checksums.
 */
bool leap_verify_same(const struct leap_spot *spot, unsigned int slot,
		      struct folio *folio)
{
	return !spot->slab->sums ||
	       READ_ONCE(sums_of(spot)[slot]) == sum_of(folio, slot);
}

/**
 * leap_verify_check - is that what was stored?
 * @spot: where it was
 * @folio: what has been loaded
 * @page: the first page of it that has been loaded from there
 *
 * Any context.
 *
 * Return: 0, or -EIO if not.
 */
int leap_verify_check(const struct leap_spot *spot, struct folio *folio,
		      unsigned int page)
{
	struct leap_server *server = leap_spot_server(spot);
	unsigned int i, wrong = 0;

	for (i = 0; spot->slab->sums && i < spot->nr; i++)
		wrong += sums_of(spot)[i] != sum_of(folio, page + i);
	if (!wrong)
		return 0;
	leap_stats_add(server, LEAP_CORRUPT_PAGES, wrong);
	if (server)
		pr_err_ratelimited("server %u has given back %u page(s) that are not what was stored there\n",
				   server->index, wrong);
	else
		pr_err_ratelimited("the swap device has given back %u page(s) that are not what was stored there\n",
				   wrong);
	return -EIO;
}
