// SPDX-License-Identifier: GPL-2.0
/* Servers, and the ways to choose one. */
#include <math.h>
#include <stdlib.h>

#include "sim.h"

const char *const way_names[WAYS] = {
	[ROUND_ROBIN] = "round robin",
	[RANDOM] = "random",
	[TWO_CHOICES] = "two choices",
	[THREE_CHOICES] = "three choices",
	[EMPTIEST] = "the emptiest",
};

/* What leap/policy/place.c is asked for. */
static const u32 choices[WAYS] = {
	[RANDOM] = 1,
	[TWO_CHOICES] = 2,
	[THREE_CHOICES] = 3,
};

/* Zeroed memory, or the end. */
void *need(size_t nr, size_t size)
{
	void *memory = calloc(nr, size);

	if (!memory) {
		fprintf(stderr, "leap-sim-place: out of memory; take fewer --servers or --slabs\n");
		exit(1);
	}
	return memory;
}

void cluster_init(struct cluster *cluster, u32 nr, enum way way, u64 seed)
{
	*cluster = (struct cluster){
		.nr = nr,
		.size = need(nr, sizeof(u32)),
		.free = need(nr, sizeof(u32)),
		.known = need(nr, sizeof(u32)),
		.hearing = 1,
		.way = way,
	};
	leap_place_init(&cluster->placer, cluster->known, nr, choices[way], seed);
}

void cluster_exit(struct cluster *cluster)
{
	free(cluster->size);
	free(cluster->free);
	free(cluster->known);
}

/* Gives each server between @least and @most slabs, the same ones each time. */
void cluster_equip(struct cluster *cluster, u32 least, u32 most)
{
	u64 state = 1;

	for (u32 i = 0; i < cluster->nr; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		cluster->size[i] = least + (u32)((state >> 33) % (most - least + 1));
		cluster->free[i] = cluster->size[i];
		cluster->known[i] = cluster->size[i];
	}
}

static bool listed(u32 server, const u32 *list, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		if (list[i] == server)
			return true;
	return false;
}

static int next_in_turn(struct cluster *cluster, const u32 *taken, u32 nr_taken)
{
	for (u32 i = 0; i < cluster->nr; i++) {
		u32 server = cluster->turn;

		cluster->turn = (cluster->turn + 1) % cluster->nr;
		if (cluster->known[server] && !listed(server, taken, nr_taken))
			return (int)server;
	}
	return -ENOSPC;
}

static int emptiest(const struct cluster *cluster, const u32 *taken, u32 nr_taken)
{
	int best = -ENOSPC;
	u32 most = 0;

	for (u32 i = 0; i < cluster->nr; i++)
		if (cluster->known[i] > most && !listed(i, taken, nr_taken)) {
			most = cluster->known[i];
			best = (int)i;
		}
	return best;
}

static int choose(struct cluster *cluster, const u32 *taken, u32 nr_taken)
{
	switch (cluster->way) {
	case ROUND_ROBIN:
		return next_in_turn(cluster, taken, nr_taken);
	case EMPTIEST:
		return emptiest(cluster, taken, nr_taken);
	default:
		return leap_place_one(&cluster->placer, taken, nr_taken);
	}
}

static void hear(struct cluster *cluster)
{
	memcpy(cluster->known, cluster->free, cluster->nr * sizeof(u32));
}

/* One that turns out to have nothing left is known to be full from then on. */
static int place_one(struct cluster *cluster, const u32 *taken, u32 nr_taken)
{
	int server;

	while ((server = choose(cluster, taken, nr_taken)) >= 0) {
		if (cluster->free[server])
			return server;
		cluster->known[server] = 0;
	}
	return server;
}

/* Returns how many copies have a place. */
u32 cluster_place(struct cluster *cluster, u32 replicas, u32 *chosen)
{
	for (u32 i = 0; i < replicas; i++) {
		int server = place_one(cluster, chosen, i);

		if (server < 0)
			return i;
		chosen[i] = (u32)server;
		cluster->free[server]--;
		if (cluster->hearing == 1)
			cluster->known[server] = cluster->free[server];
	}
	if (cluster->hearing > 1 && ++cluster->placed % cluster->hearing == 0)
		hear(cluster);
	return replicas;
}

void cluster_return(struct cluster *cluster, u32 server)
{
	cluster->free[server]++;
	if (cluster->hearing == 1)
		cluster->known[server] = cluster->free[server];
}

struct balance cluster_balance(const struct cluster *cluster)
{
	struct balance b = { 0 };
	double left = 0, squares = 0;

	for (u32 i = 0; i < cluster->nr; i++) {
		u32 used = cluster->size[i] - cluster->free[i];

		b.mean += used;
		b.most = used > b.most ? used : b.most;
		b.full += !cluster->free[i];
		left += cluster->free[i];
	}
	b.mean /= cluster->nr;
	left /= cluster->nr;
	for (u32 i = 0; i < cluster->nr; i++)
		squares += (cluster->free[i] - left) * (cluster->free[i] - left);
	b.deviation = sqrt(squares / cluster->nr);
	return b;
}

/* Lines of "slabs, part of the servers that have so many". */
void cluster_write_loads(const struct cluster *cluster, FILE *file)
{
	u32 most = cluster_balance(cluster).most;
	u32 *servers = need((size_t)most + 1, sizeof(*servers));

	for (u32 i = 0; i < cluster->nr; i++)
		servers[cluster->size[i] - cluster->free[i]]++;
	for (u32 i = 0; i <= most; i++)
		fprintf(file, "%u %.5f\n", i, (double)servers[i] / cluster->nr);
	free(servers);
}
