// SPDX-License-Identifier: GPL-2.0
/* Memory that nobody must reach, and bytes that nobody must find. */
#include "borrower.h"

void foreign_memory(void)
{
	struct borrower *victim = arrive(), *thief = arrive();
	struct lease secret = borrow(victim), own = borrow(thief);

	fill(victim, secret, slab_size(victim), 0x77);
	expect_denied(thief, secret.addr, secret.rkey, own, "another client's slab");
	expect_denied(thief, secret.addr, own.rkey, own, "its address with one's own key");
	expect_denied(thief, own.addr, secret.rkey, own, "its key with one's own address");
	expect_bytes(victim, secret, slab_size(victim), 0x77);
	leave(victim);
	leave(thief);
}

/* Whatever way a slab goes, it comes to the next one as zeros. */
void old_data(void)
{
	for (int round = 0; round < 3; round++) {
		struct borrower *b = arrive();
		struct lease lease;

		for (int i = 0; i < 2; i++) {
			lease = borrow(b);
			expect_bytes(b, lease, slab_size(b), 0);
			fill(b, lease, slab_size(b), 0x99);
			if (!i && give_back(b, lease.slab))
				die("cannot give a slab back");
		}
		if (round % 2)
			vanish(b);
		else
			leave(b);
	}
}

void past_the_end(void)
{
	struct borrower *b = arrive();
	struct lease own = borrow(b);
	uint64_t end = own.addr + slab_size(b);
	uint32_t key = own.rkey;

	fill(b, own, slab_size(b), 0x55);
	expect_denied(b, end, key, own, "behind a slab");
	expect_denied(b, end - CHUNK + 1, key, own, "a byte behind a slab");
	expect_denied(b, own.addr - CHUNK, key, own, "before a slab");
	expect_denied(b, own.addr - 1, key, own, "a byte before a slab");
	expect_denied(b, -(uint64_t)CHUNK / 2, key, own, "the end of all addresses");
	expect_denied(b, 0, key, own, "address 0");
	expect_bytes(b, own, CHUNK, 0x55);
	leave(b);
}

void after_put(void)
{
	struct borrower *b = arrive();
	struct lease own = borrow(b), old = borrow(b);

	fill(b, old, CHUNK, 0x66);
	if (give_back(b, old.slab))
		die("cannot give a slab back");
	expect_denied(b, old.addr, old.rkey, own, "a slab that was given back");
	leave(b);
}
