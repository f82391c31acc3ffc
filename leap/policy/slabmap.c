// SPDX-License-Identifier: GPL-2.0
/*
 * Where swap slots live in slabs.
 *
 * A table from swap offset straight to slab would be simpler, but the kernel
 * hands swap clusters out far apart from each other (with 1 GiB of swap it
 * starts one in every 64 MiB before it takes a second one anywhere), so that a
 * few megabytes of swapped pages would pin a slab for every part of the area.
 *
 * So the unit of placement is the chunk, as large as a swap cluster (2 MiB). A
 * cluster gets a chunk of any slab when its first page is stored and gives it
 * back when its last one is freed. Pages keep their place in the cluster, thus
 * a large folio, which is aligned in its cluster, is in one piece in the slab.
 * Chunks come from the first slab that has one free, so that the last slabs
 * run empty and can be returned.
 *
 * Every operation takes constant time on average, but for the search for a slab
 * with a free chunk, which happens once in 512 pages. No allocation; the caller
 * locks.
 */
#include "slabmap.h"

/**
 * leap_slabmap_init - start with no slab on loan
 * @map: to be set up
 * @slabs: zeroed array that the map works on
 * @nr_slabs: its length; times @chunks_per_slab less than 2^32 - 1
 * @chunks_per_slab: 1 to LEAP_CHUNKS_MAX
 */
void leap_slabmap_init(struct leap_slabmap *map, struct leap_slab_use *slabs,
		       u32 nr_slabs, u32 chunks_per_slab)
{
	map->slabs = slabs;
	map->nr_slabs = nr_slabs;
	map->chunks_per_slab = chunks_per_slab;
	map->free_chunks = 0;
	map->hint = 0;
	map->vacant = 0;
	map->top = 0;
}

/**
 * leap_slabmap_vacant - find a number for a new slab
 * @map: the slabs
 *
 * Return: the lowest number that is not on loan, or -ENOSPC.
 */
int leap_slabmap_vacant(struct leap_slabmap *map)
{
	while (map->vacant < map->nr_slabs && map->slabs[map->vacant].on_loan)
		map->vacant++;
	return map->vacant < map->nr_slabs ? (int)map->vacant : -ENOSPC;
}

/**
 * leap_slabmap_add - a slab has come on loan
 * @map: the slabs
 * @slab: its number, from leap_slabmap_vacant()
 */
void leap_slabmap_add(struct leap_slabmap *map, u32 slab)
{
	map->slabs[slab].on_loan = 1;
	map->slabs[slab].nr_free = map->chunks_per_slab;
	map->free_chunks += map->chunks_per_slab;
	if (slab < map->hint)
		map->hint = slab;
	if (slab >= map->top)
		map->top = slab + 1;
}

/**
 * leap_slabmap_empty - is a slab on loan without being used?
 * @map: the slabs
 * @slab: its number
 *
 * Return: true if no cluster has a chunk of it.
 */
bool leap_slabmap_empty(const struct leap_slabmap *map, u32 slab)
{
	const struct leap_slab_use *use = &map->slabs[slab];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(use->taken); i++)
		if (use->taken[i])
			return false;
	return use->on_loan;
}

/**
 * leap_slabmap_close - hand out no more chunks of a slab
 * @map: the slabs
 * @slab: its number; what is stored in it stays
 */
void leap_slabmap_close(struct leap_slabmap *map, u32 slab)
{
	map->slabs[slab].closed = 1;
	map->free_chunks -= map->slabs[slab].nr_free;
	map->slabs[slab].nr_free = 0;
}

/**
 * leap_slabmap_open - the reverse
 * @map: the slabs
 * @slab: its number, which is on loan
 */
void leap_slabmap_open(struct leap_slabmap *map, u32 slab)
{
	struct leap_slab_use *use = &map->slabs[slab];
	u32 i;

	if (!use->closed)
		return;
	use->closed = 0;
	for (i = 0; i < map->chunks_per_slab; i++)
		use->nr_free += !(use->taken[i / 64] >> i % 64 & 1);
	map->free_chunks += use->nr_free;
	if (slab < map->hint)
		map->hint = slab;
}

/**
 * leap_slabmap_remove - take a slab out, to return it
 * @map: the slabs
 * @slab: its number
 *
 * Return: false if the slab is in use or not there; nothing has changed then.
 */
bool leap_slabmap_remove(struct leap_slabmap *map, u32 slab)
{
	if (!leap_slabmap_empty(map, slab))
		return false;
	map->free_chunks -= map->slabs[slab].nr_free;
	map->slabs[slab].nr_free = 0;
	map->slabs[slab].on_loan = 0;
	map->slabs[slab].closed = 0;
	if (slab < map->vacant)
		map->vacant = slab;
	return true;
}

static u32 take_chunk(struct leap_slab_use *slab)
{
	u32 word = 0, bit = 0;

	while (slab->taken[word] == ~0ULL)
		word++;
	while (slab->taken[word] & (1ULL << bit))
		bit++;
	slab->taken[word] |= 1ULL << bit;
	slab->nr_free--;
	return word * 64 + bit;
}

/**
 * leap_slabmap_get - take slots of a cluster into use
 * @map: the slabs
 * @cluster: the cluster, which gets a chunk if it has none
 * @nr: how many slots, 1 to LEAP_CHUNK_PAGES, none of them in use
 *
 * Return: 0, or -ENOSPC if no slab has a free chunk.
 */
int leap_slabmap_get(struct leap_slabmap *map, struct leap_cluster *cluster,
		     unsigned int nr)
{
	if (!cluster->chunk) {
		if (!map->free_chunks)
			return -ENOSPC;
		while (!map->slabs[map->hint].nr_free)
			map->hint++;
		cluster->chunk = 1 + map->hint * map->chunks_per_slab +
				 take_chunk(&map->slabs[map->hint]);
		map->free_chunks--;
	}
	cluster->refs += nr;
	map->slabs[(cluster->chunk - 1) / map->chunks_per_slab].pages += nr;
	return 0;
}

/**
 * leap_slabmap_put - slots of a cluster are free, or their write has failed
 * @map: the slabs
 * @cluster: the cluster, which gives its chunk back with its last slot
 * @nr: how many slots, at most those in use
 */
void leap_slabmap_put(struct leap_slabmap *map, struct leap_cluster *cluster,
		      unsigned int nr)
{
	u32 chunk = cluster->chunk - 1, slab = chunk / map->chunks_per_slab;

	cluster->refs -= nr;
	map->slabs[slab].pages -= nr;
	if (cluster->refs)
		return;
	cluster->chunk = 0;
	chunk %= map->chunks_per_slab;
	map->slabs[slab].taken[chunk / 64] &= ~(1ULL << (chunk % 64));
	if (map->slabs[slab].closed)
		return;
	map->slabs[slab].nr_free++;
	map->free_chunks++;
	if (slab < map->hint)
		map->hint = slab;
}

/**
 * leap_slabmap_lookup - where is a slot stored?
 * @map: the slabs
 * @cluster: the slot's cluster
 * @offset: the slot's offset in its swap area, in pages
 * @place: filled in
 *
 * Return: false if the cluster has no chunk.
 */
bool leap_slabmap_lookup(const struct leap_slabmap *map,
			 const struct leap_cluster *cluster,
			 unsigned long offset, struct leap_place *place)
{
	u32 chunk = cluster->chunk - 1;

	if (!cluster->chunk)
		return false;
	place->slab = chunk / map->chunks_per_slab;
	place->page = (chunk % map->chunks_per_slab) * LEAP_CHUNK_PAGES +
		      (offset & (LEAP_CHUNK_PAGES - 1));
	return true;
}
