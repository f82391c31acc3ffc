// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-verify SIZE: is every byte of swapped memory what was written?
 *
 * The content of a page is a function of (seed, page number, version) and
 * covers all of it, so a page that comes back old, in another page's place,
 * in part or as zeros is seen, and said what it is. It knows nothing of Leap.
 *
 * Each pass writes a third of the pages anew, in random order, and then
 * compares all of them in the order that --pattern asks for. Version 0 of a
 * page is zeros: memory that was never written or was given back, which --dontneed
 * and --unmap do right in front of the comparison.
 *
 * SIGTERM ends it after the pass that it is at.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE_SIZE	4096UL
#define WORDS		(PAGE_SIZE / sizeof(uint64_t))
#define HUGE_SIZE	(2UL << 20)

#define THREADS_MAX	256
#define STRIDE		10
#define REPORTS_MAX	20	/* wrong pages that are described */

/* One page in so many is followed by a run that is given back, of so many at most. */
#define DROP_EVERY	64
#define DROP_MAX	32

/* Versions that a forked child writes, so that they differ from the parent's. */
#define CHILD_VERSION	0x80000000U

/* SIGTERM has come: this pass is the last one. */
static volatile sig_atomic_t last_pass;

enum pattern { SEQ, STRIDED, RANDOM };

struct options {
	size_t size;
	long threads;
	long passes;
	long seed;
	enum pattern pattern;
	bool fork;
	bool thp;
	bool dontneed;
	bool unmap;
	bool remap;
	bool progress;
};

struct area {
	const struct options *o;
	char *base;
	size_t pages;
	uint32_t *version;	/* of each page */
	uint32_t newest;	/* the version that this pass writes */
};

/* The pages [first, end) belong to one thread, so nothing is locked. */
struct slice {
	const struct area *area;
	size_t first;
	size_t end;
	uint64_t random;
	uint64_t verified;	/* bytes */
	uint64_t wrong;		/* bytes */
	int failed;		/* errno, 0 if the work was done */
	void (*work)(struct slice *s);
	pthread_t thread;
};

struct count {
	uint64_t verified;
	uint64_t wrong;
};

/* A one-to-one mix of 64 bits: every input bit changes half of the output. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static uint64_t page_key(const struct area *a, size_t page, uint32_t version)
{
	return mix(mix(a->o->seed + 0x9e3779b97f4a7c15ULL) ^
		   ((uint64_t)version << 32 ^ page));
}

static uint64_t word_of(uint64_t key, size_t i)
{
	return (key + i * 0x9e3779b97f4a7c15ULL) ^ (key >> 29);
}

static void content(const struct area *a, size_t page, uint32_t version,
		    uint64_t *words)
{
	uint64_t key = page_key(a, page, version);

	for (size_t i = 0; i < WORDS; i++)
		words[i] = version ? word_of(key, i) : 0;
}

static uint64_t *page_at(const struct area *a, size_t page)
{
	return (uint64_t *)(a->base + page * PAGE_SIZE);
}

static void write_page(const struct area *a, size_t page, uint32_t version)
{
	content(a, page, version, page_at(a, page));
	a->version[page] = version;
}

/* Never 0 when it does not start with 0. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Which page and version this is, in words, from its first word. */
static void identify(const struct area *a, size_t page, uint64_t word)
{
	if (!word) {
		printf("  it starts with zeros\n");
		return;
	}
	for (uint32_t v = 1; v <= (a->newest & ~CHILD_VERSION); v++)
		for (int child = 0; child < 2; child++) {
			uint32_t version = v | (child ? CHILD_VERSION : 0);

			if (word != word_of(page_key(a, page, version), 0))
				continue;
			printf("  it starts with version %#x of this page\n", version);
			return;
		}
	for (size_t p = 0; p < a->pages; p++)
		for (uint32_t v = 1; v <= (a->newest & ~CHILD_VERSION); v++)
			if (word == word_of(page_key(a, p, v), 0)) {
				printf("  it starts with version %u of page %zu\n", v, p);
				return;
			}
	printf("  it starts with nothing that this program ever wrote\n");
}

static uint64_t wrong_bytes(const struct area *a, size_t page,
			    const unsigned char *want)
{
	static int reports;
	unsigned char got[PAGE_SIZE];
	size_t first = PAGE_SIZE;
	uint64_t wrong = 0;

	/* One copy: the page may be right when it is read again. */
	memcpy(got, page_at(a, page), PAGE_SIZE);
	for (size_t i = PAGE_SIZE; i > 0; i--)
		if (got[i - 1] != want[i - 1]) {
			first = i - 1;
			wrong++;
		}
	if (__atomic_add_fetch(&reports, 1, __ATOMIC_RELAXED) > REPORTS_MAX)
		return wrong ? wrong : 1;
	if (!wrong) {
		printf("wrong: page %zu differed, and was right when read again\n", page);
		return 1;
	}
	printf("wrong: page %zu offset %zu expected %02x got %02x, %" PRIu64
	       " bytes of version %#x\n", page, first, want[first], got[first],
	       wrong, a->version[page]);
	identify(a, page, *(uint64_t *)got);
	fflush(stdout);
	return wrong;
}

/* MADV_NOHUGEPAGE or the reverse, whatever the machine's setting is. */
static bool advise(const struct area *a, char *start, size_t bytes)
{
	return !madvise(start, bytes, a->o->thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
}

/* Unmaps memory and maps it anew, so that it is zeros. */
static bool renew(const struct area *a, char *start, size_t bytes)
{
	return !munmap(start, bytes) &&
	       mmap(start, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == start &&
	       advise(a, start, bytes);
}

/*
 * Gives the pages from @page on back, which may be just on their way here as they
 * are the next ones to be compared. They must read as zeros from then on.
 */
static void drop(struct slice *s, size_t page)
{
	const struct area *a = s->area;
	size_t run = 1 + next_random(&s->random) % DROP_MAX;

	if (run > s->end - page)
		run = s->end - page;
	if (!run)
		return;
	if ((a->o->dontneed &&
	     madvise(page_at(a, page), run * PAGE_SIZE, MADV_DONTNEED)) ||
	    (a->o->unmap &&
	     !renew(a, (char *)page_at(a, page), run * PAGE_SIZE)))
		s->failed = errno;
	else
		memset(&a->version[page], 0, run * sizeof(*a->version));
}

static void verify_page(struct slice *s, size_t page)
{
	const struct area *a = s->area;
	uint64_t want[WORDS];

	content(a, page, a->version[page], want);
	if (memcmp(want, page_at(a, page), PAGE_SIZE))
		s->wrong += wrong_bytes(a, page, (unsigned char *)want);
	s->verified += PAGE_SIZE;
	if ((a->o->dontneed || a->o->unmap) &&
	    !(next_random(&s->random) % DROP_EVERY))
		drop(s, page + 1);
}

/* Workers: what a thread does with its slice. */

/* Downwards: no read pattern has this order. */
static void fill(struct slice *s)
{
	for (size_t page = s->end; page > s->first; page--)
		write_page(s->area, page - 1, s->area->newest);
}

static void rewrite(struct slice *s)
{
	size_t pages = s->end - s->first;

	for (size_t i = 0; i < pages / 3 + 1; i++)
		write_page(s->area, s->first + next_random(&s->random) % pages,
			   s->area->newest);
}

static void verify_shuffled(struct slice *s)
{
	size_t pages = s->end - s->first;
	uint32_t *order = malloc(pages * sizeof(*order));

	if (!order) {
		s->failed = ENOMEM;
		return;
	}
	for (size_t i = 0; i < pages; i++) {
		size_t j = next_random(&s->random) % (i + 1);

		order[i] = order[j];
		order[j] = i;
	}
	for (size_t i = 0; i < pages; i++)
		verify_page(s, s->first + order[i]);
	free(order);
}

static void verify(struct slice *s)
{
	size_t step = s->area->o->pattern == STRIDED ? STRIDE : 1;

	if (s->area->o->pattern == RANDOM) {
		verify_shuffled(s);
		return;
	}
	for (size_t start = 0; start < step; start++)
		for (size_t page = s->first + start; page < s->end; page += step)
			verify_page(s, page);
}

static void *work_thread(void *arg)
{
	struct slice *s = arg;

	s->work(s);
	return NULL;
}

/* All threads do @work on their slices; false after saying what failed. */
static bool all_slices(const struct area *a, const char *name,
		       void (*work)(struct slice *s), struct count *count)
{
	struct slice slices[THREADS_MAX];
	long n = a->o->threads, started = 0;
	int failed = 0;

	for (long i = 0; i < n && !failed; i++) {
		slices[i] = (struct slice){
			.area = a,
			.first = a->pages * i / n,
			.end = a->pages * (i + 1) / n,
			/* The name: rewrite and verify are to choose other pages. */
			.random = mix(page_key(a, i, a->newest) + name[0]) | 1,
			.work = work,
		};
		failed = pthread_create(&slices[i].thread, NULL, work_thread, &slices[i]);
		started += !failed;
	}
	for (long i = 0; i < started; i++) {
		pthread_join(slices[i].thread, NULL);
		count->verified += slices[i].verified;
		count->wrong += slices[i].wrong;
		if (slices[i].failed)
			failed = slices[i].failed;
	}
	if (failed)
		fprintf(stderr, "cannot %s: %s\n", name, strerror(failed));
	else if (a->o->progress)
		printf("%d: %s version %#x: %" PRIu64 " bytes verified, %" PRIu64
		       " wrong\n", getpid(), name, a->newest, count->verified,
		       count->wrong);
	fflush(stdout);
	return !failed;
}

/* The child's half of fork_pass(): does not return. */
static void child(struct area *a, int to)
{
	struct count count = {};
	bool ok;

	/* First what it shares with the parent, then its own. */
	a->newest |= CHILD_VERSION;
	ok = all_slices(a, "verify", verify, &count) &&
	     all_slices(a, "rewrite", rewrite, &count) &&
	     all_slices(a, "verify", verify, &count) &&
	     write(to, &count, sizeof(count)) == sizeof(count);
	_exit(ok ? 0 : 2);
}

/*
 * Parent and child share all pages, each writes a part of them anew, and each
 * must see its own and nothing of the other's.
 */
static bool fork_pass(struct area *a, struct count *count)
{
	struct count theirs;
	int fds[2], status;
	bool ok;
	pid_t pid;

	if (pipe(fds) || (pid = fork()) < 0) {
		fprintf(stderr, "cannot fork: %s\n", strerror(errno));
		return false;
	}
	if (!pid)
		child(a, fds[1]);
	close(fds[1]);
	a->newest++;
	ok = all_slices(a, "rewrite", rewrite, count) &&
	     all_slices(a, "verify", verify, count);
	if (read(fds[0], &theirs, sizeof(theirs)) == sizeof(theirs)) {
		count->verified += theirs.verified;
		count->wrong += theirs.wrong;
	}
	close(fds[0]);
	if (waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "the child ended with wait status %#x\n", status);
		return false;
	}
	/* And again when nobody shares the pages any more. */
	return ok && all_slices(a, "verify", verify, count);
}

/* An address with room for the area, aligned for huge pages; NULL if none. */
static char *room_for(size_t bytes)
{
	char *at = mmap(NULL, bytes + HUGE_SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at + (-(uintptr_t)at & (HUGE_SIZE - 1));
}

static bool move(char *from, char *to, size_t bytes)
{
	return !bytes || mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
				to) != MAP_FAILED;
}

/*
 * Moves the memory to another address, and maps its last part anew, which must
 * read as zeros from then on. After the first time that part is a mapping of
 * its own, and has to be moved by itself.
 */
static bool remap(struct area *a)
{
	size_t kept = (a->pages - a->pages / 8) * PAGE_SIZE;
	size_t rest = a->pages * PAGE_SIZE - kept;
	char *to = room_for(kept + rest);

	if (!to || !move(a->base, to, kept) ||
	    !move(a->base + kept, to + kept, rest))
		return false;
	a->base = to;
	if (!rest)
		return true;
	if (!renew(a, to + kept, rest))
		return false;
	memset(&a->version[kept / PAGE_SIZE], 0,
	       rest / PAGE_SIZE * sizeof(*a->version));
	return true;
}

static bool all_passes(struct area *a, struct count *count)
{
	a->newest = 1;
	if (!all_slices(a, "fill", fill, count))
		return false;
	for (long pass = 0; pass < a->o->passes && !last_pass; pass++) {
		a->newest++;
		if (!all_slices(a, "rewrite", rewrite, count))
			return false;
		if (!all_slices(a, "verify", verify, count))
			return false;
		if (a->o->fork && !fork_pass(a, count))
			return false;
		if (a->o->remap && !remap(a)) {
			fprintf(stderr, "cannot move the memory: %s\n",
				strerror(errno));
			return false;
		}
	}
	return true;
}

static bool map(struct area *a)
{
	size_t bytes = a->pages * PAGE_SIZE, table = a->pages * sizeof(*a->version);

	a->base = room_for(bytes);
	a->version = mmap(NULL, table, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!a->base || a->version == MAP_FAILED)
		return false;
	/* Best effort: what is expected should not depend on swap either. */
	mlock(a->version, table);
	return advise(a, a->base, bytes);
}

static void terminate(int number)
{
	(void)number;
	last_pass = 1;
}

static int verify_memory(const struct options *o)
{
	struct area a = { .o = o, .pages = o->size / PAGE_SIZE };
	struct timespec start, end;
	struct count count = {};
	bool done;

	if (a.pages < (size_t)o->threads) {
		fprintf(stderr, "SIZE must be at least one page for each thread\n");
		return 2;
	}
	if (!map(&a)) {
		fprintf(stderr, "cannot get %zu bytes%s: %s\n", o->size,
			o->thp ? " of huge pages (does the kernel have THP?)" : "",
			strerror(errno));
		return 2;
	}
	signal(SIGTERM, terminate);
	clock_gettime(CLOCK_MONOTONIC, &start);
	done = all_passes(&a, &count);
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("verified %" PRIu64 " bytes, %" PRIu64 " wrong, in %.1f s\n",
	       count.verified, count.wrong, end.tv_sec - start.tv_sec +
	       (end.tv_nsec - start.tv_nsec) / 1e9);
	if (count.wrong)
		return 1;
	return done ? 0 : 2;
}

static bool number(const char *text, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(text, &end, 0);
	if (!errno && end != text && !*end && *out >= min && *out <= max)
		return true;
	fprintf(stderr, "not a number from %ld to %ld: '%s'\n", min, max, text);
	return false;
}

static bool parse_size(const char *text, size_t *out)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix && !end[1])
		*out <<= 10 * (suffix - suffixes + 1);
	if (!errno && end != text && (!*end || (suffix && !end[1])) &&
	    *out >= PAGE_SIZE && *out < 1UL << 44)
		return true;
	fprintf(stderr, "not a size like 64M or 1G: '%s'\n", text);
	return false;
}

static bool parse_pattern(const char *text, enum pattern *out)
{
	static const char *const names[] = { "seq", "stride", "random" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			*out = i;
			return true;
		}
	fprintf(stderr, "not a pattern: '%s'\n", text);
	return false;
}

static int usage(FILE *to)
{
	fputs("usage: leap-test-verify [OPTION...] SIZE\n"
	      "  SIZE          bytes, or with K, M, G\n"
	      "  --threads N   each has its own part of the memory (1)\n"
	      "  --passes N    (2)\n"
	      "  --seed N      content and random order depend on it (1)\n"
	      "  --pattern P   order of the comparison: seq, stride, random (random)\n"
	      "  --fork        each pass forks a child that shares all pages\n"
	      "  --thp         ask for huge pages\n"
	      "  --dontneed    gives pages back just before they are compared\n"
	      "  --unmap       the same by munmap; not with --remap\n"
	      "  --remap       each pass moves the memory and maps a part of it anew\n"
	      "  --progress    one line for each step\n"
	      "Exit status: 0, 1 if a byte was wrong, 2 if it could not be tested.\n", to);
	return to == stdout ? 0 : 2;
}

static const struct option long_options[] = {
	{ "threads", required_argument, NULL, 't' },
	{ "passes", required_argument, NULL, 'p' },
	{ "seed", required_argument, NULL, 's' },
	{ "pattern", required_argument, NULL, 'P' },
	{ "fork", no_argument, NULL, 'f' },
	{ "thp", no_argument, NULL, 'T' },
	{ "dontneed", no_argument, NULL, 'd' },
	{ "unmap", no_argument, NULL, 'u' },
	{ "remap", no_argument, NULL, 'r' },
	{ "progress", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' }, {}
};

static bool option(struct options *o, int opt)
{
	switch (opt) {
	case 't':
		return number(optarg, 1, THREADS_MAX, &o->threads);
	case 'p':
		return number(optarg, 1, 1000000, &o->passes);
	case 's':
		return number(optarg, 0, INT32_MAX, &o->seed);
	case 'P':
		return parse_pattern(optarg, &o->pattern);
	case 'f':
		return o->fork = true;
	case 'T':
		return o->thp = true;
	case 'd':
		return o->dontneed = true;
	case 'u':
		return o->unmap = true;
	case 'r':
		return o->remap = true;
	case 'v':
		return o->progress = true;
	}
	return false;
}

int main(int argc, char **argv)
{
	struct options o = { .threads = 1, .passes = 2, .seed = 1, .pattern = RANDOM };
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		if (!option(&o, opt))
			return usage(opt == 'h' ? stdout : stderr);
	if (argc - optind != 1 || !parse_size(argv[optind], &o.size))
		return usage(stderr);
	return verify_memory(&o);
}
