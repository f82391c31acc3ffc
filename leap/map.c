// SPDX-License-Identifier: GPL-2.0
/*
 * The map from swap slots to slabs, for all swap areas.
 *
 * policy/slabmap.c has the logic, slab.c the slabs. An area's
 * table lives from swapon (or modprobe) to swapoff (or rmmod), whether there is
 * a session or not; without one it is empty.
 *
 * A slot whose session was given up by force is lost: mm still knows that its
 * data is remote, but the place it was in is gone and may be somebody else's
 * by now. It is marked in @lost, where loads and frees look first.
 *
 * A slot is marked in @prefetched from when its page is read ahead until a fault
 * needs the page, or the slot is freed.
 */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include "slab.h"

/* Written under the session lock, and only while no slot of the area is in use. */
static struct leap_area_map *areas[MAX_SWAPFILES];

static struct leap_area_map *area_of(swp_entry_t entry, unsigned int nr)
{
	struct leap_area_map *area = READ_ONCE(areas[swp_type(entry)]);

	if (WARN_ON_ONCE(!area || swp_offset(entry) + nr > area->pages))
		return NULL;
	return area;
}

static struct leap_cluster *cluster_of(struct leap_area_map *area,
				       swp_entry_t entry)
{
	return &area->clusters[swp_offset(entry) >> LEAP_CHUNK_SHIFT];
}

/* The place of a slot whose data is remote, or is being stored. */
static bool place_of(struct leap_session *session, struct leap_area_map *area,
		     swp_entry_t entry, struct leap_place *place)
{
	lockdep_assert_held(&session->map_lock);
	return leap_slabmap_lookup(&session->map, cluster_of(area, entry),
				   swp_offset(entry), place);
}

/**
 * leap_map_get - take a place for a store
 * @session: whose slabs
 * @entry: first slot
 * @nr: slots, all in one cluster, none of them remote
 * @spot: filled in; leap_spot_written() is needed then
 *
 * Also calls for more slabs when few are left. Any context.
 *
 * Return: 0; -ENOSPC no slab has room, -ENOTCONN the cluster's slab cannot be
 * written to, -EBUSY the slots are being moved, -EINVAL not an area of ours.
 */
int leap_map_get(struct leap_session *session, swp_entry_t entry,
		 unsigned int nr, struct leap_spot *spot)
{
	struct leap_place place;
	struct leap_area_map *area = area_of(entry, nr);
	struct leap_cluster *cluster;
	unsigned long flags;
	bool low;
	int err;

	if (!area)
		return -EINVAL;
	cluster = cluster_of(area, entry);
	spin_lock_irqsave(&session->map_lock, flags);
	err = leap_slabmap_get(&session->map, cluster, nr);
	if (!err) {
		place_of(session, area, entry, &place);
		err = leap_spot_to_write(session, &place, nr, spot);
		if (err)
			leap_slabmap_put(&session->map, cluster, nr);
	}
	low = session->map.free_chunks <
	      max(session->map.chunks_per_slab, LEAP_SPARE_CHUNKS / 2);
	spin_unlock_irqrestore(&session->map_lock, flags);
	if (low)
		leap_housekeeping_kick(session);
	return err;
}

/**
 * leap_map_put - give places up again
 * @session: whose slabs
 * @entry: first slot
 * @nr: slots, all in one cluster
 *
 * Any context.
 */
void leap_map_put(struct leap_session *session, swp_entry_t entry,
		  unsigned int nr)
{
	struct leap_area_map *area = area_of(entry, nr);
	struct leap_cluster *cluster;
	unsigned long flags;

	if (!area)
		return;
	cluster = cluster_of(area, entry);
	spin_lock_irqsave(&session->map_lock, flags);
	if (!WARN_ON_ONCE(!cluster->chunk || cluster->refs < nr))
		leap_slabmap_put(&session->map, cluster, nr);
	spin_unlock_irqrestore(&session->map_lock, flags);
}

/**
 * leap_map_find - find the place of remote slots
 * @session: whose slabs
 * @entry: the first slot
 * @nr: slots, all in one cluster
 * @spot: filled in, with all of them; leap_spot_read() is needed then
 *
 * Any context. A slot may have been freed just now, if it is read past the swap cache;
 * then nobody needs what is there.
 *
 * Return: false if a slot is lost, or its server.
 */
bool leap_map_find(struct leap_session *session, swp_entry_t entry,
		   unsigned int nr, struct leap_spot *spot)
{
	struct leap_area_map *area = area_of(entry, nr);
	unsigned long offset = swp_offset(entry), flags;
	struct leap_place place;
	bool found;

	if (!area || find_next_bit(area->lost, offset + nr, offset) < offset + nr)
		return false;
	spin_lock_irqsave(&session->map_lock, flags);
	found = place_of(session, area, entry, &place) &&
		!leap_spot_to_read(session, &place, nr, spot);
	spin_unlock_irqrestore(&session->map_lock, flags);
	return found;
}

/**
 * leap_map_area - what is known of a swap area
 * @type: number of the area
 *
 * Under the session lock.
 *
 * Return: its map, or NULL if Leap is kept off it.
 */
struct leap_area_map *leap_map_area(unsigned int type)
{
	return areas[type];
}

/* For slots that may have been freed, with their area: under rcu_read_lock(). */
static struct leap_area_map *area_if_there(swp_entry_t entry)
{
	struct leap_area_map *area = READ_ONCE(areas[swp_type(entry)]);

	return area && swp_offset(entry) < area->pages ? area : NULL;
}

/**
 * leap_map_server - find who has a page
 * @session: whose slabs; the caller keeps it
 * @entry: the page's slot, which may have been freed
 *
 * Return: the server, until rcu_read_unlock(); NULL if the page is lost or the
 * server not in service.
 */
struct leap_server *leap_map_server(struct leap_session *session,
				    swp_entry_t entry)
{
	struct leap_server *server = NULL;
	struct leap_area_map *area;
	struct leap_place place;
	unsigned long flags;

	guard(rcu)();
	area = area_if_there(entry);
	if (!area || test_bit(swp_offset(entry), area->lost))
		return NULL;
	spin_lock_irqsave(&session->map_lock, flags);
	if (place_of(session, area, entry, &place))
		server = leap_slab_reader(session, &place);
	spin_unlock_irqrestore(&session->map_lock, flags);
	return server;
}

/**
 * leap_map_mark - a page is about to be prefetched
 * @entry: its slot
 *
 * Return: true if it was before, and has not been used.
 */
bool leap_map_mark(swp_entry_t entry)
{
	struct leap_area_map *area;

	guard(rcu)();
	area = area_if_there(entry);
	return area && test_and_set_bit(swp_offset(entry), area->prefetched);
}

/**
 * leap_map_unmark - a prefetched page is used, or dropped
 * @entry: its slot
 *
 * Return: true if it was marked.
 */
bool leap_map_unmark(swp_entry_t entry)
{
	struct leap_area_map *area;

	guard(rcu)();
	area = area_if_there(entry);
	return area && test_bit(swp_offset(entry), area->prefetched) &&
	       test_and_clear_bit(swp_offset(entry), area->prefetched);
}

/**
 * leap_map_marked - has a page been prefetched and not been used?
 * @entry: its slot
 *
 * Return: true if so.
 */
bool leap_map_marked(swp_entry_t entry)
{
	struct leap_area_map *area;

	guard(rcu)();
	area = area_if_there(entry);
	return area && test_bit(swp_offset(entry), area->prefetched);
}

static void free_slot(struct leap_session *session, struct leap_area_map *area,
		      swp_entry_t entry)
{
	struct leap_cluster *cluster = cluster_of(area, entry);
	struct leap_place place;
	unsigned long flags;

	spin_lock_irqsave(&session->map_lock, flags);
	if (!WARN_ON_ONCE(!place_of(session, area, entry, &place))) {
		leap_slab_free_slot(session, &place);
		leap_slabmap_put(&session->map, cluster, 1);
	}
	spin_unlock_irqrestore(&session->map_lock, flags);
}

/**
 * leap_map_free - &leap_ops.free
 * @first: first slot
 * @nr: slots, all remote
 */
void leap_map_free(swp_entry_t first, unsigned int nr)
{
	struct leap_area_map *area = READ_ONCE(areas[swp_type(first)]);
	unsigned long offset = swp_offset(first), end = offset + nr;
	struct leap_session *session;

	/* Not ours yet: the slots were left behind by an earlier leap.ko. */
	if (!area)
		return;
	guard(rcu)();
	session = leap_session_peek();
	for (; offset < end; offset++) {
		if (!test_and_clear_bit(offset, area->lost) && session)
			free_slot(session, area,
				  swp_entry(swp_type(first), offset));
		if (test_and_clear_bit(offset, area->prefetched))
			leap_stats_add(NULL, LEAP_PREFETCH_UNUSED, 1);
		leap_stats_add(NULL, LEAP_FREED_PAGES, 1);
	}
}

/* Whatever mm still thinks to be remote in an area cannot be had any more. */
static unsigned long mark_lost(unsigned int type, struct leap_area_map *area)
{
	swp_entry_t entry = swp_entry(type, 0);
	unsigned long nr = 0;

	for (;;) {
		entry = leap_next_remote(entry);
		if (!entry.val || swp_type(entry) != type)
			return nr;
		if (!test_and_set_bit(swp_offset(entry), area->lost))
			nr++;
		/* It may just have been freed, with leap_map_free() too early. */
		if (leap_next_remote(entry).val != entry.val)
			clear_bit(swp_offset(entry), area->lost);
		entry = swp_entry(type, swp_offset(entry) + 1);
	}
}

/**
 * leap_map_has_lost - are there lost slots?
 *
 * Under the session lock.
 *
 * Return: true if there is one in any area.
 */
bool leap_map_has_lost(void)
{
	unsigned int type;

	for (type = 0; type < MAX_SWAPFILES; type++)
		if (areas[type] && !bitmap_empty(areas[type]->lost,
						 areas[type]->pages))
			return true;
	return false;
}

static void area_free(struct leap_area_map *area)
{
	kvfree(area->lost);
	kvfree(area->prefetched);
	kvfree(area);
}

/**
 * leap_map_area_add - &leap_ops.area_add
 * @type: number of the area
 * @pages: its slots
 *
 * Return: 0 or -ENOMEM.
 */
int leap_map_area_add(unsigned int type, unsigned long pages)
{
	unsigned long clusters = DIV_ROUND_UP(pages, LEAP_CHUNK_PAGES);
	struct leap_area_map *area;

	area = kvzalloc(struct_size(area, clusters, clusters), GFP_KERNEL);
	if (!area)
		return -ENOMEM;
	area->pages = pages;
	area->lost = kvcalloc(BITS_TO_LONGS(pages), sizeof(long), GFP_KERNEL);
	area->prefetched = kvcalloc(BITS_TO_LONGS(pages), sizeof(long),
				    GFP_KERNEL);
	if (!area->lost || !area->prefetched) {
		area_free(area);
		return -ENOMEM;
	}
	leap_session_lock();
	WRITE_ONCE(areas[type], area);
	/*
	 * An earlier leap.ko may have left pages behind. They may be freed
	 * meanwhile: leap_map_free() must find the area then, see mark_lost().
	 */
	mark_lost(type, area);
	leap_session_unlock();
	return 0;
}

/**
 * leap_map_area_del - &leap_ops.area_del
 * @type: number of the area
 */
void leap_map_area_del(unsigned int type)
{
	struct leap_area_map *area;

	leap_session_lock();
	area = areas[type];
	WRITE_ONCE(areas[type], NULL);
	leap_session_unlock();
	synchronize_rcu();	/* area_if_there() */
	if (area)
		area_free(area);
}

/** leap_map_areas_exit - forget all areas; no callback can come any more */
void leap_map_areas_exit(void)
{
	unsigned int type;

	for (type = 0; type < MAX_SWAPFILES; type++)
		if (areas[type])
			leap_map_area_del(type);
}

/**
 * leap_map_init - the slabs of a session that has agreed on their size
 * @session: with @slab_shift set
 *
 * Return: 0 or -ENOMEM.
 */
int leap_map_init(struct leap_session *session)
{
	session->uses = kvcalloc(LEAP_SLABS_MAX, sizeof(*session->uses),
				 GFP_KERNEL);
	session->slabs = kvcalloc(LEAP_SLABS_MAX, sizeof(*session->slabs),
				  GFP_KERNEL);
	if (!session->uses || !session->slabs) {
		leap_map_exit(session);
		return -ENOMEM;
	}
	leap_slabmap_init(&session->map, session->uses, LEAP_SLABS_MAX,
			  1U << (session->slab_shift - PAGE_SHIFT -
				 LEAP_CHUNK_SHIFT));
	return 0;
}

/**
 * leap_map_exit - the reverse
 * @session: which nobody can reach any more
 */
void leap_map_exit(struct leap_session *session)
{
	u32 i;

	for (i = 0; session->slabs && i < session->map.top; i++)
		leap_slab_destroy(session->slabs[i]);
	kvfree(session->uses);
	kvfree(session->slabs);
	session->uses = NULL;
	session->slabs = NULL;
}

/**
 * leap_map_abandon - the pages that are still remote are lost
 *
 * Under the session lock, when the session can be reached no more.
 */
void leap_map_abandon(void)
{
	unsigned long nr = 0;
	unsigned int type;

	for (type = 0; type < MAX_SWAPFILES; type++) {
		struct leap_area_map *area = areas[type];

		if (!area)
			continue;
		nr += mark_lost(type, area);
		memset(area->clusters, 0, sizeof(area->clusters[0]) *
		       DIV_ROUND_UP(area->pages, LEAP_CHUNK_PAGES));
	}
	if (nr)
		pr_err("%lu pages are lost: an access to one of them gets SIGBUS\n",
		       nr);
}

/**
 * leap_map_show - what is on loan, as "key value" lines
 * @buf: a page of sysfs
 * @at: where to go on in it
 *
 * Return: bytes written.
 */
ssize_t leap_map_show(char *buf, int at)
{
	guard(rcu)();
	return leap_slab_show(leap_session_peek(), NULL, buf, at);
}

/**
 * leap_map_show_server - the same for what one server holds
 * @server: whose
 * @buf: a page of sysfs
 * @at: where to go on in it
 *
 * Return: bytes written.
 */
ssize_t leap_map_show_server(struct leap_server *server, char *buf, int at)
{
	return leap_slab_show(server->session, server, buf, at);
}
