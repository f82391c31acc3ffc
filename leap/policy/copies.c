// SPDX-License-Identifier: GPL-2.0
/*
 * Which copies of a page are right.
 *
 * A slab has up to three copies, each in a home: a piece of a server's memory
 * that is as large as the slab. Slot i of chunk j is at the same place in all of
 * them. For each copy of a chunk there is one bit a slot: the copy is valid.
 * Here is when these bits change; the rest of Leap asks and obeys.
 *
 * A store makes all copies invalid when it begins, and those valid that have
 * been written when it ends. So what is valid holds the last data stored, and
 * nothing has to be done when a server is lost: its copies stay as they are,
 * and cannot be chosen while it is away. When it is back with its memory
 * intact, those that were not rewritten or freed meanwhile are valid still. The
 * others were made invalid by whoever rewrote them.
 *
 * When a server has come back empty, was given up, or its slab went to another
 * server, none of the bits for that home may count any more. A generation sees
 * to that without a walk over all slots: each piece of memory that becomes a
 * home has a number of its own in the slab, each chunk knows which number its
 * bits are about, and bits about another one are void.
 *
 * Rebuilding copies slots from a valid copy to a home that lacks them, while the
 * program goes on. A slot that is stored or freed meanwhile must not become
 * valid in the target when the copying ends, so these are noted. Nor may such
 * a store write to the target itself, as the old data could arrive there after
 * the new: it leaves the target out, which is rebuilt later.
 *
 * The swap device has a place for each slot anyway, and may keep one more copy, to
 * be read when no home can be. It is written with the others, and is not rebuilt,
 * neither from them nor they from it: a store makes all copies anew. A store that
 * has reached it alone is none of ours any more: the page was swapped as any other.
 *
 * What others have to see to:
 * - A slot is stored by one at a time, and not loaded while it is stored, except
 *   for rebuilding. In mm the folio's lock and writeback do that.
 * - A request that was given up must not reach the server's memory any more when
 *   the server is in service again: its connection has to be gone on both
 *   sides before another one is made, as leapd does with those of a client.
 * - All calls for one slab are made under one lock.
 */
#include "copies.h"

#define WORDS	(LEAP_CHUNK_PAGES / 64)

static bool get_bit(const struct leap_bits *bits, u32 slot)
{
	return bits->word[slot / 64] >> slot % 64 & 1;
}

/* The bits of word @i that are among the @nr from @slot on. */
static u64 mask_of(u32 i, u32 slot, u32 nr)
{
	u32 begin = i * 64, low, high;

	if (slot >= begin + 64 || slot + nr <= begin)
		return 0;
	low = slot > begin ? slot - begin : 0;
	high = slot + nr < begin + 64 ? slot + nr - begin : 64;
	return ~0ULL >> (64 - (high - low)) << low;
}

static void set_bits(struct leap_bits *bits, u32 slot, u32 nr)
{
	u32 i;

	for (i = slot / 64; i <= (slot + nr - 1) / 64; i++)
		bits->word[i] |= mask_of(i, slot, nr);
}

static void clear_bits(struct leap_bits *bits, u32 slot, u32 nr)
{
	u32 i;

	for (i = slot / 64; i <= (slot + nr - 1) / 64; i++)
		bits->word[i] &= ~mask_of(i, slot, nr);
}

static bool any_bit(const struct leap_bits *bits, u32 slot, u32 nr)
{
	u32 i;

	for (i = slot / 64; i <= (slot + nr - 1) / 64; i++)
		if (bits->word[i] & mask_of(i, slot, nr))
			return true;
	return false;
}

/* Of the @nr slots from @slot on, those in a row that have the same bit as it. */
static u32 run_of(const struct leap_bits *bits, u32 slot, u32 nr)
{
	bool bit = get_bit(bits, slot);
	u32 run = 1;

	while (run < nr && slot + run < LEAP_CHUNK_PAGES &&
	       get_bit(bits, slot + run) == bit)
		run++;
	return run;
}

/* --- homes ---------------------------------------------------------------- */

/**
 * leap_homes_init - a slab without a home
 * @homes: to be set up
 * @replicas: copies that are wanted, 1 to LEAP_REPLICAS_MAX
 * @disk: a copy on the swap device is wanted, too
 */
void leap_homes_init(struct leap_homes *homes, u32 replicas, bool disk)
{
	memset(homes, 0, sizeof(*homes));
	homes->replicas = replicas;
	homes->disk = disk;
}

static u32 next_gen(struct leap_homes *homes)
{
	if (!++homes->last_gen)
		homes->last_gen = 1;
	return homes->last_gen;
}

/**
 * leap_homes_add - a slab gets one more home, in which nothing is valid yet
 * @homes: the slab's
 * @health: of the home's server
 *
 * Return: the home's number, which is also that of the copy in it; -ENOSPC if
 * there are LEAP_HOMES_MAX.
 */
int leap_homes_add(struct leap_homes *homes, u8 health)
{
	u32 i;

	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		if (homes->home[i].gen)
			continue;
		homes->home[i].gen = next_gen(homes);
		homes->home[i].health = health;
		homes->home[i].retiring = false;
		return i;
	}
	return -ENOSPC;
}

/**
 * leap_homes_remove - a home is given back, or its server is let go
 * @homes: the slab's
 * @home: its number, which can be given out again
 *
 * Requests to that memory may still be under way; none of them counts.
 */
void leap_homes_remove(struct leap_homes *homes, u32 home)
{
	homes->home[home].gen = 0;
}

/**
 * leap_homes_forget - the memory of a home is there, but not what was in it
 * @homes: the slab's
 * @home: its number
 */
void leap_homes_forget(struct leap_homes *homes, u32 home)
{
	homes->home[home].gen = next_gen(homes);
}

static bool writable(const struct leap_home *home)
{
	return home->gen && !home->retiring &&
	       leap_health_writable(home->health);
}

/**
 * leap_homes_writable - can a home be written to?
 * @homes: the slab's
 * @home: its number
 *
 * Return: true if so.
 */
bool leap_homes_writable(const struct leap_homes *homes, u32 home)
{
	return writable(&homes->home[home]);
}

static u32 count_writable(const struct leap_homes *homes)
{
	u32 i, nr = 0;

	for (i = 0; i < LEAP_HOMES_MAX; i++)
		nr += writable(&homes->home[i]);
	return nr;
}

/**
 * leap_homes_missing - does a slab need more homes?
 * @homes: the slab's
 *
 * Return: how many homes that can be written to are missing.
 */
u32 leap_homes_missing(const struct leap_homes *homes)
{
	u32 nr = count_writable(homes);

	return nr < homes->replicas ? homes->replicas - nr : 0;
}

/**
 * leap_homes_surplus - has a slab more homes than it needs?
 * @homes: the slab's
 *
 * Return: true if one of those that can be written to could be done without.
 */
bool leap_homes_surplus(const struct leap_homes *homes)
{
	return count_writable(homes) > homes->replicas;
}

/* --- what is known of copies ---------------------------------------------- */

/* Are the bits for this copy about the memory that is there? */
static bool current_copy(const struct leap_copies *copies,
			 const struct leap_homes *homes, u32 copy)
{
	return copy == LEAP_COPY_DISK ||
	       (homes->home[copy].gen &&
		copies->gen[copy] == homes->home[copy].gen);
}

static bool valid(const struct leap_copies *copies,
		  const struct leap_homes *homes, u32 copy, u32 slot)
{
	return current_copy(copies, homes, copy) &&
	       get_bit(&copies->valid[copy], slot);
}

/* 0: cannot be read now. The disk comes last. */
static u32 rank_of(const struct leap_homes *homes, u32 copy)
{
	if (copy == LEAP_COPY_DISK)
		return 1;
	if (!homes->home[copy].gen ||
	    !leap_health_readable(homes->home[copy].health))
		return 0;
	return 1 + leap_health_rank(homes->home[copy].health);
}

static void make_valid(struct leap_copies *copies, u32 copy, u32 gen, u32 slot,
		       u32 nr)
{
	if (copy != LEAP_COPY_DISK && copies->gen[copy] != gen) {
		memset(&copies->valid[copy], 0, sizeof(copies->valid[copy]));
		copies->gen[copy] = gen;
	}
	set_bits(&copies->valid[copy], slot, nr);
}

static void make_invalid(struct leap_copies *copies, u32 slot, u32 nr)
{
	u32 copy;

	for (copy = 0; copy < LEAP_COPIES_MAX; copy++)
		clear_bits(&copies->valid[copy], slot, nr);
	if (copies->rebuild)
		set_bits(&copies->rebuild->changed, slot, nr);
}

/**
 * leap_copies_where - where is a slot's data?
 * @copies: of its chunk
 * @homes: of its slab
 * @slot: in the chunk
 *
 * Return: bit i is set if copy i is valid, whether it can be read now or not.
 */
u32 leap_copies_where(const struct leap_copies *copies,
		      const struct leap_homes *homes, u32 slot)
{
	u32 copy, where = 0;

	for (copy = 0; copy < LEAP_COPIES_MAX; copy++)
		if (valid(copies, homes, copy, slot))
			where |= 1U << copy;
	return where;
}

/**
 * leap_copies_alone - would data be lost with a home?
 * @copies: of a chunk
 * @homes: of its slab
 * @home: the home's number
 *
 * Return: true if it has a valid slot that no other copy has that can be read.
 */
bool leap_copies_alone(const struct leap_copies *copies,
		       const struct leap_homes *homes, u32 home)
{
	u64 alone;
	u32 copy, i;

	if (!current_copy(copies, homes, home))
		return false;
	for (i = 0; i < WORDS; i++) {
		alone = copies->valid[home].word[i];
		for (copy = 0; copy < LEAP_COPIES_MAX; copy++)
			if (copy != home && rank_of(homes, copy) &&
			    current_copy(copies, homes, copy))
				alone &= ~copies->valid[copy].word[i];
		if (alone)
			return true;
	}
	return false;
}

/* --- stores --------------------------------------------------------------- */

/**
 * leap_copies_store - a store begins
 * @copies: of the chunk
 * @homes: of its slab
 * @slot: the first slot in the chunk
 * @nr: slots
 * @store: filled in, for leap_copies_stored()
 *
 * What was there before is not valid any more, whatever becomes of the store.
 *
 * Return: the copies to write: bit i for home i, LEAP_COPY_DISK for the swap
 * device. 0 if no home is among them; then leap_copies_stored() need not be called.
 */
u32 leap_copies_store(struct leap_copies *copies, const struct leap_homes *homes,
		      u32 slot, u32 nr, struct leap_store *store)
{
	const struct leap_rebuild *rebuild = copies->rebuild;
	u32 i;

	make_invalid(copies, slot, nr);
	store->copies = 0;
	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		store->gen[i] = homes->home[i].gen;
		if (writable(&homes->home[i]) &&
		    !(rebuild && rebuild->target == i &&
		      any_bit(&rebuild->busy, slot, nr)))
			store->copies |= 1U << i;
	}
	if (store->copies && homes->disk)
		store->copies |= 1U << LEAP_COPY_DISK;
	return store->copies;
}

/**
 * leap_copies_stored - a store is over: all its requests have ended
 * @copies: of the chunk
 * @homes: of its slab, as they are now
 * @slot: the first slot in the chunk
 * @nr: slots
 * @store: from leap_copies_store()
 * @written: the copies of &leap_store.copies that have been acknowledged
 *
 * A copy on a server that was lost after it had acknowledged it is one, for when that
 * server is back, but is not counted as one; alone it is none.
 *
 * Return: what has become of it. After LEAP_STORED_NOWHERE the data goes to the
 * swap device, as that of any page, and after LEAP_STORED_LOCAL it is there.
 */
enum leap_stored leap_copies_stored(struct leap_copies *copies,
				    const struct leap_homes *homes, u32 slot,
				    u32 nr, const struct leap_store *store,
				    u32 written)
{
	u32 i, kept = 0, remote = 0;
	bool disk = written & store->copies & 1U << LEAP_COPY_DISK;

	for (i = 0; i < LEAP_HOMES_MAX; i++) {
		if (!(written & store->copies & 1U << i) ||
		    store->gen[i] != homes->home[i].gen)
			continue;
		kept |= 1U << i;
		remote += leap_health_readable(homes->home[i].health);
	}
	if (!remote)
		return disk ? LEAP_STORED_LOCAL : LEAP_STORED_NOWHERE;
	for (i = 0; i < LEAP_HOMES_MAX; i++)
		if (kept & 1U << i)
			make_valid(copies, i, store->gen[i], slot, nr);
	if (disk)
		make_valid(copies, LEAP_COPY_DISK, 0, slot, nr);
	return remote >= homes->replicas ? LEAP_STORED_WELL : LEAP_STORED_SHORT;
}

/**
 * leap_copies_free - slots are free; their data is of no use any more
 * @copies: of the chunk
 * @slot: the first slot in the chunk
 * @nr: slots
 */
void leap_copies_free(struct leap_copies *copies, u32 slot, u32 nr)
{
	make_invalid(copies, slot, nr);
}

/* --- loads ---------------------------------------------------------------- */

/**
 * leap_copies_choose - which copy is to be loaded?
 * @copies: of the chunk
 * @homes: of its slab
 * @slot: the first slot in the chunk
 * @tried: copies that have failed, bit i for copy i; 0 at first
 * @spread: any number; of n copies that are as good, the one that it is modulo n
 * @nr: how many slots are wanted; set to how many of these can be loaded from
 *	this copy in one piece, at least 1
 *
 * A copy on a server that answers is better than one on a server that is
 * suspect, and the swap device is the last resort. After a load that has failed
 * the copy joins @tried, and this is called again.
 *
 * Return: the copy; -EIO if there are valid ones, but none that can be reached
 * and was not tried; -ENODATA if there is none.
 */
int leap_copies_choose(const struct leap_copies *copies,
		       const struct leap_homes *homes, u32 slot, u32 tried,
		       u32 spread, u32 *nr)
{
	u32 best[LEAP_COPIES_MAX], nr_best = 0, best_rank = 1, copy;
	bool any = false;

	for (copy = 0; copy < LEAP_COPIES_MAX; copy++) {
		u32 rank = rank_of(homes, copy);

		if (!valid(copies, homes, copy, slot))
			continue;
		any = true;
		if (tried & 1U << copy || rank < best_rank)
			continue;
		if (rank > best_rank)
			nr_best = 0;
		best_rank = rank;
		best[nr_best++] = copy;
	}
	if (!nr_best)
		return any ? -EIO : -ENODATA;
	copy = best[spread % nr_best];
	*nr = run_of(&copies->valid[copy], slot, *nr);
	return copy;
}

/**
 * leap_copies_spoil - what a copy has is wrong
 * @copies: of the chunk
 * @slot: the first slot in the chunk
 * @nr: slots
 * @copy: which copy of them
 *
 * For data that does not have its checksum. The copy can be rebuilt.
 */
void leap_copies_spoil(struct leap_copies *copies, u32 slot, u32 nr, u32 copy)
{
	clear_bits(&copies->valid[copy], slot, nr);
}

/* --- rebuilding ----------------------------------------------------------- */

/*
 * The slots that @target lacks and that can be had from another home: what only the
 * disk has can be read from there, but not copied.
 */
static struct leap_bits lacking(const struct leap_copies *copies,
				const struct leap_homes *homes, u32 target)
{
	struct leap_bits bits = {};
	u32 copy, i;

	for (copy = 0; copy < LEAP_HOMES_MAX; copy++)
		for (i = 0; i < WORDS; i++)
			if (copy != target && rank_of(homes, copy) &&
			    current_copy(copies, homes, copy))
				bits.word[i] |= copies->valid[copy].word[i];
	for (i = 0; i < WORDS; i++)
		if (current_copy(copies, homes, target))
			bits.word[i] &= ~copies->valid[target].word[i];
	return bits;
}

/**
 * leap_rebuild_count - how much is left to rebuild?
 * @copies: of the chunk
 * @homes: of its slab
 * @target: the home that is to get a copy of everything
 *
 * Return: slots that it lacks and that can be had from another home.
 */
u32 leap_rebuild_count(const struct leap_copies *copies,
		       const struct leap_homes *homes, u32 target)
{
	struct leap_bits bits = lacking(copies, homes, target);
	u32 slot, nr = 0;

	for (slot = 0; slot < LEAP_CHUNK_PAGES; slot++)
		nr += get_bit(&bits, slot);
	return nr;
}

/**
 * leap_rebuild_begin - begin to copy some slots to a home that lacks them
 * @copies: of the chunk
 * @homes: of its slab
 * @rebuild: the caller's, until leap_rebuild_end()
 * @target: the home, which can be written to
 * @from: the slot in the chunk to look from
 * @nr: most slots to copy; set to how many it is
 *
 * The caller loads the slots, each piece from the home that
 * leap_copies_choose() says, writes them to the target, and waits for both.
 *
 * Return: the first slot; -ENODATA if nothing is left to be done from @from on,
 * -EBUSY if this chunk is being rebuilt already, -EIO if the target cannot be
 * written to.
 */
int leap_rebuild_begin(struct leap_copies *copies,
		       const struct leap_homes *homes,
		       struct leap_rebuild *rebuild, u32 target, u32 from,
		       u32 *nr)
{
	struct leap_bits bits = lacking(copies, homes, target);
	u32 slot = from;

	if (copies->rebuild)
		return -EBUSY;
	if (!writable(&homes->home[target]))
		return -EIO;
	while (slot < LEAP_CHUNK_PAGES && !get_bit(&bits, slot))
		slot++;
	if (slot == LEAP_CHUNK_PAGES)
		return -ENODATA;
	*nr = run_of(&bits, slot, *nr);
	memset(rebuild, 0, sizeof(*rebuild));
	rebuild->target = target;
	rebuild->gen = homes->home[target].gen;
	set_bits(&rebuild->busy, slot, *nr);
	copies->rebuild = rebuild;
	return slot;
}

/**
 * leap_rebuild_changed - was a slot that is being copied stored or freed since?
 * @copies: of the chunk, being rebuilt
 * @slot: in the chunk
 *
 * Return: true if so: leap_rebuild_end() leaves it out.
 */
bool leap_rebuild_changed(const struct leap_copies *copies, u32 slot)
{
	return get_bit(&copies->rebuild->changed, slot);
}

/**
 * leap_rebuild_end - the copying is over, and no request of it is under way
 * @copies: of the chunk
 * @homes: of its slab, as they are now
 * @written: all slots were loaded and the target has acknowledged them
 *
 * Return: how many slots have one more copy now.
 */
u32 leap_rebuild_end(struct leap_copies *copies, const struct leap_homes *homes,
		     bool written)
{
	struct leap_rebuild *rebuild = copies->rebuild;
	u32 slot, nr = 0;

	copies->rebuild = NULL;
	if (!written || homes->home[rebuild->target].gen != rebuild->gen)
		return 0;
	for (slot = 0; slot < LEAP_CHUNK_PAGES; slot++) {
		if (!get_bit(&rebuild->busy, slot) ||
		    get_bit(&rebuild->changed, slot))
			continue;
		make_valid(copies, rebuild->target, rebuild->gen, slot, 1);
		nr++;
	}
	return nr;
}
