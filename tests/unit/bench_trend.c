// SPDX-License-Identifier: GPL-2.0
/*
 * How long does a fault keep its process's lock? Prints ns for each pattern: for
 * the history alone (one fault logged, the trend looked for) and for the whole
 * policy. The best of many rounds counts, so that other work on the machine is
 * not measured.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "leap/policy/prefetch.h"

#define FAULTS	4096
#define ROUNDS	500

static u64 faults[FAULTS];
static u64 sink;

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static u64 hash(u64 i)
{
	i *= 0x9e3779b97f4a7c15ULL;
	return i ^ i >> 29;
}

static u64 sequential(u64 i)
{
	return 1000 + i;
}

static u64 noisy(u64 i)
{
	return i % 3 ? 1000 + i : hash(i) % 64 + i;
}

static u64 four_streams(u64 i)
{
	return (i % 4 << 24) + (i / 4) * (3 + i % 4);
}

static u64 at_random(u64 i)
{
	return hash(i) >> 20;
}

static u64 at_random_near(u64 i)
{
	return hash(i) % 300;
}

static void log_and_find(void)
{
	struct leap_trend trend;

	leap_trend_init(&trend, 32, LEAP_TREND_SPLIT);
	for (u32 i = 0; i < FAULTS; i++) {
		leap_trend_log(&trend, faults[i]);
		sink += leap_trend_find(&trend);
	}
}

/* Whatever was asked for is there when it is needed, nothing else is. */
static void whole_policy(void)
{
	static struct leap_prefetcher p;
	u64 pages[LEAP_WINDOW_MAX];

	leap_prefetch_init(&p, &leap_prefetch_defaults);
	for (u32 i = 0; i < FAULTS; i++)
		sink += leap_prefetch_fault(&p, faults[i], i < 16 ?
					    LEAP_FAULT_MISS : LEAP_FAULT_HIT,
					    pages);
}

static double best_of(void (*run)(void))
{
	u64 best = UINT64_MAX;

	for (u32 i = 0; i < ROUNDS; i++) {
		u64 begin = now(), time;

		run();
		time = now() - begin;
		if (time < best)
			best = time;
	}
	return (double)best / FAULTS;
}

int main(void)
{
	static const struct {
		const char *name;
		u64 (*page)(u64 i);
	} patterns[] = {
		{ "sequential", sequential },
		{ "noisy", noisy },
		{ "four streams", four_streams },
		{ "random", at_random },
		{ "random, near", at_random_near },
	};

	printf("%-16s %12s %12s\n", "ns per fault", "history", "policy");
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		for (u32 j = 0; j < FAULTS; j++)
			faults[j] = patterns[i].page(j);
		printf("%-16s %12.1f %12.1f\n", patterns[i].name,
		       best_of(log_and_find), best_of(whole_policy));
	}
	return sink == 1;
}
