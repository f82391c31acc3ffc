// SPDX-License-Identifier: GPL-2.0
/* Programs that are made up, one function for each pattern. */
#include "workload.h"

#include <err.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where in the address space it all begins: as in a real one, far from 0. */
#define BASE	0x7f1200000ULL

/**
 * struct maker - what a pattern is made with
 * @w: the result
 * @o: as asked for
 * @seed: of the random numbers, which are the same each time
 */
struct maker {
	struct workload *w;
	const struct pattern_options *o;
	unsigned short seed[3];
};

static uint64_t random_below(struct maker *m, uint64_t limit)
{
	return erand48(m->seed) * limit;
}

static void touch_by(struct maker *m, uint32_t thread, uint64_t page)
{
	const struct access access = {
		.page = BASE + page,
		.gap = m->o->gap,
		.thread = thread,
		.write = random_below(m, 100) < m->o->writes,
	};

	workload_add(m->w, &access);
}

static void touch(struct maker *m, uint64_t page)
{
	touch_by(m, 0, page);
}

/* As many accesses as a pattern has that visits each page once a pass. */
static uint64_t visits(const struct maker *m)
{
	return m->o->pages * m->o->passes;
}

static void sequential(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m); i++)
		touch(m, i % m->o->pages);
}

static void reverse(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m); i++)
		touch(m, m->o->pages - 1 - i % m->o->pages);
}

/* The @i-th page of a scan that comes to all of @pages in rounds of @stride. */
static uint64_t strided_page(uint64_t i, uint64_t pages, uint64_t stride)
{
	uint64_t first = 0, round;

	for (i %= pages; ; i -= round, first++) {
		round = (pages - first + stride - 1) / stride;
		if (i < round)
			return first + i * stride;
	}
}

static void stride10(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m); i++)
		touch(m, strided_page(i, m->o->pages, 10));
}

/* Streams take turns, each with a stride and a part of the memory of its own. */
static void interleave(struct maker *m, const uint64_t *strides, uint32_t nr,
		       bool threads)
{
	uint64_t part = m->o->pages / nr;

	for (uint64_t i = 0; i < visits(m) / nr; i++)
		for (uint32_t s = 0; s < nr; s++)
			touch_by(m, threads ? s : 0, s * part +
				 strided_page(i, part, strides[s]));
}

static void interleave2(struct maker *m)
{
	interleave(m, (const uint64_t[]){ 10, 3 }, 2, false);
}

static void interleave4(struct maker *m)
{
	interleave(m, (const uint64_t[]){ 1, 10, 7, 2 }, 4, false);
}

/* All have the same stride, and come to their ends together. */
static void equal4(struct maker *m)
{
	interleave(m, (const uint64_t[]){ 10, 10, 10, 10 }, 4, false);
}

/* As interleave4, with a thread for each stream; who is next is left to the times. */
static void threads4(struct maker *m)
{
	interleave(m, (const uint64_t[]){ 1, 10, 7, 2 }, 4, true);
}

/* More ways than one thread may have, each with a thread and a part of its own. */
static void threads16(struct maker *m)
{
	interleave(m, (const uint64_t[]){ 1, 10, 7, 2, 3, 1, 5, 1, 4, 1, 2, 6, 1, 8, 9, 1 },
		   16, true);
}

/* Four threads share one scan, each page is the next thread's. */
static void shared4(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m); i++)
		touch_by(m, i % 4, i % m->o->pages);
}

/* Four columns of matrices, that is strides of 300 pages and more. */
static void columns(struct maker *m)
{
	interleave(m, (const uint64_t[]){ 300, 301, 500, 512 }, 4, false);
}

static void at_random(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m); i++)
		touch(m, random_below(m, m->o->pages));
}

/* 0, 1, ... @nr - 1, shuffled. */
static uint64_t *shuffled(struct maker *m, uint64_t nr)
{
	uint64_t *list = calloc(nr, sizeof(*list));

	if (!list)
		err(1, "no memory for %llu pages", (unsigned long long)nr);
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t other = random_below(m, i + 1);

		list[i] = list[other];
		list[other] = i;
	}
	return list;
}

/* The page of rank r is touched 1 / r^0.99 times as often as the first. */
static void zipf(struct maker *m)
{
	uint64_t *pages = shuffled(m, m->o->pages);
	double *below = calloc(m->o->pages, sizeof(*below)), sum = 0;

	if (!below)
		err(1, "no memory for the ranks of pages");
	for (uint64_t rank = 0; rank < m->o->pages; rank++) {
		below[rank] = sum;
		sum += pow(rank + 1, -0.99);
	}
	for (uint64_t i = 0; i < visits(m); i++) {
		double pick = erand48(m->seed) * sum;
		uint64_t low = 0, high = m->o->pages;

		while (high - low > 1) {
			uint64_t mid = (low + high) / 2;

			if (below[mid] <= pick)
				low = mid;
			else
				high = mid;
		}
		touch(m, pages[low]);
	}
	free(below);
	free(pages);
}

/* A scan with one access in five to anywhere else. */
static void noisy(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m); i++) {
		touch(m, i % m->o->pages);
		if (i % 4 == 3)
			touch(m, random_below(m, m->o->pages));
	}
}

/* Objects of @length pages, read from end to end in any order. */
static void objects(struct maker *m, uint32_t length)
{
	for (uint64_t i = 0; i < visits(m) / length; i++) {
		uint64_t first = random_below(m, m->o->pages / length) * length;

		for (uint32_t j = 0; j < length; j++)
			touch(m, first + j);
	}
}

static void objects4(struct maker *m)
{
	objects(m, 4);
}

static void objects16(struct maker *m)
{
	objects(m, 16);
}

static void objects64(struct maker *m)
{
	objects(m, 64);
}

/*
 * Five pages each, at any place and stride: by the time that one is known for a
 * stream, it has ended.
 */
static void decoys(struct maker *m)
{
	for (uint64_t i = 0; i < visits(m) / 5; i++) {
		uint64_t stride = 1 + random_below(m, 12);
		uint64_t first = random_below(m, m->o->pages - 5 * stride);

		for (uint32_t j = 0; j < 5; j++)
			touch(m, first + j * stride);
	}
}

static const struct {
	const char *name;
	void (*make)(struct maker *m);
} patterns[] = {
	{ "sequential", sequential },
	{ "stride10", stride10 },
	{ "reverse", reverse },
	{ "interleave2", interleave2 },
	{ "interleave4", interleave4 },
	{ "equal4", equal4 },
	{ "threads4", threads4 },
	{ "threads16", threads16 },
	{ "shared4", shared4 },
	{ "columns", columns },
	{ "noisy", noisy },
	{ "objects4", objects4 },
	{ "objects16", objects16 },
	{ "objects64", objects64 },
	{ "decoys", decoys },
	{ "random", at_random },
	{ "zipf", zipf },
};

/**
 * pattern_name - which patterns there are
 * @index: from 0
 *
 * Return: its name, or NULL if there are no more.
 */
const char *pattern_name(size_t index)
{
	if (index >= sizeof(patterns) / sizeof(*patterns))
		return NULL;
	return patterns[index].name;
}

/**
 * pattern_make - a program that goes through its memory in a known way
 * @name: of the pattern
 * @options: its size and speed
 * @w: the result, for workload_free()
 *
 * Return: false if there is no such pattern.
 */
bool pattern_make(const char *name, const struct pattern_options *options,
		  struct workload *w)
{
	struct maker m = { .w = w, .o = options, .seed = { 1, 2, 3 } };

	for (size_t i = 0; pattern_name(i); i++) {
		if (strcmp(name, patterns[i].name))
			continue;
		*w = (struct workload){
			.name = strdup(name),
			.local = options->pages * options->local / 100,
			.paged_out = options->paged_out,
		};
		patterns[i].make(&m);
		return true;
	}
	return false;
}
