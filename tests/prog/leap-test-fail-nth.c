// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-fail-nth PORTAL MIB: does each allocation that can fail do no harm?
 *
 * The kernel makes the n-th allocation of a task fail that asks for it (fail-nth,
 * Documentation/fault-injection). Here each command is given for n = 1, 2, 3, ...
 * until it is through before the n-th: so each of its allocations has failed once,
 * with all others done. It must then have worked or have said no, and work as soon
 * as nothing fails any more.
 *
 * Reads and writes of swapped memory follow, with what reclaim allocates for them:
 * there nobody can be told no, so each byte must be right. Run it under a memory
 * limit below MIB, on a kernel that can inject such failures (failslab,
 * fail_page_alloc) and with the module loaded, without a session.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "syscalls/libleap.h"

#define PAGE_SIZE	4096UL
#define MIB_MAX		1024L

/* More than any command allocates; a command that goes on for so long is at fault. */
#define NTH_MAX		5000

/* Pages that are read and written with the same n. */
#define BATCH		32

/* So many batches in a row without so many allocations are the end. */
#define QUIET_BATCHES	16

static const char *portal;
static int knob;

/* Lets the n-th allocation from now on fail; 0: none. */
static void arm(unsigned int nth)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", nth);

	if (pwrite(knob, text, length, 0) != length) {
		perror("fail-nth");
		exit(2);
	}
}

/* Returns whether one has failed since. */
static bool disarm(void)
{
	char text[16] = "";

	if (pread(knob, text, sizeof(text) - 1, 0) <= 0) {
		perror("fail-nth");
		exit(2);
	}
	arm(0);
	return atoi(text) == 0;
}

static void must(const char *what, int err)
{
	char why[256] = "";

	if (err >= 0)
		return;
	leap_last_error(why, sizeof(why));
	fprintf(stderr, "%s: %s; %s\n", what, strerror(-err), why);
	exit(1);
}

/* A command; @undo takes back what it has done, or does nothing if it has failed. */
struct command {
	const char *name;
	int (*prepare)(void);
	int (*run)(void);
	int (*undo)(int result);
};

static int nothing(void)
{
	return 0;
}

static int create(void)
{
	return is_session_create(portal);
}

static int destroy(void)
{
	return leap_session_destroy(false);
}

static int destroy_if_created(int result)
{
	return result ? 0 : destroy();
}

static int destroy_if_there(int result)
{
	return result ? destroy() : 0;
}

static int attach(void)
{
	return leap_attach(getpid());
}

static int detach(int result)
{
	return result ? 0 : leap_detach(getpid());
}

static int prefetch_on(void)
{
	return leap_prefetch_on(getpid());
}

static int prefetch_off(int result)
{
	return result ? 0 : leap_prefetch_off(getpid());
}

static int have_child(void)
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (!child)
		_exit(0);
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return status ? -ECHILD : 0;
}

static int leave_child(int result)
{
	return result == -ECHILD ? result : 0;
}

static void try_each(const struct command *c)
{
	unsigned int nth, errors = 0;
	bool failed = true;
	int result;

	for (nth = 1; failed && nth < NTH_MAX; nth++) {
		must(c->name, c->prepare());
		arm(nth);
		result = c->run();
		failed = disarm();
		if (result && !failed)
			must(c->name, result);
		errors += result != 0;
		must(c->name, c->undo(result));
	}
	if (failed) {
		fprintf(stderr, "%s: no end of allocations\n", c->name);
		exit(1);
	}
	printf("%s: each of %u allocations failed once; %u times that was an error\n",
	       c->name, nth - 2, errors);
}

/* What page @page has to begin and end with in @version. */
static uint64_t content(size_t page, unsigned int version)
{
	return (page + 1) * 0x9e3779b97f4a7c15ULL + version;
}

static void write_page(char *base, size_t page, unsigned int version)
{
	uint64_t *words = (uint64_t *)(base + page * PAGE_SIZE);

	words[0] = content(page, version);
	words[PAGE_SIZE / sizeof(*words) - 1] = ~words[0];
}

static void compare_page(const char *base, size_t page, unsigned int version)
{
	const uint64_t *words = (const uint64_t *)(base + page * PAGE_SIZE);

	if (words[0] == content(page, version) &&
	    words[PAGE_SIZE / sizeof(*words) - 1] == ~words[0])
		return;
	fprintf(stderr, "page %zu is not what was written\n", page);
	exit(1);
}

/* Reads and writes some pages anew, from @first on; returns where to go on. */
static size_t use_batch(char *base, uint32_t *version, size_t first, size_t pages)
{
	size_t page, end = first + BATCH < pages ? first + BATCH : pages;

	for (page = first; page < end; page++) {
		compare_page(base, page, version[page]);
		write_page(base, page, ++version[page]);
	}
	return end % pages;
}

/* Goes round the memory batch by batch, each with another n, until none fails. */
static void use_memory(size_t pages)
{
	char *base = mmap(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint32_t *version = calloc(pages, sizeof(*version));
	unsigned int nth, failures = 0, quiet = 0;
	size_t page, at = 0;

	if (base == MAP_FAILED || !version) {
		perror("memory");
		exit(2);
	}
	for (page = 0; page < pages; page++)
		write_page(base, page, 0);
	for (nth = 1; nth < NTH_MAX && quiet < QUIET_BATCHES; nth++) {
		bool failed;

		arm(nth);
		at = use_batch(base, version, at, pages);
		failed = disarm();
		failures += failed;
		quiet = failed ? 0 : quiet + 1;
	}
	for (page = 0; page < pages; page++)
		compare_page(base, page, version[page]);
	printf("memory: %u allocations failed, each page was right\n", failures);
	munmap(base, pages * PAGE_SIZE);
	free(version);
}

static const struct command commands[] = {
	{ "create", nothing, create, destroy_if_created },
	{ "destroy", create, destroy, destroy_if_there },
};

static const struct command in_session[] = {
	{ "attach", nothing, attach, detach },
	{ "prefetch", attach, prefetch_on, prefetch_off },
	{ "fork", attach, have_child, leave_child },
};

int main(int argc, char **argv)
{
	size_t i;
	long mib = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (mib < 1 || mib > MIB_MAX) {
		fprintf(stderr, "Usage: leap-test-fail-nth PORTAL MIB\n");
		return 2;
	}
	portal = argv[1];
	setvbuf(stdout, NULL, _IOLBF, 0);
	knob = open("/proc/thread-self/fail-nth", O_RDWR);
	if (knob < 0) {
		perror("fail-nth");
		return 77;
	}
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		try_each(&commands[i]);
	must("create", create());
	for (i = 0; i < sizeof(in_session) / sizeof(*in_session); i++)
		try_each(&in_session[i]);
	must("attach", attach());
	must("prefetch", prefetch_on());
	use_memory((size_t)mib << 8);
	must("destroy", destroy());
	return 0;
}
