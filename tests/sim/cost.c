// SPDX-License-Identifier: GPL-2.0
/* What it costs to map a slab, and to find a page in it afterwards. */
#include <stdlib.h>
#include <time.h>

#include "leap/policy/slabmap.h"
#include "sim.h"

/* As many as 64 MiB has, and clusters of swap that are looked up at random. */
#define CHUNKS_PER_SLAB	32
#define CLUSTERS	(1U << 20)

/* Of so many runs the fastest counts. */
#define ROUNDS		5

/* Time on the processor: others have this machine, too. */
u64 now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec;
}

static double least(double a, double b)
{
	return a && a < b ? a : b;
}

/* ns for each slab: choose its servers. */
static double place_all(enum way way, u32 servers, u32 slabs, u32 replicas,
			u64 seed)
{
	u32 chosen[LEAP_REPLICAS_MAX], each = slabs / servers * replicas * 5 / 4 + 4;
	struct cluster cluster;
	u64 begin;

	cluster_init(&cluster, servers, way, seed);
	cluster_equip(&cluster, each, each);
	begin = now_ns();
	for (u32 i = 0; i < slabs; i++)
		cluster_place(&cluster, replicas, chosen);
	begin = now_ns() - begin;
	cluster_exit(&cluster);
	return (double)begin / slabs;
}

static double place_cost(enum way way, u32 servers, u32 slabs, u32 replicas,
			 u64 seed)
{
	double best = 0;

	for (u32 i = 0; i < ROUNDS; i++)
		best = least(best, place_all(way, servers, slabs, replicas, seed + i));
	return best;
}

/* ns for each slab: give it a number and enter it. */
static double enter_slabs(struct leap_slabmap *map, struct leap_slab_use *uses,
			  u32 slabs)
{
	u64 begin = now_ns();

	leap_slabmap_init(map, uses, slabs, CHUNKS_PER_SLAB);
	for (u32 i = 0; i < slabs; i++)
		leap_slabmap_add(map, (u32)leap_slabmap_vacant(map));
	return (double)(now_ns() - begin) / slabs;
}

/* ns for each page: where is it? */
static double look_up(const struct leap_slabmap *map,
		      const struct leap_cluster *clusters, u32 nr)
{
	struct leap_place place = { 0 };
	u64 begin = now_ns(), state = 1, sum = 0;

	for (u32 i = 0; i < nr; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		leap_slabmap_lookup(map, &clusters[(state >> 33) % CLUSTERS],
				    state >> 40, &place);
		sum += place.page;
	}
	/* So that the compiler cannot leave it all out. */
	return sum == 1 ? 0 : (double)(now_ns() - begin) / nr;
}

static void map_cost(u32 slabs)
{
	struct leap_slab_use *uses = need(slabs, sizeof(*uses));
	struct leap_cluster *clusters = need(CLUSTERS, sizeof(*clusters));
	struct leap_slabmap map;
	double enter = enter_slabs(&map, uses, slabs), find = 0;

	for (u32 i = 0; i < CLUSTERS; i++)
		leap_slabmap_get(&map, &clusters[i], 1);
	for (u32 i = 0; i < ROUNDS; i++)
		find = least(find, look_up(&map, clusters, 1000000));
	printf("\nentering one of %u slabs: %.0f ns; finding a page afterwards: %.1f ns\n",
	       slabs, enter, find);
	free(clusters);
	free(uses);
}

/* Prints the table and writes it to @data for the plot; 0 if that worked. */
int cost_table(u32 most_servers, u32 slabs, u64 seed, FILE *data)
{
	printf("ns to place a slab\n%8s %12s %12s %12s %12s %12s\n", "servers",
	       "round robin", "random", "two choices", "2 copies", "3 copies");
	for (u64 servers = 4; servers <= most_servers; servers *= 4) {
		double ns[] = {
			place_cost(ROUND_ROBIN, (u32)servers, slabs, 1, seed),
			place_cost(RANDOM, (u32)servers, slabs, 1, seed),
			place_cost(TWO_CHOICES, (u32)servers, slabs, 1, seed),
			place_cost(TWO_CHOICES, (u32)servers, slabs, 2, seed),
			place_cost(TWO_CHOICES, (u32)servers, slabs, 3, seed),
		};

		printf("%8u %12.1f %12.1f %12.1f %12.1f %12.1f\n", (u32)servers,
		       ns[0], ns[1], ns[2], ns[3], ns[4]);
		fprintf(data, "%u %f %f %f %f %f\n", (u32)servers, ns[0], ns[1],
			ns[2], ns[3], ns[4]);
	}
	map_cost(slabs);
	return ferror(data);
}
