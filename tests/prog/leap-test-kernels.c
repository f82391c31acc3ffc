// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-kernels: three programs of numerical work, as a prefetcher meets them.
 *
 *	matmul SIZE_MIB [ROWS]		C = A * B in tiles: B, which has nearly all of the
 *					memory, is walked down in steps of 3 pages, three
 *					times for each of A's rows
 *	pagerank SIZE_MIB [ROUNDS]	of a random graph in which few are linked to by
 *					many: edges in order, ranks at random
 *	stream SIZE_MIB [ROUNDS]	STREAM's copy, scale, add and triad: two or three
 *					arrays side by side
 *
 * Prints one line with a checksum, which depends on the arguments alone. Exit
 * status: 0; 1 the result is wrong, or no memory; 2 the command line is.
 */
#include <err.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t seed = 1;

/* xorshift64*: the same numbers on every machine. */
static uint64_t next_random(void)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return seed * 0x2545f4914f6cdd1dULL;
}

/* Pages of its own, without huge ones, which would hide faults. */
static void *get_memory(size_t nr, size_t size)
{
	void *memory = mmap(NULL, nr * size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		err(1, "no memory for %zu bytes", nr * size);
	madvise(memory, nr * size, MADV_NOHUGEPAGE);
	return memory;
}

/* FNV-1a over whole words. */
static uint64_t checksum(const double *values, size_t nr)
{
	uint64_t sum = 0xcbf29ce484222325ULL, bits;

	for (size_t i = 0; i < nr; i++) {
		memcpy(&bits, &values[i], sizeof(bits));
		sum = (sum ^ bits) * 0x100000001b3ULL;
	}
	return sum;
}

/* Small integers, so that all sums are exact. */
static void fill(double *values, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		values[i] = next_random() >> 60;
}

/* Three pages of doubles. */
#define COLUMNS	1536
/* One page of them: what of a row is read at a time. */
#define TILE	512

/* Is C * x what A * (B * x) is, for an x of zeros and ones? */
static bool product_right(const double *a, const double *b, const double *c,
			  size_t rows, size_t depth)
{
	double *bx = calloc(depth, sizeof(*bx)), left, right;
	bool good = true;

	if (!bx)
		err(1, "no memory for the check");
	for (size_t k = 0; k < depth; k++)
		for (size_t j = 0; j < COLUMNS; j += 1 + j % 3)
			bx[k] += b[k * COLUMNS + j];
	for (size_t i = 0; i < rows; i++) {
		left = right = 0;
		for (size_t j = 0; j < COLUMNS; j += 1 + j % 3)
			left += c[i * COLUMNS + j];
		for (size_t k = 0; k < depth; k++)
			right += a[i * depth + k] * bx[k];
		good = good && left == right;
	}
	free(bx);
	return good;
}

/* c += a * b, for a page of a row. */
static void add_part(double *c, double a, const double *b)
{
	for (size_t j = 0; j < TILE; j++)
		c[j] += a * b[j];
}

static bool matmul(size_t bytes, size_t rows, uint64_t *sum)
{
	const size_t depth = bytes / sizeof(double) / COLUMNS;
	double *a = get_memory(rows * depth, sizeof(*a));
	double *b = get_memory(depth * COLUMNS, sizeof(*b));
	double *c = get_memory(rows * COLUMNS, sizeof(*c));

	fill(a, rows * depth);
	fill(b, depth * COLUMNS);
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < COLUMNS; j += TILE)
			for (size_t k = 0; k < depth; k++)
				add_part(&c[i * COLUMNS + j], a[i * depth + k], &b[k * COLUMNS + j]);
	*sum = checksum(c, rows * COLUMNS);
	return product_right(a, b, c, rows, depth);
}

/* Links per node, on average. */
#define DEGREE	8
#define DAMPING	0.85

/**
 * struct graph - by who is linked to
 * @nr: nodes
 * @first: for each node and one more, its first link in @from
 * @from: nodes that link
 * @out: for each node, how many it links to
 * @rank: of each node
 * @share: what each node gives to each one that it links to
 */
struct graph {
	uint32_t nr;
	uint32_t *first;
	uint32_t *from;
	uint32_t *out;
	double *rank;
	double *share;
};

static void make_graph(struct graph *g, size_t bytes)
{
	const size_t node = 2 * sizeof(*g->first) + DEGREE * sizeof(*g->from) +
			    2 * sizeof(*g->rank);
	uint32_t links = 0;

	g->nr = bytes / node;
	g->first = get_memory(g->nr + 1, sizeof(*g->first));
	g->from = get_memory((size_t)g->nr * DEGREE, sizeof(*g->from));
	g->out = get_memory(g->nr, sizeof(*g->out));
	g->rank = get_memory(g->nr, sizeof(*g->rank));
	g->share = get_memory(g->nr, sizeof(*g->share));
	for (uint32_t i = 0; i < g->nr; i++) {
		g->first[i] = links;
		g->rank[i] = 1.0 / g->nr;
		for (uint64_t n = next_random() % (2 * DEGREE + 1);
		     n && links < g->nr * DEGREE; n--) {
			double r = (next_random() >> 11) * 0x1p-53;

			g->from[links] = r * r * r * g->nr;
			g->out[g->from[links++]]++;
		}
	}
	g->first[g->nr] = links;
}

static void rank_once(struct graph *g)
{
	double lost = 0, base;

	for (uint32_t i = 0; i < g->nr; i++) {
		if (!g->out[i])
			lost += g->rank[i];
		g->share[i] = g->out[i] ? g->rank[i] / g->out[i] : 0;
	}
	base = (1 - DAMPING + DAMPING * lost) / g->nr;
	for (uint32_t i = 0; i < g->nr; i++) {
		double got = 0;

		for (uint32_t k = g->first[i]; k < g->first[i + 1]; k++)
			got += g->share[g->from[k]];
		g->rank[i] = base + DAMPING * got;
	}
}

static bool pagerank(size_t bytes, size_t rounds, uint64_t *sum)
{
	struct graph g;
	double all = 0;

	make_graph(&g, bytes);
	while (rounds--)
		rank_once(&g);
	for (uint32_t i = 0; i < g.nr; i++)
		all += g.rank[i];
	*sum = checksum(g.rank, g.nr);
	return fabs(all - 1) < 1e-9;
}

/* Keeps the numbers small however many rounds there are: a = 0.2 a + 0.2 a + ... */
#define SCALAR	0.25

static bool all_are(const double *values, size_t nr, double value)
{
	for (size_t i = 0; i < nr; i++)
		if (values[i] != value)
			return false;
	return true;
}

static bool stream(size_t bytes, size_t rounds, uint64_t *sum)
{
	const size_t nr = bytes / sizeof(double) / 3;
	double *a = get_memory(nr, sizeof(*a));
	double *b = get_memory(nr, sizeof(*b));
	double *c = get_memory(nr, sizeof(*c));
	double want = 1;
	size_t i;

	for (i = 0; i < nr; i++) {
		a[i] = 1;
		b[i] = 2;
		c[i] = 0;
	}
	for (; rounds; rounds--) {
		for (i = 0; i < nr; i++)
			c[i] = a[i];
		for (i = 0; i < nr; i++)
			b[i] = SCALAR * c[i];
		for (i = 0; i < nr; i++)
			c[i] = a[i] + b[i];
		for (i = 0; i < nr; i++)
			a[i] = b[i] + SCALAR * c[i];
		want = SCALAR * want + SCALAR * (want + SCALAR * want);
	}
	*sum = checksum(a, nr);
	return all_are(a, nr, want);
}

static const struct kernel {
	const char *name;
	size_t rounds;		/* by default */
	bool (*run)(size_t bytes, size_t rounds, uint64_t *sum);
} kernels[] = {
	{ "matmul", 8, matmul },
	{ "pagerank", 20, pagerank },
	{ "stream", 10, stream },
	{}
};

/* Return: 0 if it is not from 1 to @max. */
static size_t number(const char *text, size_t max)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	return *text == '-' || end == text || *end || value > max ? 0 : value;
}

int main(int argc, char **argv)
{
	const struct kernel *kernel = kernels;
	size_t mib = 0, rounds = 0;
	uint64_t sum;

	while (argc > 2 && kernel->name && strcmp(kernel->name, argv[1]))
		kernel++;
	if (argc == 3 || argc == 4) {
		mib = number(argv[2], 4096);
		rounds = argc == 4 ? number(argv[3], 1000) : kernel->rounds;
	}
	if (!mib || !rounds) {
		fputs("usage: leap-test-kernels matmul|pagerank|stream SIZE_MIB [ROUNDS]\n",
		      stderr);
		return 2;
	}
	if (!kernel->run(mib << 20, rounds, &sum))
		errx(1, "%s %zu: the result is wrong", kernel->name, mib);
	printf("%s %zu checksum=%016" PRIx64 "\n", kernel->name, mib, sum);
	return 0;
}
