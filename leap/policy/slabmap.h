/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_SLABMAP_H
#define LEAP_POLICY_SLABMAP_H

#include "deps.h"

/* Pages in a chunk, which is as large as a swap cluster: 2 MiB of 4 KiB. */
#define LEAP_CHUNK_SHIFT	9
#define LEAP_CHUNK_PAGES	512
/* Chunks in the largest slab, 1 GiB. */
#define LEAP_CHUNKS_MAX		512

/**
 * struct leap_slab_use - which chunks of one slab are taken
 * @nr_free: chunks that are free, 0 if the slab is not on loan
 * @on_loan: the slab is there
 * @closed: no chunk of it is handed out any more
 * @pages: slots that hold data in it or are being written to it
 * @taken: bit i is set if chunk i is some cluster's, least significant first
 */
struct leap_slab_use {
	u16 nr_free;
	u8 on_loan;
	u8 closed;
	u32 pages;
	u64 taken[LEAP_CHUNKS_MAX / 64];
};

/**
 * struct leap_cluster - where one swap cluster is stored
 * @chunk: 1 + slab * chunks_per_slab + index in the slab, 0 for none
 * @refs: slots of the cluster that hold remote data or are being written
 */
struct leap_cluster {
	u32 chunk;
	u16 refs;
};

/**
 * struct leap_slabmap - all slabs of a session
 * @slabs: the caller's, zeroed
 * @nr_slabs: how many
 * @chunks_per_slab: 1 to LEAP_CHUNKS_MAX
 * @free_chunks: in all slabs on loan together
 * @hint: no slab before this one has a free chunk
 * @vacant: every slab before this one is on loan
 * @top: no slab from this one on has ever been on loan
 */
struct leap_slabmap {
	struct leap_slab_use *slabs;
	u32 nr_slabs;
	u32 chunks_per_slab;
	u32 free_chunks;
	u32 hint;
	u32 vacant;
	u32 top;
};

/**
 * struct leap_place - where a slot is stored
 * @slab: number of the slab
 * @page: number of the page in the slab
 */
struct leap_place {
	u32 slab;
	u32 page;
};

void leap_slabmap_init(struct leap_slabmap *map, struct leap_slab_use *slabs,
		       u32 nr_slabs, u32 chunks_per_slab);
int leap_slabmap_vacant(struct leap_slabmap *map);
void leap_slabmap_add(struct leap_slabmap *map, u32 slab);
void leap_slabmap_close(struct leap_slabmap *map, u32 slab);
void leap_slabmap_open(struct leap_slabmap *map, u32 slab);
bool leap_slabmap_remove(struct leap_slabmap *map, u32 slab);
bool leap_slabmap_empty(const struct leap_slabmap *map, u32 slab);
int leap_slabmap_get(struct leap_slabmap *map, struct leap_cluster *cluster,
		     unsigned int nr);
void leap_slabmap_put(struct leap_slabmap *map, struct leap_cluster *cluster,
		      unsigned int nr);
bool leap_slabmap_lookup(const struct leap_slabmap *map,
			 const struct leap_cluster *cluster,
			 unsigned long offset, struct leap_place *place);

#endif /* LEAP_POLICY_SLABMAP_H */
