// SPDX-License-Identifier: GPL-2.0
/* Handshakes that leapd must refuse, each with the right code and a sentence. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "borrower.h"

/* Seconds: the connection manager would have asked again. */
#define LATE		8

#define FIELD(name)	offsetof(struct leap_hello, name), \
			sizeof(((struct leap_hello *)NULL)->name)

/* One field of a good hello is replaced; those of one name go together. */
static const struct {
	const char *name;
	size_t offset;
	size_t len;
	uint64_t value;
	enum leap_refusal_code code;
} fields[] = {
	{ "bad-magic", FIELD(magic), 0x5041454d, LEAP_REFUSED_MALFORMED },
	{ "bad-magic", FIELD(magic), 0, LEAP_REFUSED_MALFORMED },
	{ "other-version", FIELD(version), 0, LEAP_REFUSED_VERSION },
	{ "other-version", FIELD(version), LEAP_PROTO_VERSION - 1, LEAP_REFUSED_VERSION },
	{ "other-version", FIELD(version), LEAP_PROTO_VERSION + 1, LEAP_REFUSED_VERSION },
	{ "other-version", FIELD(version), 0xffff, LEAP_REFUSED_VERSION },
	{ "other-page-size", FIELD(page_shift), 14, LEAP_REFUSED_PAGE_SIZE },
	{ "other-page-size", FIELD(page_shift), 0, LEAP_REFUSED_MALFORMED },
	{ "other-page-size", FIELD(page_shift), 255, LEAP_REFUSED_MALFORMED },
	{ "other-slab-size", FIELD(slab_shift), 30, LEAP_REFUSED_SLAB_SIZE },
	{ "other-slab-size", FIELD(slab_shift), 1, LEAP_REFUSED_MALFORMED },
	{ "other-slab-size", FIELD(slab_shift), 255, LEAP_REFUSED_MALFORMED },
	{ "unknown-role", FIELD(role), 0, LEAP_REFUSED_MALFORMED },
	{ "unknown-role", FIELD(role), 3, LEAP_REFUSED_MALFORMED },
	{ "unknown-role", FIELD(role), 255, LEAP_REFUSED_MALFORMED },
	{ "bad-counts", FIELD(queues), 0, LEAP_REFUSED_MALFORMED },
	{ "bad-counts", FIELD(queues), 0xffff, LEAP_REFUSED_MALFORMED },
	{ "bad-counts", FIELD(depth), 0, LEAP_REFUSED_MALFORMED },
	{ "bad-counts", FIELD(depth), 0xffff, LEAP_REFUSED_MALFORMED },
	{ "reserved-bits", FIELD(flags), 4, LEAP_REFUSED_MALFORMED },
	{ "reserved-bits", FIELD(flags), 0xff, LEAP_REFUSED_MALFORMED },
	{ "reserved-bits", FIELD(reserved0), 1, LEAP_REFUSED_MALFORMED },
	{ "early-token", FIELD(token), 1, LEAP_REFUSED_MALFORMED },
};

static void expect_refusal(const void *hello, size_t len,
			   enum leap_refusal_code code)
{
	struct borrower *b = make_borrower();
	struct rdma_cm_id *id = make_end();

	if (knock(b, id, hello, len))
		die("a hello of %zu bytes was welcome", len);
	if (b->refusal.code != code || !*b->refusal.text)
		die("refused by code %u where %u was due: %s", b->refusal.code,
		    code, b->refusal.text);
	printf("refused: %s\n", b->refusal.text);
	rdma_destroy_ep(id);
	free(b);
}

static void good_hello(struct leap_hello *wire, enum leap_role role)
{
	struct borrower *b = make_borrower();

	b->hello.role = (uint8_t)role;
	leap_hello_encode(&b->hello, wire);
	free(b);
}

/* A data queue of nobody, or of somebody whose token it does not know. */
static void wrong_token(void)
{
	struct borrower *b = arrive();
	uint64_t token = b->welcome.token;
	struct leap_hello wire;

	good_hello(&wire, LEAP_ROLE_DATA);
	wire.token = cpu_to_le64(token);
	expect_refusal(&wire, sizeof(wire), LEAP_REFUSED_TOKEN);
	memcpy(wire.client_id, b->hello.client_id, LEAP_CLIENT_ID_LEN);
	for (int bit = 0; bit < 64; bit += 9) {
		wire.token = cpu_to_le64(token ^ 1ULL << bit);
		expect_refusal(&wire, sizeof(wire), LEAP_REFUSED_TOKEN);
	}
	wire.token = 0;
	expect_refusal(&wire, sizeof(wire), LEAP_REFUSED_TOKEN);
	leave(b);
}

/*
 * InfiniBand fills up with zeros what is short, so that the version can be 0
 * there, and a hello for data without its end has the wrong token.
 */
static enum leap_refusal_code code_of_first(size_t len, bool iwarp)
{
	if (!iwarp && len == offsetof(struct leap_hello, version))
		return LEAP_REFUSED_VERSION;
	if (!iwarp && len > offsetof(struct leap_hello, depth))
		return LEAP_REFUSED_TOKEN;
	return LEAP_REFUSED_MALFORMED;
}

static void truncated(void)
{
	struct borrower *b = arrive();
	struct leap_hello wire;

	good_hello(&wire, LEAP_ROLE_DATA);
	memcpy(wire.client_id, b->hello.client_id, LEAP_CLIENT_ID_LEN);
	for (size_t len = 0; len <= offsetof(struct leap_hello, token); len++)
		expect_refusal(&wire, len, code_of_first(len, on_iwarp(b)));
	leave(b);
}

static void noise(void)
{
	unsigned char bytes[HELLO_MAX];

	for (int i = 0; i < 24; i++) {
		make_noise(bytes, sizeof(bytes));
		expect_refusal(bytes, (size_t)rand() % (HELLO_MAX + 1),
			       LEAP_REFUSED_MALFORMED);
	}
}

/* As noise, but for a head that looks right: one way or other, an answer. */
static void noise_inside(void)
{
	union {
		struct leap_hello hello;
		unsigned char bytes[HELLO_MAX];
	} wire;

	for (int i = 0; i < 24; i++) {
		struct borrower *b = make_borrower();
		struct rdma_cm_id *id = make_end();

		make_noise(wire.bytes, HELLO_MAX);
		wire.hello.magic = cpu_to_le32(LEAP_PROTO_MAGIC);
		wire.hello.version = cpu_to_le16(LEAP_PROTO_VERSION);
		wire.hello.role = (uint8_t)(LEAP_ROLE_CONTROL + i % 2);
		wire.hello.flags = 0;
		wire.hello.reserved0 = 0;
		printf("%s\n", knock(b, id, wire.bytes, HELLO_MAX) ? "welcome" :
		       b->refusal.text);
		rdma_destroy_ep(id);
		free(b);
	}
}

static void too_many_queues(void)
{
	struct borrower *b = arrive();
	struct rdma_cm_id *ids[LEAP_QUEUES_MAX];
	unsigned int nr = 0;
	bool refused;

	do {
		ids[nr] = make_end();
		refused = !knock_as(b, ids[nr], LEAP_ROLE_DATA);
	} while (++nr < LEAP_QUEUES_MAX && !refused);
	printf("%u queues more: %s\n", nr - 1, b->refusal.text);
	if (nr != b->welcome.queues || b->refusal.code != LEAP_REFUSED_FULL)
		die("%u queues agreed on, %u got", b->welcome.queues, nr);
	while (nr)
		rdma_destroy_ep(ids[--nr]);
	leave(b);
}

/*
 * What the connection manager says of the welcome gets lost: leapd believes the
 * client, which uses what the welcome has told it.
 */
static void welcome_late(void)
{
	struct borrower *b = make_borrower();
	struct lease lease;

	b->late = true;
	if (!open_control(b))
		die("refused: %s", b->refusal.text);
	open_data(b);
	lease = borrow(b);
	for (int i = 0; i < LATE; i++) {
		fill(b, lease, CHUNK, i);
		expect_bytes(b, lease, CHUNK, i);
		capacity(b);
		sleep(1);
	}
	establish(b->control);
	establish(b->data);
	fill(b, lease, CHUNK, LATE);
	expect_bytes(b, lease, CHUNK, LATE);
	leave(b);
}

/* Somebody who does not even do that goes without another word. */
static void welcome_unseen(void)
{
	struct borrower *b = make_borrower();

	b->late = true;
	if (!open_control(b))
		die("refused: %s", b->refusal.text);
	expect_drop(b, "no answer to the welcome");
	vanish(b);
}

static void answer_late(void)
{
	struct borrower *b = make_borrower();
	bool iwarp;

	b->control = make_end();
	iwarp = on_iwarp(b);
	rdma_destroy_ep(b->control);
	free(b);
	if (iwarp)
		return;
	welcome_late();
	welcome_unseen();
}

static const struct {
	const char *name;
	void (*fn)(void);
} others[] = {
	{ "wrong-token", wrong_token },
	{ "truncated-hello", truncated },
	{ "noise-for-hello", noise },
	{ "noise-in-hello", noise_inside },
	{ "too-many-queues", too_many_queues },
	{ "late-answer", answer_late },
};

/* Says hello in the way of that name; false if there is no such way. */
bool hello_wrong(const char *name)
{
	bool found = false;
	struct leap_hello wire;

	for (size_t i = 0; i < COUNT(fields); i++) {
		if (strcmp(name, fields[i].name))
			continue;
		good_hello(&wire, LEAP_ROLE_CONTROL);
		/* Little-endian, as the wire is. */
		memcpy((char *)&wire + fields[i].offset, &fields[i].value, fields[i].len);
		expect_refusal(&wire, sizeof(wire), fields[i].code);
		found = true;
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		if (strcmp(name, others[i].name))
			continue;
		others[i].fn();
		found = true;
	}
	return found;
}

void hello_names(void)
{
	const char *last = "";

	for (size_t i = 0; i < COUNT(fields); i++) {
		if (strcmp(last, fields[i].name))
			puts(fields[i].name);
		last = fields[i].name;
	}
	for (size_t i = 0; i < COUNT(others); i++)
		puts(others[i].name);
}
