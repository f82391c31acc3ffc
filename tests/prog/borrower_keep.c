// SPDX-License-Identifier: GPL-2.0
/* Connections that break, and who gets what was lent through them. */
#include <string.h>
#include "borrower.h"

/* A client that wants its slabs kept, like the one with this id and token. */
static struct borrower *arrive_to_stay(const uint8_t *id, uint64_t token)
{
	struct borrower *b = make_borrower();

	b->keep = true;
	b->old_token = token;
	if (id)
		memcpy(b->hello.client_id, id, LEAP_CLIENT_ID_LEN);
	if (!open_control(b))
		die("refused: %s", b->refusal.text);
	return b;
}

static bool kept(const struct borrower *b)
{
	return b->welcome.flags & LEAP_WELCOME_KEPT;
}

static void name_slab(struct borrower *b, struct lease lease)
{
	post(b, LEAP_MSG_SLAB_USAGE, lease.slab, 0);
	if (sent(b->control))
		die("leapd does not take usage");
}

/* Without a word, and before leapd has noticed that the old one is gone or after. */
static struct borrower *arrive_again(struct borrower *b, bool noticed)
{
	uint64_t token = b->welcome.token;
	uint8_t id[LEAP_CLIENT_ID_LEN];
	struct borrower *again;

	memcpy(id, b->hello.client_id, sizeof(id));
	if (noticed)
		vanish(b);
	again = arrive_to_stay(id, token);
	if (!noticed)
		vanish(b);
	if (!kept(again))
		die("leapd has not kept the slabs");
	return again;
}

/* Some times in a row: all bytes of what it names are there, and nothing else. */
void come_back(void)
{
	struct borrower *b = arrive_to_stay(NULL, 0);
	struct lease lease, lost;

	if (kept(b))
		die("leapd has kept what nobody had");
	open_data(b);
	lease = borrow(b);
	fill(b, lease, slab_size(b), 0x3c);
	for (int round = 0; round < 4; round++) {
		lost = borrow(b);
		b = arrive_again(b, round % 2);
		name_slab(b, lease);
		open_data(b);
		expect_bytes(b, lease, slab_size(b), 0x3c);
		if (give_back(b, lost.slab) != LEAP_STATUS_NO_SLAB)
			die("leapd has kept a slab that was not named");
		expect_denied(b, lost.addr, lost.rkey, lease, "a slab that was not named");
	}
	leave(b);
}

/* Neither another id nor another token gets what was kept. */
void come_back_as_another(void)
{
	struct borrower *b = arrive_to_stay(NULL, 0);
	uint64_t token = b->welcome.token;
	struct lease lease = borrow(b);
	uint8_t id[LEAP_CLIENT_ID_LEN];

	memcpy(id, b->hello.client_id, sizeof(id));
	vanish(b);
	for (int bit = 0; bit <= 64; bit += 16) {
		b = bit == 64 ? arrive_to_stay(id, token ^ 1) :
		    arrive_to_stay(NULL, token ^ (uint64_t)!!bit << bit);
		if (kept(b) || give_back(b, lease.slab) != LEAP_STATUS_NO_SLAB)
			die("another client gets what was kept");
		leave(b);
	}
}
