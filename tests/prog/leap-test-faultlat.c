// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-faultlat MIB STRIDE: how long does a read of a swapped page take?
 *
 * Fills MIB of anonymous memory, then reads one word of each page, STRIDE pages
 * apart, and prints how the times of these reads are distributed. It knows
 * nothing of Leap, so the same numbers come out for every swap device. Run it
 * under a memory limit below MIB; without one the pages never leave and it
 * measures plain reads.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGES_PER_MIB	(1UL << (20 - PAGE_SHIFT))

/* Words written to each page: one in every 512 bytes, so that none is zero. */
#define WORDS		(PAGE_SIZE / sizeof(uint64_t))
#define WORD_STEP	64

#define MIB_MAX		(1L << 20)

struct options {
	long mib;
	long stride;		/* pages; 0 at random, -1 backwards */
	long think_us;
	const char *json;
	const char *latencies;
};

struct scan {
	char *base;
	size_t pages;
	uint64_t think_ns;
	uint64_t *ns;		/* of each read, in the order of the reads */
	size_t count;
	size_t wrong;
	uint64_t total_ns;
};

struct result {
	const char *key;
	uint64_t ns;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Never zero, and different for each page. */
static uint64_t word_of(size_t page)
{
	return page * 2654435761U + 1;
}

static uint64_t *page_at(const struct scan *s, size_t page)
{
	return (uint64_t *)(s->base + (page << PAGE_SHIFT));
}

static void fill(struct scan *s)
{
	for (size_t page = 0; page < s->pages; page++)
		for (size_t i = 0; i < WORDS; i += WORD_STEP)
			page_at(s, page)[i] = word_of(page) + i;
}

/* What a program does between two reads: the processor is busy, no sleep. */
static void think(uint64_t ns)
{
	uint64_t end = now() + ns;

	while (now() < end)
		;
}

static void read_page(struct scan *s, size_t page)
{
	uint64_t start, value;

	if (s->think_ns)
		think(s->think_ns);
	start = now();
	value = *(volatile uint64_t *)page_at(s, page);
	s->ns[s->count++] = now() - start;
	s->wrong += value != word_of(page);
}

static void read_all(struct scan *s, long stride)
{
	uint64_t random = 88172645463325252ULL, start = now();

	if (stride > 0) {
		for (size_t first = 0; first < (size_t)stride; first++)
			for (size_t page = first; page < s->pages; page += stride)
				read_page(s, page);
	} else if (stride < 0) {
		for (size_t page = s->pages; page > 0; page--)
			read_page(s, page - 1);
	} else {
		/* With replacement: some pages are read twice, some never. */
		for (size_t i = 0; i < s->pages; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			read_page(s, random % s->pages);
		}
	}
	s->total_ns = now() - start;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int write_latencies(const struct scan *s, const char *name)
{
	FILE *to = fopen(name, "w");

	if (!to)
		return -1;
	for (size_t i = 0; i < s->count; i++)
		fprintf(to, "%" PRIu64 "\n", s->ns[i]);
	return fclose(to);
}

static int write_json(const struct options *o, const struct scan *s,
		      const struct result *results)
{
	json_t *all = json_pack("{s:I, s:I, s:I, s:I, s:I, s:f}",
				"mib", (json_int_t)o->mib,
				"stride", (json_int_t)o->stride,
				"think_us", (json_int_t)o->think_us,
				"pages", (json_int_t)s->count,
				"wrong", (json_int_t)s->wrong,
				"total_ms", s->total_ns / 1e6);
	int ret;

	for (; results->key; results++)
		json_object_set_new(all, results->key, json_integer(results->ns));
	ret = json_dump_file(all, o->json, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	json_decref(all);
	return ret;
}

static int report(const struct options *o, struct scan *s)
{
	struct result results[6] = {};

	if (o->latencies && write_latencies(s, o->latencies)) {
		fprintf(stderr, "cannot write %s: %s\n", o->latencies, strerror(errno));
		return 2;
	}
	qsort(s->ns, s->count, sizeof(*s->ns), by_value);
	results[0] = (struct result){ "p50_ns", s->ns[s->count / 2] };
	results[1] = (struct result){ "p90_ns", s->ns[s->count * 9 / 10] };
	results[2] = (struct result){ "p99_ns", s->ns[s->count * 99 / 100] };
	results[3] = (struct result){ "p999_ns", s->ns[s->count * 999 / 1000] };
	results[4] = (struct result){ "max_ns", s->ns[s->count - 1] };
	printf("stride=%ld pages=%zu wrong=%zu total_ms=%" PRIu64 " p50=%" PRIu64
	       " p90=%" PRIu64 " p99=%" PRIu64 " p99.9=%" PRIu64 " max=%" PRIu64 " ns\n",
	       o->stride, s->count, s->wrong, s->total_ns / 1000000, results[0].ns,
	       results[1].ns, results[2].ns, results[3].ns, results[4].ns);
	if (o->json && write_json(o, s, results)) {
		fprintf(stderr, "cannot write %s: %s\n", o->json, strerror(errno));
		return 2;
	}
	return s->wrong ? 1 : 0;
}

static int measure(const struct options *o)
{
	struct scan s = {
		.pages = o->mib * PAGES_PER_MIB,
		.think_ns = o->think_us * 1000UL,
	};
	size_t bytes = s.pages << PAGE_SHIFT;
	int code;

	s.base = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	s.ns = calloc(s.pages, sizeof(*s.ns));
	if (s.base == MAP_FAILED || !s.ns) {
		fprintf(stderr, "cannot get %ld MiB: %s\n", o->mib, strerror(errno));
		return 2;
	}
	/* One fault for each page, whatever the machine's THP setting is. */
	madvise(s.base, bytes, MADV_NOHUGEPAGE);
	fill(&s);
	read_all(&s, o->stride);
	code = report(o, &s);
	free(s.ns);
	munmap(s.base, bytes);
	return code;
}

static bool number(const char *text, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 10);
	if (!errno && end != text && !*end && *out >= min && *out <= max)
		return true;
	fprintf(stderr, "not a number from %ld to %ld: '%s'\n", min, max, text);
	return false;
}

static int usage(FILE *to)
{
	fputs("usage: leap-test-faultlat [--think-us N] [--json FILE] [--latencies FILE] MIB STRIDE\n"
	      "  STRIDE            pages between two reads; 0 random, -1 backwards\n"
	      "  --think-us N      be busy for N us before each read (not in the latency)\n"
	      "  --json FILE       write the numbers there, too\n"
	      "  --latencies FILE  write the ns of each read there, in the order of the reads\n"
	      "Exit status: 0, 1 if a word was wrong, 2 if it could not be measured.\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "think-us", required_argument, NULL, 't' },
		{ "json", required_argument, NULL, 'j' },
		{ "latencies", required_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' }, {}
	};
	struct options o = {};
	int opt;

	/* "+": else the stride -1 would be taken for an option. */
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == 't' && number(optarg, 0, 1000000, &o.think_us))
			continue;
		else if (opt == 'j')
			o.json = optarg;
		else if (opt == 'l')
			o.latencies = optarg;
		else
			return usage(opt == 'h' ? stdout : stderr);
	}
	if (argc - optind != 2 || !number(argv[optind], 1, MIB_MAX, &o.mib) ||
	    !number(argv[optind + 1], -1, MIB_MAX * PAGES_PER_MIB, &o.stride))
		return usage(stderr);
	return measure(&o);
}
