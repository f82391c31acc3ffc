// SPDX-License-Identifier: GPL-2.0
/*
 * A large folio that cannot be loaded in one piece, because its pages are in
 * several homes: a slab of theirs is moving, or was.
 *
 * Only of transports that are so quick that the swap cache is a detour are large
 * folios loaded at all, and these can copy at any time. So it is done page by page
 * here and now, for the few that it concerns.
 */
#include <linux/swap.h>
#include <linux/swapops.h>
#include "io.h"

static int load_page(struct leap_session *session, struct folio *folio,
		     unsigned int page)
{
	swp_entry_t entry = swp_entry(swp_type(folio->swap),
				      swp_offset(folio->swap) + page);
	struct leap_spot spot;
	int err;

	if (session->portal.backup || !leap_map_find(session, entry, 1, &spot))
		return -EIO;	/* not so quick with a copy on the disk */
	session->transport->copy(leap_spot_addr(&spot), folio, page, 1, LEAP_LOAD);
	err = leap_verify_check(&spot, folio, page);
	if (!err) {
		struct leap_server *server = leap_spot_lease(&spot)->server;

		leap_stats_add(server, LEAP_POSTED_LOADS, 1);
		leap_stats_add(server, LEAP_LOADED_PAGES, 1);
		leap_stats_add(server, LEAP_LOADED_BYTES, PAGE_SIZE);
	}
	leap_spot_read(session, &spot);
	return err;
}

/**
 * leap_pieces_load - load a folio page by page
 * @session: whose
 * @folio: locked
 *
 * Return: 0; -EIO some page cannot be had, or there is only one.
 */
int leap_pieces_load(struct leap_session *session, struct folio *folio)
{
	unsigned int page, nr = folio_nr_pages(folio);
	int err = nr > 1 && session->transport->copy ? 0 : -EIO;

	for (page = 0; !err && page < nr; page++)
		err = load_page(session, folio, page);
	return err;
}
