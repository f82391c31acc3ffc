// SPDX-License-Identifier: GPL-2.0
/* Messages that leapd must answer with no, or not at all. */
#include <stdio.h>
#include <string.h>
#include "borrower.h"

/* One message, after which leapd wants to hear no more. */
static void expect_offence(const void *bytes, size_t len, const char *why)
{
	struct borrower *b = arrive();

	memcpy(b->bytes, bytes, len);
	post_bytes(b, b->bytes, len);
	expect_drop(b, why);
	vanish(b);
}

static void expect_message_offence(const struct leap_msg_info *msg, const char *why)
{
	struct leap_msg wire;

	leap_msg_encode(msg, &wire);
	expect_offence(&wire, sizeof(wire), why);
}

void noise_for_message(void)
{
	struct leap_msg wire;

	for (int i = 0; i < 3; i++) {
		make_noise(&wire, sizeof(wire));
		expect_offence(&wire, sizeof(wire), "noise");
		make_noise(&wire, sizeof(wire));
		wire.magic = cpu_to_le32(LEAP_PROTO_MAGIC);
		expect_offence(&wire, sizeof(wire), "noise behind a magic number");
	}
}

void wrong_length(void)
{
	static const size_t lengths[] = { 0, 1, 55, 57, 4096 };
	const struct leap_msg_info msg = { .type = LEAP_MSG_PING };
	unsigned char bytes[4096] = { 0 };
	char why[32];

	leap_msg_encode(&msg, (struct leap_msg *)bytes);
	for (size_t i = 0; i < COUNT(lengths); i++) {
		snprintf(why, sizeof(why), "%zu bytes", lengths[i]);
		expect_offence(bytes, lengths[i], why);
	}
}

void wrong_type(void)
{
	static const struct leap_msg_info msgs[] = {
		{ .type = 0 },
		{ .type = LEAP_MSG_SLAB_RECALL + 1 },
		{ .type = 0xffff },
		{ .type = LEAP_MSG_SLAB_GRANT },
		{ .type = LEAP_MSG_SLAB_PUT_DONE },
		{ .type = LEAP_MSG_PONG },
		{ .type = LEAP_MSG_SLAB_RECALL },
		{ .type = LEAP_MSG_KEY_CHALLENGE },
		{ .type = LEAP_MSG_KEY_ADMIT },
		{ .type = LEAP_MSG_KEY_NONCE },
		{ .type = LEAP_MSG_KEY_PROOF },
		{ .type = LEAP_MSG_PING, .slab = 1 },
		{ .type = LEAP_MSG_SLAB_GET, .status = LEAP_STATUS_DEVICE },
		{ .type = LEAP_MSG_SLAB_PUT, .status = 0xffff },
	};
	char why[32];

	for (size_t i = 0; i < COUNT(msgs); i++) {
		snprintf(why, sizeof(why), "type %u", msgs[i].type);
		expect_message_offence(&msgs[i], why);
	}
}

/*
 * A write with an immediate number takes a receive, as a message does, but
 * leaves in it what came before: the last message would be heard again.
 */
void write_for_message(void)
{
	struct borrower *b = arrive();
	struct lease lease = borrow(b);
	struct ibv_sge sge = {
		.addr = (uintptr_t)b->bytes,
		.length = sizeof(struct leap_msg),
		.lkey = b->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE_WITH_IMM,
		.wr.rdma = { .remote_addr = lease.addr, .rkey = lease.rkey },
	}, *bad;

	if (!on_iwarp(b)) {	/* there is no such thing there */
		for (int i = 0; i < LEAP_CTRL_DEPTH; i++)
			capacity(b);
		if (ibv_post_send(b->control->qp, &wr, &bad))
			die("cannot post a write");
		expect_drop(b, "a write that poses as a message");
	}
	vanish(b);
}

void unknown_slab(void)
{
	static const uint32_t slabs[] = { 1, 77, 0x7fffffff, 0xffffffff };
	struct leap_msg_info usage = { .type = LEAP_MSG_SLAB_USAGE };
	struct borrower *b = arrive();
	struct lease lease = borrow(b);

	for (size_t i = 0; i < COUNT(slabs); i++)
		if (give_back(b, lease.slab + slabs[i]) != LEAP_STATUS_NO_SLAB)
			die("a slab that was not lent was taken back");
	if (give_back(b, lease.slab))
		die("a slab that was lent was not taken back");
	leave(b);
	for (size_t i = 0; i < COUNT(slabs); i++) {
		usage.slab = slabs[i];
		expect_message_offence(&usage, "usage of a slab that it has not");
	}
}

void too_much_usage(void)
{
	struct borrower *b = arrive();
	struct lease lease = borrow(b);
	uint32_t pages = (uint32_t)(slab_size(b) >> b->welcome.page_shift);

	post(b, LEAP_MSG_SLAB_USAGE, lease.slab, pages);
	capacity(b);
	post(b, LEAP_MSG_SLAB_USAGE, lease.slab, pages + 1);
	expect_drop(b, "more pages in use than there are");
	vanish(b);
}

/* In a row, and both at once; each has its answer, one of which is no. */
void put_twice(void)
{
	struct borrower *b = arrive();
	struct lease lease = borrow(b);
	uint16_t first, second;

	if (give_back(b, lease.slab) ||
	    give_back(b, lease.slab) != LEAP_STATUS_NO_SLAB)
		die("one slab was taken back twice");
	lease = borrow(b);
	post(b, LEAP_MSG_SLAB_PUT, lease.slab, 0);
	post(b, LEAP_MSG_SLAB_PUT, lease.slab, 0);
	first = receive(b).status;
	second = receive(b).status;
	if (first + second != LEAP_STATUS_NO_SLAB)
		die("one slab was taken back twice: %u, %u", first, second);
	leave(b);
}

void ask_for_too_much(void)
{
	struct borrower *b = arrive();
	uint64_t before = capacity(b);
	struct lease lease;
	uint64_t nr = 0;
	uint16_t status;

	while (!(status = try_borrow(b, &lease)))
		nr++;
	printf("%llu slabs, then status %u\n", (unsigned long long)nr, status);
	if (status != LEAP_STATUS_NO_MEMORY || nr * slab_size(b) != before ||
	    capacity(b))
		die("that is not what there was to lend");
	leave(b);
}

void ask_too_fast(void)
{
	struct borrower *b = arrive();

	for (int i = 0; i < DEPTH; i++)
		post(b, LEAP_MSG_SLAB_GET, 0, 0);
	expect_drop(b, "questions without a pause");
	vanish(b);
}
