// SPDX-License-Identifier: GPL-2.0
/* leap-sim-place: options, and the table of balances. */
#include <argp.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "sim.h"

/* With outdated knowledge: slabs that all clients place before they hear. */
#define HEARING		10000

static struct {
	u32 servers;
	u32 slabs;
	u64 seed;
	const char *folder;
} options = { 10000, 1000000, 1, "." };

static const struct argp_option table[] = {
	{ "servers", 's', "N", 0, "Servers (default: 10000)", 0 },
	{ "slabs", 'n', "N", 0, "Slabs (default: 1000000)", 0 },
	{ "seed", 'r', "N", 0, "For the random numbers (default: 1)", 0 },
	{ "data", 'd', "FOLDER", 0, "Where the plot's data goes (default: .)", 0 },
	{ 0 }
};

/* @least to @most, or the end. */
static u64 parse_number(const char *arg, u64 least, u64 most,
			struct argp_state *state)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(arg, &end, 10);
	if (errno || *end || end == arg || *arg == '-' || number < least ||
	    number > most)
		argp_error(state, "%s is not a number from %llu to %llu", arg,
			   (unsigned long long)least, (unsigned long long)most);
	return number;
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 's':
		options.servers = (u32)parse_number(arg, 3, 1000000, state);
		break;
	case 'n':
		options.slabs = (u32)parse_number(arg, 1, 100000000, state);
		break;
	case 'r':
		options.seed = parse_number(arg, 0, UINT64_MAX, state);
		break;
	case 'd':
		options.folder = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static FILE *open_data(const char *name)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", options.folder, name);
	file = fopen(path, "w");
	if (!file) {
		perror(path);
		exit(1);
	}
	return file;
}

/**
 * struct scene - what is tried
 * @name: for the table
 * @file: for the plot, or NULL
 * @replicas: copies of each slab
 * @spread: servers have this many percent more or less than the mean
 * @churn: of each slab placed, another one is returned and placed anew
 * @hearing: &cluster.hearing
 */
struct scene {
	const char *name;
	const char *file;
	u32 replicas;
	u32 spread;
	bool churn;
	u32 hearing;
};

static const struct scene scenes[] = {
	{ "equal servers", "equal", 1, 0, false, 1 },
	{ "  2 copies", NULL, 2, 0, false, 1 },
	{ "  3 copies", NULL, 3, 0, false, 1 },
	{ "  slabs come and go", "churn", 1, 0, true, 1 },
	{ "  outdated knowledge", "stale", 1, 0, false, HEARING },
	{ "uneven servers", "uneven", 1, 75, false, 1 },
};

/* Slabs that each server has: a third more than will be needed. */
static void equip(struct cluster *cluster, const struct scene *scene)
{
	u32 each = (u32)((u64)options.slabs * scene->replicas * 4 / 3 / options.servers) + 4;
	u32 more = (u32)((u64)each * scene->spread / 100);

	cluster_equip(cluster, each - more, each + more);
}

static void place_all(struct cluster *cluster, const struct scene *scene)
{
	u32 (*homes)[LEAP_REPLICAS_MAX] = need(options.slabs, sizeof(*homes));
	u64 state = options.seed;

	for (u32 i = 0; i < options.slabs; i++)
		cluster_place(cluster, scene->replicas, homes[i]);
	for (u32 i = 0; scene->churn && i < options.slabs; i++) {
		u32 *home;

		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		home = homes[(state >> 33) % options.slabs];
		cluster_return(cluster, home[0]);
		cluster_place(cluster, 1, home);
	}
	free(homes);
}

static void write_loads(const struct cluster *cluster, const struct scene *scene)
{
	char name[64];
	FILE *file;

	if (!scene->file)
		return;
	snprintf(name, sizeof(name), "%s.%d.loads", scene->file, (int)cluster->way);
	file = open_data(name);
	cluster_write_loads(cluster, file);
	fclose(file);
}

static void run(const struct scene *scene, enum way way)
{
	struct cluster cluster;
	struct balance b;

	cluster_init(&cluster, options.servers, way, options.seed);
	equip(&cluster, scene);
	cluster.hearing = scene->hearing;
	place_all(&cluster, scene);
	b = cluster_balance(&cluster);
	printf("%-22s %-14s %9.1f %6u %9.3f %10.2f %6u\n", scene->name,
	       way_names[way], b.mean, b.most, b.most / b.mean, b.deviation, b.full);
	write_loads(&cluster, scene);
	cluster_exit(&cluster);
}

/* Looking at all servers for each slab takes too long where it is no news. */
static bool skipped(const struct scene *scene, enum way way)
{
	return way == EMPTIEST && scene->hearing == 1;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse_one,
		.doc = "How evenly slabs are placed on servers, and at what cost.",
	};
	FILE *data;
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	printf("%u slabs on %u servers, seed %llu\n\n%-22s %-14s %9s %6s %9s %10s %6s\n",
	       options.slabs, options.servers, (unsigned long long)options.seed,
	       "", "", "mean", "most", "most/mean", "deviation", "full");
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		for (enum way way = 0; way < WAYS; way++)
			if (!skipped(&scenes[i], way))
				run(&scenes[i], way);
	puts("");
	data = open_data("cost");
	err = cost_table(1 << 16, options.slabs, options.seed, data);
	return fclose(data) || err;
}
