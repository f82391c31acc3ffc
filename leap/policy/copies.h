/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_COPIES_H
#define LEAP_POLICY_COPIES_H

#include "deps.h"
#include "health.h"
#include "place.h"
#include "slabmap.h"

/* Places that a slab can have at a time: its copies, and one being moved to. */
#define LEAP_HOMES_MAX		(LEAP_REPLICAS_MAX + 1)

/* The copies of a page: one in each home, and the swap device's. */
#define LEAP_COPY_DISK		LEAP_HOMES_MAX
#define LEAP_COPIES_MAX		(LEAP_HOMES_MAX + 1)

/**
 * struct leap_home - one server's part in a slab
 * @gen: generation of the memory there, see copies.c; 0 if there is none
 * @health: the server's, of enum leap_health_state
 * @retiring: its server wants this slab back: it is read, but not written
 */
struct leap_home {
	u32 gen;
	u8 health;
	bool retiring;
};

/**
 * struct leap_homes - all homes of a slab
 * @home: in no order
 * @last_gen: generation that was given out last
 * @replicas: copies that are wanted, 1 to LEAP_REPLICAS_MAX
 * @disk: a copy on the swap device is wanted, too
 */
struct leap_homes {
	struct leap_home home[LEAP_HOMES_MAX];
	u32 last_gen;
	u8 replicas;
	bool disk;
};

/**
 * struct leap_bits - one bit for each slot of a chunk
 * @word: least significant bit first
 */
struct leap_bits {
	u64 word[LEAP_CHUNK_PAGES / 64];
};

/**
 * struct leap_rebuild - slots of a chunk that are being copied to a new home
 * @target: the home
 * @gen: the generation of its memory
 * @busy: the slots
 * @changed: those of them that were stored or freed since
 */
struct leap_rebuild {
	u32 target;
	u32 gen;
	struct leap_bits busy;
	struct leap_bits changed;
};

/**
 * struct leap_copies - which copies of the slots of one chunk are right
 * @gen: generation of the memory in each home that @valid is about
 * @valid: by copy; slots that are right there
 * @rebuild: what is under way, or NULL
 */
struct leap_copies {
	u32 gen[LEAP_HOMES_MAX];
	struct leap_bits valid[LEAP_COPIES_MAX];
	struct leap_rebuild *rebuild;
};

/**
 * struct leap_store - a store under way, from begin to end
 * @copies: bit i is set if copy i is to be written
 * @gen: generations of these homes
 */
struct leap_store {
	u32 copies;
	u32 gen[LEAP_HOMES_MAX];
};

/**
 * enum leap_stored - what has become of a store
 * @LEAP_STORED_WELL: as many homes have it as are wanted
 * @LEAP_STORED_SHORT: at least one has; the others are to be rebuilt
 * @LEAP_STORED_LOCAL: none has, but the swap device; the slot is not remote
 * @LEAP_STORED_NOWHERE: nobody has; the store has failed
 */
enum leap_stored {
	LEAP_STORED_WELL,
	LEAP_STORED_SHORT,
	LEAP_STORED_LOCAL,
	LEAP_STORED_NOWHERE,
};

/* Homes of a slab. */
void leap_homes_init(struct leap_homes *homes, u32 replicas, bool disk);
int leap_homes_add(struct leap_homes *homes, u8 health);
void leap_homes_remove(struct leap_homes *homes, u32 home);
void leap_homes_forget(struct leap_homes *homes, u32 home);
bool leap_homes_writable(const struct leap_homes *homes, u32 home);
u32 leap_homes_missing(const struct leap_homes *homes);
bool leap_homes_surplus(const struct leap_homes *homes);

/* Stores. */
u32 leap_copies_store(struct leap_copies *copies, const struct leap_homes *homes,
		      u32 slot, u32 nr, struct leap_store *store);
enum leap_stored leap_copies_stored(struct leap_copies *copies,
				    const struct leap_homes *homes, u32 slot,
				    u32 nr, const struct leap_store *store,
				    u32 written);
void leap_copies_free(struct leap_copies *copies, u32 slot, u32 nr);

/* Loads. */
int leap_copies_choose(const struct leap_copies *copies,
		       const struct leap_homes *homes, u32 slot, u32 tried,
		       u32 spread, u32 *nr);
void leap_copies_spoil(struct leap_copies *copies, u32 slot, u32 nr, u32 copy);
u32 leap_copies_where(const struct leap_copies *copies,
		      const struct leap_homes *homes, u32 slot);
bool leap_copies_alone(const struct leap_copies *copies,
		       const struct leap_homes *homes, u32 home);

/* Rebuilding. */
u32 leap_rebuild_count(const struct leap_copies *copies,
		       const struct leap_homes *homes, u32 target);
int leap_rebuild_begin(struct leap_copies *copies,
		       const struct leap_homes *homes,
		       struct leap_rebuild *rebuild, u32 target, u32 from,
		       u32 *nr);
bool leap_rebuild_changed(const struct leap_copies *copies, u32 slot);
u32 leap_rebuild_end(struct leap_copies *copies, const struct leap_homes *homes,
		     bool written);

#endif /* LEAP_POLICY_COPIES_H */
