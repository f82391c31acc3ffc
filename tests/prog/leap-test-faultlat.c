// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-faultlat MIB PATTERN: how long does a read of a swapped page take?
 *
 * Fills MIB of anonymous memory, then reads one word of a page as often as there
 * are pages, in the order that the pattern says, and prints how the times of
 * these reads are distributed. It knows nothing of Leap, so the same numbers come
 * out for every swap device. Run it under a memory limit below MIB; without one
 * the pages never leave and it measures plain reads, unless --paged-out sends them off.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGES_PER_MIB	(1UL << (20 - PAGE_SHIFT))

/* Words written to each page: one in every 512 bytes, so that none is zero. */
#define WORDS		(PAGE_SIZE / sizeof(uint64_t))
#define WORD_STEP	64

#define MIB_MAX		(1L << 20)
#define STREAMS_MAX	64
#define SEED		88172645463325252ULL

struct scan;

struct options {
	long mib;
	const char *pattern;	/* as it was given */
	int (*read_all)(struct scan *s);
	long stride;		/* pages, for the patterns that go in steps */
	long streams;
	long compute_us;
	long mark_us;		/* 0: mark nothing */
	const char *json;
	const char *latencies;
	bool paged_out;
	bool hold;
};

struct scan {
	char *base;
	size_t pages;
	size_t stride;
	size_t streams;
	uint64_t compute_ns;
	uint64_t mark_ns;
	int marker;
	uint64_t *ns;		/* of each read, in the order of the reads */
	size_t count;
	size_t wrong;
	uint64_t total_ns;
	uint64_t swapped_in;	/* pages, while it read */
	uint64_t swapped_out;
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

/* One number of /proc/vmstat, 0 if it is not there. */
static uint64_t vmstat(const char *key)
{
	FILE *from = fopen("/proc/vmstat", "r");
	uint64_t value = 0, number;
	char name[64];

	if (!from)
		return 0;
	while (fscanf(from, "%63s %" SCNu64, name, &number) == 2)
		if (!strcmp(name, key))
			value = number;
	fclose(from);
	return value;
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
static void compute(uint64_t ns)
{
	uint64_t end = now() + ns;

	while (now() < end)
		;
}

/* Who reads the kernel's trace sees there when the last read was over. */
static void mark(const struct scan *s, uint64_t ns)
{
	if (s->mark_ns && ns >= s->mark_ns)
		dprintf(s->marker, "read took %" PRIu64 " ns\n", ns);
}

static void read_page(struct scan *s, size_t page)
{
	uint64_t start, value;

	if (s->compute_ns)
		compute(s->compute_ns);
	start = now();
	value = *(volatile uint64_t *)page_at(s, page);
	s->ns[s->count] = now() - start;
	mark(s, s->ns[s->count++]);
	s->wrong += value != word_of(page);
}

/*
 * Streams that take turns, each over its own part of the memory: in steps of
 * the stride, and once more from the next page, until each page was read.
 */
static int read_steps(struct scan *s)
{
	size_t part = s->pages / s->streams;

	for (size_t first = 0; first < s->stride; first++)
		for (size_t page = first; page < part; page += s->stride)
			for (size_t i = 0; i < s->streams; i++)
				read_page(s, i * part + page);
	return 0;
}

static int read_reverse(struct scan *s)
{
	for (size_t page = s->pages; page > 0; page--)
		read_page(s, page - 1);
	return 0;
}

/* The same numbers in every run (xorshift). */
static uint64_t next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* With replacement: some pages are read twice, some never. */
static int read_random(struct scan *s)
{
	uint64_t random = SEED;

	for (size_t i = 0; i < s->pages; i++)
		read_page(s, next_random(&random) % s->pages);
	return 0;
}

/*
 * Fills @order with the pages in no order, and @sum[rank] with how probable it
 * is that a page of that or a better rank is read, but for a factor.
 */
static void zipf_ranks(size_t pages, uint32_t *order, double *sum, uint64_t *random)
{
	double so_far = 0;

	for (size_t rank = 0; rank < pages; rank++) {
		size_t other = next_random(random) % (rank + 1);

		order[rank] = order[other];
		order[other] = rank;
		so_far += 1.0 / (rank + 1);
		sum[rank] = so_far;
	}
}

/* The first rank whose sum is above @value. */
static size_t zipf_rank(const double *sum, size_t pages, double value)
{
	size_t low = 0, high = pages - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (sum[middle] > value)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* Zipf's law with s = 1: the page of rank r is read 1/r times as often as the first. */
static int read_zipf(struct scan *s)
{
	uint32_t *order = calloc(s->pages, sizeof(*order));
	double *sum = calloc(s->pages, sizeof(*sum));
	uint64_t random = SEED;
	int ret = -1;

	if (!order || !sum)
		goto out;
	zipf_ranks(s->pages, order, sum, &random);
	for (size_t i = 0; i < s->pages; i++) {
		double part = (next_random(&random) >> 11) * 0x1p-53;

		read_page(s, order[zipf_rank(sum, s->pages, part * sum[s->pages - 1])]);
	}
	ret = 0;
out:
	free(order);
	free(sum);
	return ret;
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
	json_t *all = json_pack("{s:I, s:s, s:I, s:I, s:I, s:f, s:I, s:I}",
				"mib", (json_int_t)o->mib,
				"pattern", o->pattern,
				"compute_us", (json_int_t)o->compute_us,
				"pages", (json_int_t)s->count,
				"wrong", (json_int_t)s->wrong,
				"total_ms", s->total_ns / 1e6,
				"swapped_in", (json_int_t)s->swapped_in,
				"swapped_out", (json_int_t)s->swapped_out);
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
	printf("pattern=%s pages=%zu wrong=%zu total_ms=%" PRIu64 " p50=%" PRIu64
	       " p90=%" PRIu64 " p99=%" PRIu64 " p99.9=%" PRIu64 " max=%" PRIu64 " ns\n",
	       o->pattern, s->count, s->wrong, s->total_ns / 1000000, results[0].ns,
	       results[1].ns, results[2].ns, results[3].ns, results[4].ns);
	if (o->json && write_json(o, s, results)) {
		fprintf(stderr, "cannot write %s: %s\n", o->json, strerror(errno));
		return 2;
	}
	return s->wrong ? 1 : 0;
}

/* Until a byte or the end of the standard input: somebody looks at the process. */
static void hold(void)
{
	char byte;

	fflush(stdout);
	if (read(STDIN_FILENO, &byte, 1) < 0)
		perror("cannot read the standard input");
}

static int scan(const struct options *o, struct scan *s)
{
	uint64_t start;
	int code;

	fill(s);
	if (o->paged_out && madvise(s->base, s->pages << PAGE_SHIFT, MADV_PAGEOUT)) {
		perror("cannot page the memory out");
		return 2;
	}
	s->swapped_in = vmstat("pswpin");
	s->swapped_out = vmstat("pswpout");
	start = now();
	if (o->read_all(s)) {
		fprintf(stderr, "no memory for the pattern: %s\n", strerror(errno));
		return 2;
	}
	s->total_ns = now() - start;
	s->swapped_in = vmstat("pswpin") - s->swapped_in;
	s->swapped_out = vmstat("pswpout") - s->swapped_out;
	code = report(o, s);
	if (o->hold)
		hold();
	return code;
}

static int measure(const struct options *o)
{
	struct scan s = {
		.pages = o->mib * PAGES_PER_MIB,
		.stride = o->stride,
		.streams = o->streams,
		.compute_ns = o->compute_us * 1000UL,
		.mark_ns = o->mark_us * 1000UL,
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
	if (s.mark_ns) {
		s.marker = open("/sys/kernel/tracing/trace_marker", O_WRONLY | O_CLOEXEC);
		if (s.marker < 0) {
			fprintf(stderr, "cannot write to the kernel's trace: %s\n", strerror(errno));
			return 2;
		}
	}
	/* One fault for each page, whatever the machine's THP setting is. */
	madvise(s.base, bytes, MADV_NOHUGEPAGE);
	code = scan(o, &s);
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

/* STRIDE or STREAMSxSTRIDE, where a stride alone may be 0 or -1. */
static bool parse_steps(const char *text, struct options *o)
{
	const char *x = strchr(text, 'x');
	char streams[8] = "1";

	/* A longer number is too large even if it is cut off. */
	if (x)
		snprintf(streams, sizeof(streams), "%.*s", (int)(x - text), text);
	if (!number(streams, 1, STREAMS_MAX, &o->streams) ||
	    !number(x ? x + 1 : text, x ? 1 : -1, MIB_MAX * PAGES_PER_MIB, &o->stride))
		return false;
	o->read_all = o->stride > 0 ? read_steps : o->stride ? read_reverse : read_random;
	return true;
}

static bool parse_pattern(const char *text, struct options *o)
{
	static const struct {
		const char *name;
		int (*read_all)(struct scan *s);
	} named[] = {
		{ "reverse", read_reverse }, { "random", read_random }, { "zipf", read_zipf },
	};

	o->pattern = text;
	for (size_t i = 0; i < sizeof(named) / sizeof(*named); i++) {
		if (strcmp(text, named[i].name))
			continue;
		o->read_all = named[i].read_all;
		return true;
	}
	return parse_steps(text, o);
}

static int usage(FILE *to)
{
	fputs("usage: leap-test-faultlat [OPTIONS] MIB PATTERN\n"
	      "  PATTERN           the order of the reads:\n"
	      "    STRIDE          so many pages between two; 0 is random, -1 reverse\n"
	      "    NxSTRIDE        N such streams that take turns\n"
	      "    reverse         from the last page to the first\n"
	      "    random          each page is as probable as the others\n"
	      "    zipf            few pages are read often, most seldom (s = 1)\n"
	      "  --compute-us N    be busy for N us before each read (not in the latency)\n"
	      "  --json FILE       write the numbers there, too\n"
	      "  --latencies FILE  write the ns of each read there, in the order of the reads\n"
	      "  --mark-us N       note each read of N us or more in the kernel's trace\n"
	      "  --paged-out       ask the kernel to swap all of the memory out before\n"
	      "  --hold            end only when the standard input has a byte or ends\n"
	      "Exit status: 0, 1 if a word was wrong, 2 if it could not be measured.\n", to);
	return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "compute-us", required_argument, NULL, 'c' },
		{ "json", required_argument, NULL, 'j' },
		{ "latencies", required_argument, NULL, 'l' },
		{ "mark-us", required_argument, NULL, 'm' },
		{ "paged-out", no_argument, NULL, 'p' },
		{ "hold", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' }, {}
	};
	struct options o = { .streams = 1 };
	int opt;

	/* "+": else the stride -1 would be taken for an option. */
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == 'c' && number(optarg, 0, 1000000, &o.compute_us))
			continue;
		else if (opt == 'm' && number(optarg, 1, 1000000, &o.mark_us))
			continue;
		else if (opt == 'j')
			o.json = optarg;
		else if (opt == 'l')
			o.latencies = optarg;
		else if (opt == 'p')
			o.paged_out = true;
		else if (opt == 'o')
			o.hold = true;
		else
			return usage(opt == 'h' ? stdout : stderr);
	}
	if (argc - optind != 2 || !number(argv[optind], 1, MIB_MAX, &o.mib) ||
	    !parse_pattern(argv[optind + 1], &o))
		return usage(stderr);
	return measure(&o);
}
