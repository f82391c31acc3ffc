// SPDX-License-Identifier: GPL-2.0
/* Slabs that leapd calls back; somebody else makes its machine short of memory. */
#include <stdio.h>
#include "borrower.h"

/* As many slabs as it gets, each a bit fuller than the one before. */
static unsigned int borrow_all(struct borrower *b)
{
	struct lease lease;
	unsigned int nr = 0;

	while (!try_borrow(b, &lease)) {
		post(b, LEAP_MSG_SLAB_USAGE, lease.slab, nr++);
		if (sent(b->control))
			die("leapd does not take usage");
	}
	printf("%u slabs\n", nr);
	if (!nr)
		die("leapd does not lend");
	puts("holding");
	fflush(stdout);
	return nr;
}

/* Gives each slab back that is called back, until there is none left. */
void obey_recalls(void)
{
	struct borrower *b = arrive();
	unsigned int nr = borrow_all(b);

	while (nr--) {
		uint32_t slab = next_recall(b);

		if (give_back(b, slab))
			die("slab %u was called back, but is not wanted", slab);
		printf("gave slab %u back\n", slab);
		fflush(stdout);
	}
	leave(b);
}

void ignore_recalls(void)
{
	struct borrower *b = arrive();

	borrow_all(b);
	next_recall(b);
	expect_drop(b, "a slab that was called back and kept");
	vanish(b);
}
