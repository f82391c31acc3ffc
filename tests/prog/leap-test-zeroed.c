// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-zeroed.so, for LD_PRELOAD: what is in the memory that a program gives
 * back to the kernel? Says so on stderr, a line for each large piece.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE	4096UL

/* Anything smaller is no slab. */
#define LARGE	(2UL << 20)

static bool is_zero(const unsigned char *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

static void look(const unsigned char *bytes, size_t len)
{
	size_t used = 0;

	for (size_t off = 0; off < len; off += PAGE)
		used += !is_zero(bytes + off);
	fprintf(stderr, "given back: %zu pages, %zu with something in them\n", len / PAGE, used);
}

int munmap(void *addr, size_t len)
{
	if (len >= LARGE)
		look(addr, len);
	return (int)syscall(SYS_munmap, addr, len);
}
