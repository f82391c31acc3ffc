/* SPDX-License-Identifier: GPL-2.0 */
/*
 * leap-sim-place: how evenly slabs are placed, and what placing one costs.
 *
 *	main.c		options, the tables
 *	cluster.c	servers, and the ways to choose one
 *	cost.c		time
 *
 * The two choices are leap/policy/place.c, the source that leap.ko has, and the
 * numbers of slabs leap/policy/slabmap.c.
 */
#ifndef SIM_H
#define SIM_H

#include <stdio.h>

#include "leap/policy/place.h"

/* Ways to choose a server. */
enum way {
	ROUND_ROBIN,
	RANDOM,
	TWO_CHOICES,
	THREE_CHOICES,
	EMPTIEST,
	WAYS,
};

extern const char *const way_names[WAYS];

/**
 * struct cluster - servers, and what they have lent
 * @nr: servers
 * @size: slabs that each has
 * @free: slabs that each may still lend
 * @known: the same, as the client has heard last
 * @hearing: slabs that are placed before it hears anew, 1 for at once
 * @placed: slabs that have been placed
 * @way: how a server is chosen
 * @turn: of the round robin
 * @placer: of the others
 */
struct cluster {
	u32 nr;
	u32 *size;
	u32 *free;
	u32 *known;
	u32 hearing;
	u64 placed;
	enum way way;
	u32 turn;
	struct leap_placer placer;
};

void cluster_init(struct cluster *cluster, u32 nr, enum way way, u64 seed);
void cluster_exit(struct cluster *cluster);
void cluster_equip(struct cluster *cluster, u32 least, u32 most);
u32 cluster_place(struct cluster *cluster, u32 replicas, u32 *chosen);
void cluster_return(struct cluster *cluster, u32 server);

/**
 * struct balance - how even it has become
 * @mean: slabs of a server
 * @most: slabs of the fullest server
 * @deviation: standard deviation of what the servers have left
 * @full: servers that have nothing left
 */
struct balance {
	double mean;
	u32 most;
	double deviation;
	u32 full;
};

struct balance cluster_balance(const struct cluster *cluster);
void cluster_write_loads(const struct cluster *cluster, FILE *file);

void *need(size_t nr, size_t size);
u64 now_ns(void);

/* cost.c */
int cost_table(u32 most_servers, u32 slabs, u64 seed, FILE *data);

#endif /* SIM_H */
