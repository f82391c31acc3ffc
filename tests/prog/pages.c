// SPDX-License-Identifier: GPL-2.0
#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

uint64_t (*area)[WORDS];
size_t nr;
unsigned long checked, wrong;
static uint32_t *version;

bool make_pages(const char *mib)
{
	nr = strtoul(mib, NULL, 10) << 20 >> 12;
	if (!nr)
		return false;
	area = mmap(NULL, nr * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	version = calloc(nr, sizeof(*version));
	if (area != MAP_FAILED && version)
		return true;
	perror("no memory for the pages");
	return false;
}

static uint64_t word_of(size_t page, size_t i)
{
	return ((uint64_t)version[page] << 32 | page) * 0x9e3779b97f4a7c15ULL + i;
}

void fill_page(size_t page)
{
	version[page]++;
	for (size_t i = 0; i < WORDS; i++)
		area[page][i] = word_of(page, i);
}

void compare_page(size_t page)
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

void swap_out(size_t page, size_t pages)
{
	if (madvise(area[page], pages * PAGE, MADV_PAGEOUT))
		perror("MADV_PAGEOUT");
}
