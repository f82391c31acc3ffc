// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-keeper MIB [ROUNDS]: keeps data in swapped memory and looks after it.
 *
 * Fills MIB MiB, has all of it swapped out (MADV_PAGEOUT), and prints "stored".
 * Then it takes page after page: is it as it was left? Each third one is written
 * anew, and now and then everything is swapped out again. After SIGTERM or ROUNDS
 * rounds it looks at each page once more. Exits with 1 if a byte was wrong.
 *
 * Needs no limit of memory: a limit that is low enough for so little data keeps
 * evicting the program itself.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "pages.h"

/* Pages between two times that all is swapped out. */
#define OUT_EVERY	16

static volatile sig_atomic_t over;

static void note_signal(int sig)
{
	(void)sig;
	over = 1;
}

static void look_after(unsigned long rounds)
{
	size_t page = 0;

	for (unsigned long i = 0; !over && (!rounds || i < rounds * nr); i++) {
		compare_page(page);
		if (i % 3 == 0)
			fill_page(page);
		if (i % OUT_EVERY == 0)
			swap_out(0, nr);
		page = (page + STRIDE) % nr;
	}
}

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3 || !make_pages(argv[1])) {
		fputs("usage: leap-test-keeper MIB [ROUNDS]\n", stderr);
		return 2;
	}
	signal(SIGTERM, note_signal);
	for (size_t page = 0; page < nr; page++)
		fill_page(page);
	swap_out(0, nr);
	puts("stored");
	fflush(stdout);
	look_after(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	for (size_t page = 0; page < nr; page++)
		compare_page(page);
	printf("%lu pages checked, %lu wrong\n", checked, wrong);
	return wrong != 0;
}
