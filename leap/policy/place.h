/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PLACE_H
#define LEAP_POLICY_PLACE_H

#include "deps.h"

/* Copies of a slab that can be asked for, each on a server of its own. */
#define LEAP_REPLICAS_MAX	3

/* Servers that are looked at for each copy; 1 is random placement. */
#define LEAP_PLACE_CHOICES	2
#define LEAP_PLACE_CHOICES_MAX	8

/**
 * struct leap_placer - what placement looks at
 * @free: the caller's: how much each server may still lend, in units of the
 *	caller's choice; 0 for one that must get no slab now (full, lost,
 *	draining, or no server at all)
 * @nr: servers, 1 to 2^31
 * @choices: servers to compare for each copy, 1 to LEAP_PLACE_CHOICES_MAX
 * @random: state of the random numbers; the same state makes the same choices
 */
struct leap_placer {
	const u32 *free;
	u32 nr;
	u32 choices;
	u64 random;
};

void leap_place_init(struct leap_placer *placer, const u32 *free, u32 nr,
		     u32 choices, u64 seed);
int leap_place_one(struct leap_placer *placer, const u32 *taken, u32 nr_taken);

#endif /* LEAP_POLICY_PLACE_H */
