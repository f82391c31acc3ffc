// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-stall WHAT MIB: what does a program see of a server's loss?
 *
 * Fills MIB MiB, has all of it swapped out, prints "stored", and does WHAT until
 * SIGTERM:
 *
 *	idle	nothing until SIGUSR1, then it loads
 *	load	takes page after page in no order, and swaps it out again
 *	seq	the same in order, which a prefetcher sees
 *	store	gives every second run of pages back, fills it anew and has it swapped
 *		out, so that nothing is loaded
 *
 * SIGUSR1 marks the moment of the loss. Each page that is read is compared. A page
 * that gives SIGBUS is counted, given back and filled anew, so the program goes on.
 * After SIGTERM all pages are read once more, and it prints one line of JSON:
 *
 *	checked, wrong, lost	pages: compared, not as they were left, SIGBUS
 *	stall_ms		the longest time that one access took after the mark
 *	before_ms		the same before the mark
 *	retried_ms		from the mark until a load that Leap had to try on
 *				another copy was over; null if there was none
 *
 * Exit status: 0, 1 if a page was wrong, 3 if none was wrong but some were lost.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "pages.h"

/* Pages that are given back, filled and swapped out at a time. */
#define RUN	16

/* Pages that are read between two times that all is swapped out. */
#define OUT_EVERY	64

/* How often all pages are swapped out at the beginning, at most. */
#define ROUNDS	20

#define STAT	"/sys/kernel/mm/leap/stat"

static volatile sig_atomic_t over, marked;
static sigjmp_buf lost_page;
static struct {
	unsigned long lost;
	double stall, before, retried;
} seen = { .retried = -1 };
static double mark;		/* when the loss happened, 0 if it has not */
static long retried_then;	/* how many loads had been tried again by then */

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void note_signal(int sig)
{
	if (sig == SIGTERM)
		over = 1;
	else
		marked = 1;
}

static void note_lost(int sig)
{
	siglongjmp(lost_page, sig);
}

/* One number of the module's; 0 if it is not there. */
static long stat_of(const char *wanted)
{
	char key[64];
	long value;
	FILE *f = fopen(STAT, "r");

	if (!f)
		return 0;
	while (fscanf(f, "%63s %ld", key, &value) == 2)
		if (!strcmp(key, wanted)) {
			fclose(f);
			return value;
		}
	fclose(f);
	return 0;
}

static void look_for_mark(void)
{
	if (!marked || mark)
		return;
	retried_then = stat_of("retried_loads");
	mark = now_ms();
}

/* One access that began at @start is over. */
static void account(double start)
{
	double end = now_ms(), *longest;

	/* An access during which the mark came belongs to what is after it. */
	look_for_mark();
	longest = mark ? &seen.stall : &seen.before;
	if (end - start > *longest)
		*longest = end - start;
	if (mark && seen.retried < 0 && stat_of("retried_loads") > retried_then)
		seen.retried = end > mark ? end - mark : 0;
}

/* Gives pages back and fills them anew: no load. */
static void renew(size_t page, size_t pages)
{
	if (madvise(area[page], pages * PAGE, MADV_DONTNEED))
		perror("leap-test-stall: MADV_DONTNEED");
	for (size_t i = page; i < page + pages; i++)
		fill_page(i);
}

static void check(size_t page)
{
	double start = now_ms();

	if (sigsetjmp(lost_page, 1)) {
		account(start);
		seen.lost++;
		renew(page, 1);
		return;
	}
	(void)*(volatile uint64_t *)area[page];
	account(start);
	compare_page(page);
}

static void load(size_t stride)
{
	size_t page = 0;

	for (unsigned long i = 0; !over; i++) {
		if (i % OUT_EVERY == 0)
			swap_out(0, nr);
		check(page);
		page = (page + stride) % nr;
	}
}

static void store(void)
{
	for (size_t page = 0; !over; page = (page + 2 * RUN) % nr) {
		double start = now_ms();

		renew(page, RUN);
		swap_out(page, RUN);
		account(start);
	}
}

static void idle(void)
{
	while (!over && !marked)
		usleep(20000);
	look_for_mark();
	load(STRIDE);
}

/* Pages that are mapped or in the swap cache. */
static size_t in_memory(void)
{
	unsigned char *resident = calloc(nr, 1);
	size_t pages = 0;

	if (!resident || mincore(area, nr * PAGE, resident)) {
		perror("leap-test-stall: mincore");
		pages = nr;
	}
	for (size_t page = 0; resident && page < nr; page++)
		pages += resident[page] & 1;
	free(resident);
	return pages;
}

/*
 * Has all pages stored, and nowhere else: one that is being written stays in memory,
 * where it is found again, but the next time it is clean.
 */
static void send_away(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		swap_out(0, nr);
		for (int i = 0; i < 3000 && stat_of("inflight_stores"); i++)
			usleep(10000);
		if (in_memory() <= nr / 20)
			return;
		for (size_t page = 0; page < nr; page++)
			check(page);
	}
}

static void report(void)
{
	printf("{\"checked\": %lu, \"wrong\": %lu, \"lost\": %lu, \"stall_ms\": %.0f, \"before_ms\": %.0f, \"retried_ms\": ",
	       checked, wrong, seen.lost, seen.stall, seen.before);
	if (seen.retried < 0)
		puts("null}");
	else
		printf("%.0f}\n", seen.retried);
}

static int usage(void)
{
	fputs("usage: leap-test-stall idle|load|seq|store MIB\n", stderr);
	return 2;
}

static bool set_up(const char *mib)
{
	struct sigaction lost = { .sa_handler = note_lost };

	if (!make_pages(mib))
		return false;
	signal(SIGTERM, note_signal);
	signal(SIGUSR1, note_signal);
	sigaction(SIGBUS, &lost, NULL);
	return true;
}

static bool work(const char *what)
{
	if (!strcmp(what, "idle"))
		idle();
	else if (!strcmp(what, "load"))
		load(STRIDE);
	else if (!strcmp(what, "seq"))
		load(1);
	else if (!strcmp(what, "store"))
		store();
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	if (argc != 3 || !set_up(argv[2]))
		return usage();
	renew(0, nr);
	send_away();
	puts("stored");
	fflush(stdout);
	if (!work(argv[1]))
		return usage();
	for (size_t page = 0; page < nr; page++)
		check(page);
	report();
	if (wrong)
		return 1;
	return seen.lost ? 3 : 0;
}
