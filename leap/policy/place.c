// SPDX-License-Identifier: GPL-2.0
/*
 * Which servers a new slab comes from: the power of two choices.
 *
 * Of two servers picked at random, the one that may still lend more gets the
 * slab. With m slabs on n equal servers, one random choice leaves the fullest
 * server some sqrt(2 m ln(n) / n) slabs above the mean, two leave it only
 * ln(ln(n)) / ln(2) + O(1) above it, however many slabs there are; a third one
 * makes that better by a constant factor only. See
 *
 *	Y. Azar, A. Z. Broder, A. R. Karlin, E. Upfal: Balanced Allocations.
 *	STOC 1994; SIAM Journal on Computing 29(1), 1999.
 *	M. Mitzenmacher: The Power of Two Choices in Randomized Load Balancing.
 *	IEEE Transactions on Parallel and Distributed Systems 12(10), 2001.
 *	P. Berenbrink, A. Czumaj, A. Steger, B. Voecking: Balanced Allocations:
 *	The Heavily Loaded Case. STOC 2000. (that m does not matter)
 *
 * The fullest of all servers would be as good a choice for one client. But many
 * clients lend from the same servers and know how full they are only from their
 * last messages: all would run to the same server at once. Two random choices
 * out of stale numbers do not.
 *
 * Copies of a slab are placed one after the other, each on a server that has
 * none of it yet. Time is constant unless few servers can lend at all. No
 * allocation, no lock; the caller's array is only read.
 */
#include "place.h"

/* Picks that may hit a server that cannot be used before all are looked at. */
#define TRIES	8

/* splitmix64: Steele, Lea, Flood, OOPSLA 2014. Any state is a good one. */
static u32 next_random(struct leap_placer *placer)
{
	u64 z = placer->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) >> 32;
}

/* From 0 to @below - 1, without a division; the bias is below 2^-32 * @below. */
static u32 random_below(struct leap_placer *placer, u32 below)
{
	return (u64)next_random(placer) * below >> 32;
}

static bool listed(u32 server, const u32 *list, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (list[i] == server)
			return true;
	return false;
}

/* What a pick must not be: the servers of other copies, and earlier picks. */
struct barred {
	const u32 *taken;
	u32 nr_taken;
	u32 picks[LEAP_PLACE_CHOICES_MAX];
	u32 nr_picks;
};

static bool usable(const struct leap_placer *placer, u32 server,
		   const struct barred *barred)
{
	return placer->free[server] &&
	       !listed(server, barred->taken, barred->nr_taken) &&
	       !listed(server, barred->picks, barred->nr_picks);
}

/* Few can be used: count these, and take one of them. */
static int pick_by_count(struct leap_placer *placer,
			 const struct barred *barred)
{
	u32 i, nr = 0, which;

	for (i = 0; i < placer->nr; i++)
		nr += usable(placer, i, barred);
	if (!nr)
		return -ENOSPC;
	which = random_below(placer, nr);
	for (i = 0;; i++)
		if (usable(placer, i, barred) && !which--)
			return i;
}

/* Any server that can be used, each with the same chance; or -ENOSPC. */
static int pick(struct leap_placer *placer, const struct barred *barred)
{
	u32 i, server;

	for (i = 0; i < TRIES; i++) {
		server = random_below(placer, placer->nr);
		if (usable(placer, server, barred))
			return server;
	}
	return pick_by_count(placer, barred);
}

/**
 * leap_place_init - begin to place
 * @placer: to be set up
 * @free: see &struct leap_placer; may change between calls, but not its place
 * @nr: servers in it, 1 to 2^31
 * @choices: LEAP_PLACE_CHOICES; another number only to compare
 * @seed: any number
 */
void leap_place_init(struct leap_placer *placer, const u32 *free, u32 nr,
		     u32 choices, u64 seed)
{
	placer->free = free;
	placer->nr = nr;
	placer->choices = choices;
	placer->random = seed;
}

/**
 * leap_place_one - choose a server for one copy of a slab
 * @placer: servers and random numbers
 * @taken: servers that it must not be, because they have another copy
 * @nr_taken: how many
 *
 * To be called again with the refused server's &leap_placer.free set to 0 if it
 * does not lend after all.
 *
 * Return: the server's number, or -ENOSPC if there is none that may lend.
 */
int leap_place_one(struct leap_placer *placer, const u32 *taken, u32 nr_taken)
{
	struct barred barred = { .taken = taken, .nr_taken = nr_taken };
	int best = -ENOSPC, server;

	while (barred.nr_picks < placer->choices) {
		server = pick(placer, &barred);
		if (server < 0)
			break;
		if (best < 0 || placer->free[server] > placer->free[best])
			best = server;
		barred.picks[barred.nr_picks++] = server;
	}
	return best;
}
