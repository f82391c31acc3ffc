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
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE	4096UL
#define WORDS	(PAGE / sizeof(uint64_t))

/* Coprime to any number of pages there is: each round meets each page. */
#define STRIDE	10007

/* Pages between two times that all is swapped out. */
#define OUT_EVERY	16

static volatile sig_atomic_t over;
static uint64_t (*area)[WORDS];
static uint32_t *version;
static size_t nr;
static unsigned long checked, wrong;

static void note_signal(int sig)
{
	(void)sig;
	over = 1;
}

static uint64_t word_of(size_t page, size_t i)
{
	return ((uint64_t)version[page] << 32 | page) * 0x9e3779b97f4a7c15ULL + i;
}

static void fill(size_t page)
{
	version[page]++;
	for (size_t i = 0; i < WORDS; i++)
		area[page][i] = word_of(page, i);
}

static void check(size_t page)
{
	size_t i = 0;

	while (i < WORDS && area[page][i] == word_of(page, i))
		i++;
	checked++;
	if (i == WORDS)
		return;
	printf("page %zu, version %u, word %zu: %016llx, not %016llx\n", page, version[page], i,
	       (unsigned long long)area[page][i], (unsigned long long)word_of(page, i));
	wrong++;
}

static void swap_out(void)
{
	if (madvise(area, nr * PAGE, MADV_PAGEOUT))
		perror("leap-test-keeper: MADV_PAGEOUT");
}

static void look_after(unsigned long rounds)
{
	size_t page = 0;

	for (unsigned long i = 0; !over && (!rounds || i < rounds * nr); i++) {
		check(page);
		if (i % 3 == 0)
			fill(page);
		if (i % OUT_EVERY == 0)
			swap_out();
		page = (page + STRIDE) % nr;
	}
}

int main(int argc, char **argv)
{
	nr = argc > 1 ? strtoul(argv[1], NULL, 10) << 20 >> 12 : 0;
	if (!nr || argc > 3) {
		fputs("usage: leap-test-keeper MIB [ROUNDS]\n", stderr);
		return 2;
	}
	area = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	version = calloc(nr, sizeof(*version));
	if (area == MAP_FAILED || !version) {
		perror("leap-test-keeper");
		return 2;
	}
	signal(SIGTERM, note_signal);
	for (size_t page = 0; page < nr; page++)
		fill(page);
	swap_out();
	puts("stored");
	fflush(stdout);
	look_after(argc > 2 ? strtoul(argv[2], NULL, 10) : 0);
	for (size_t page = 0; page < nr; page++)
		check(page);
	printf("%lu pages checked, %lu wrong\n", checked, wrong);
	return wrong != 0;
}
