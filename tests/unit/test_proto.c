// SPDX-License-Identifier: GPL-2.0
/* The wire format: its bytes, and what a peer can send that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/proto.h"

enum kind { HELLO, WELCOME, REFUSAL, MSG };

union any_info {
	struct leap_hello_info hello;
	struct leap_welcome_info welcome;
	struct leap_refusal_info refusal;
	struct leap_msg_info msg;
};

static const size_t wire_size[] = {
	[HELLO] = sizeof(struct leap_hello),
	[WELCOME] = sizeof(struct leap_welcome),
	[REFUSAL] = sizeof(struct leap_refusal),
	[MSG] = sizeof(struct leap_msg),
};

/* Decodes from memory that ends with the message, at an odd address. */
static int decode(enum kind kind, const void *wire, size_t len, void *info)
{
	char *memory = malloc(len + 1);
	int err = 0;

	assert_non_null(memory);
	memcpy(memory + 1, wire, len);
	switch (kind) {
	case HELLO:
		err = leap_hello_decode(memory + 1, len, info);
		break;
	case WELCOME:
		err = leap_welcome_decode(memory + 1, len, info);
		break;
	case REFUSAL:
		err = leap_refusal_decode(memory + 1, len, info);
		break;
	case MSG:
		err = leap_msg_decode(memory + 1, len, info);
		break;
	}
	free(memory);
	return err;
}

/* One byte of a good message changed: which, into what, and the answer. */
struct change {
	size_t at;
	u8 value;
	int err;
};

static void check_changes(enum kind kind, const void *wire,
			  const struct change *changes, size_t nr)
{
	union any_info info;
	u8 bad[256];

	for (size_t i = 0; i < nr; i++) {
		int err;

		memcpy(bad, wire, wire_size[kind]);
		bad[changes[i].at] = changes[i].value;
		err = decode(kind, bad, wire_size[kind], &info);
		if (err != -changes[i].err)
			fail_msg("byte %zu = %u: %d, not %d", changes[i].at,
				 changes[i].value, err, -changes[i].err);
	}
}

/* No shorter message is accepted, and longer ones are, whatever is behind. */
static void check_lengths(enum kind kind, const void *wire)
{
	size_t size = wire_size[kind];
	union any_info info;
	u8 padded[512] = { 0 };

	for (size_t len = 0; len < size; len++)
		assert_int_equal(decode(kind, wire, len, &info), -EBADMSG);
	memcpy(padded, wire, size);
	assert_int_equal(decode(kind, padded, sizeof(padded), &info), 0);
	memset(padded + size, 0xff, sizeof(padded) - size);
	assert_int_equal(decode(kind, padded, sizeof(padded), &info), 0);
}

static const struct leap_hello_info hello = {
	.role = LEAP_ROLE_DATA, .page_shift = 12, .slab_shift = 26,
	.queues = LEAP_QUEUES_MAX, .depth = 0x304,
	.client_id = { 0xa0, 0xa1, 0xa2, [15] = 0xaf },
	.token = 0x1122334455667788,
};

static void a_hello_byte_by_byte(void **state)
{
	static const u8 want[40] = {
		'L', 'E', 'A', 'P', 2, 0, 2, 12, 26, 0, 0x00, 0x01, 0x04, 0x03,
		0, 0, 0xa0, 0xa1, 0xa2, [31] = 0xaf,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
	};
	struct leap_hello_info got;
	struct leap_hello wire;

	(void)state;
	leap_hello_encode(&hello, &wire);
	assert_memory_equal(&wire, want, sizeof(want));
	assert_int_equal(decode(HELLO, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.version, LEAP_PROTO_VERSION);
	assert_int_equal(got.role, LEAP_ROLE_DATA);
	assert_int_equal(got.page_shift, 12);
	assert_int_equal(got.slab_shift, 26);
	assert_int_equal(got.queues, LEAP_QUEUES_MAX);
	assert_int_equal(got.depth, 0x304);
	assert_memory_equal(got.client_id, hello.client_id, LEAP_CLIENT_ID_LEN);
	assert_int_equal(got.token, 0x1122334455667788);
}

static void hellos_that_are_refused(void **state)
{
	static const struct change changes[] = {
		{ 0, 'l', EPROTO }, { 3, 0, EPROTO },
		{ 4, 0, EPROTOTYPE }, { 4, 1, EPROTOTYPE }, { 5, 1, EPROTOTYPE },
		{ 6, 0, EINVAL }, { 6, 1, EINVAL /* a token */ }, { 6, 3, EINVAL },
		{ 7, 11, EINVAL }, { 7, 12, 0 }, { 7, 18, 0 }, { 7, 19, EINVAL },
		{ 8, 0, 0 }, { 8, 20, EINVAL }, { 8, 21, 0 }, { 8, 30, 0 },
		{ 8, 31, EINVAL }, { 8, 255, EINVAL },
		{ 9, 1, EINVAL /* for data */ }, { 9, 2, EINVAL },
		{ 9, 4, EBADMSG },
		{ 9, 128, EBADMSG }, { 14, 1, EBADMSG }, { 15, 128, EBADMSG },
		{ 10, 1, EINVAL }, { 11, 0, EINVAL }, { 11, 128, EINVAL },
		{ 13, 0, 0 }, { 13, 4, EINVAL }, { 13, 255, EINVAL },
		{ 16, 0, 0 }, { 31, 255, 0 }, { 32, 0, 0 }, { 39, 255, 0 },
	};
	struct leap_hello_info control = hello, got;
	struct leap_hello wire;

	(void)state;
	leap_hello_encode(&hello, &wire);
	check_changes(HELLO, &wire, changes, ARRAY_SIZE(changes));
	check_lengths(HELLO, &wire);
	control.role = LEAP_ROLE_CONTROL;
	control.token = 0;
	leap_hello_encode(&control, &wire);
	check_lengths(HELLO, &wire);
	control.flags = LEAP_HELLO_KEY;
	leap_hello_encode(&control, &wire);
	assert_int_equal(decode(HELLO, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.flags, LEAP_HELLO_KEY);
	control.token = 5;
	leap_hello_encode(&control, &wire);
	assert_int_equal(decode(HELLO, &wire, sizeof(wire), &got), -EINVAL);
	control.flags |= LEAP_HELLO_KEEP;
	leap_hello_encode(&control, &wire);
	assert_int_equal(decode(HELLO, &wire, sizeof(wire), &got), 0);
	control.queues = 1;
	control.depth = 1;
	leap_hello_encode(&control, &wire);
	assert_int_equal(decode(HELLO, &wire, sizeof(wire), &got), 0);
	control.depth = 0;
	leap_hello_encode(&control, &wire);
	assert_int_equal(decode(HELLO, &wire, sizeof(wire), &got), -EINVAL);
}

static const struct leap_welcome_info welcome = {
	.page_shift = 16, .slab_shift = 30, .queues = 2, .depth = LEAP_DEPTH_MAX,
	.flags = LEAP_WELCOME_KEY, .token = 0x1122334455667788, .capacity = 0x99aabbccddeeff00,
};

static void a_welcome_byte_by_byte(void **state)
{
	static const u8 want[32] = {
		'L', 'E', 'A', 'P', 2, 0, 16, 30, 2, 0, 0x00, 0x04, 1, 0, 0, 0,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0x00, 0xff, 0xee, 0xdd, 0xcc, 0xbb, 0xaa, 0x99,
	};
	struct leap_welcome_info got;
	struct leap_welcome wire;

	(void)state;
	leap_welcome_encode(&welcome, &wire);
	assert_memory_equal(&wire, want, sizeof(want));
	assert_int_equal(decode(WELCOME, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.version, LEAP_PROTO_VERSION);
	assert_int_equal(got.page_shift, 16);
	assert_int_equal(got.slab_shift, 30);
	assert_int_equal(got.queues, 2);
	assert_int_equal(got.depth, LEAP_DEPTH_MAX);
	assert_int_equal(got.flags, LEAP_WELCOME_KEY);
	assert_int_equal(got.token, 0x1122334455667788);
	assert_int_equal(got.capacity, 0x99aabbccddeeff00);
}

static void welcomes_that_are_refused(void **state)
{
	static const struct change changes[] = {
		{ 1, 'e', EPROTO }, { 4, 1, EPROTOTYPE }, { 5, 255, EPROTOTYPE },
		{ 6, 0, EINVAL }, { 6, 19, EINVAL },
		{ 7, 0, EINVAL }, { 7, 20, EINVAL }, { 7, 31, EINVAL },
		{ 8, 0, EINVAL }, { 9, 1, EINVAL },
		{ 10, 1, EINVAL }, { 11, 0, EINVAL },
		{ 12, 0, 0 }, { 12, 3, 0 }, { 12, 4, EBADMSG }, { 15, 1, EBADMSG },
		{ 16, 0, 0 }, { 24, 0, 0 }, { 31, 255, 0 },
	};
	struct leap_welcome wire;

	(void)state;
	leap_welcome_encode(&welcome, &wire);
	check_changes(WELCOME, &wire, changes, ARRAY_SIZE(changes));
	check_lengths(WELCOME, &wire);
}

static void a_refusal_byte_by_byte(void **state)
{
	static const u8 want[136] = {
		'L', 'E', 'A', 'P', 2, 0, 4, 0, 't', 'o', 'o', ' ', 'b', 'i', 'g',
	};
	const struct leap_refusal_info refusal = {
		.code = LEAP_REFUSED_SLAB_SIZE, .text = "too big",
	};
	struct leap_refusal_info got;
	struct leap_refusal wire;

	(void)state;
	leap_refusal_encode(&refusal, &wire);
	assert_memory_equal(&wire, want, sizeof(want));
	assert_int_equal(decode(REFUSAL, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.version, LEAP_PROTO_VERSION);
	assert_int_equal(got.code, LEAP_REFUSED_SLAB_SIZE);
	assert_string_equal(got.text, "too big");
}

static void refusals_that_are_refused(void **state)
{
	static const struct change changes[] = {
		{ 2, 0, EPROTO }, { 4, 0, EPROTOTYPE },
		{ 6, 0, EINVAL }, { 6, 9, 0 }, { 6, 10, EINVAL }, { 7, 1, EINVAL },
		{ 135, 'x', EBADMSG }, { 134, '\0', 0 },
	};
	struct leap_refusal_info full = { .code = LEAP_REFUSED_RESOURCES };
	struct leap_refusal wire;

	(void)state;
	memset(full.text, 'x', LEAP_REFUSAL_TEXT - 1);
	leap_refusal_encode(&full, &wire);
	check_changes(REFUSAL, &wire, changes, ARRAY_SIZE(changes));
	check_lengths(REFUSAL, &wire);
}

/* A server could send escape sequences to the client's terminal. */
static void a_refusals_text_is_made_harmless(void **state)
{
	struct leap_refusal_info info = { .code = LEAP_REFUSED_FULL }, got;
	struct leap_refusal wire;

	(void)state;
	strcpy(info.text, "\x1b[2Jno\nroom\x7f \xc3\xa4~");
	leap_refusal_encode(&info, &wire);
	wire.text[100] = 'x';
	assert_int_equal(decode(REFUSAL, &wire, sizeof(wire), &got), 0);
	assert_string_equal(got.text, "?[2Jno?room? ??~");
	assert_int_equal(got.text[100], 0);
}

/* What encoding gets is our own, but a text without an end must not leak. */
static void a_text_without_an_end_is_cut(void **state)
{
	struct leap_refusal_info info = { .code = LEAP_REFUSED_FULL }, got;
	struct leap_refusal wire;

	(void)state;
	memset(info.text, 'x', LEAP_REFUSAL_TEXT);
	leap_refusal_encode(&info, &wire);
	assert_int_equal(decode(REFUSAL, &wire, sizeof(wire), &got), 0);
	assert_int_equal(strlen(got.text), LEAP_REFUSAL_TEXT - 1);
}

/* The version is told even if nothing else of the message is as in ours. */
static void another_version_is_known_and_nothing_else(void **state)
{
	static const u8 wire[6] = { 'L', 'E', 'A', 'P', 0x34, 0x12 };
	struct leap_hello_info hello_got;
	struct leap_welcome_info welcome_got;
	struct leap_refusal_info refusal_got;

	(void)state;
	memset(&hello_got, 0xff, sizeof(hello_got));
	assert_int_equal(decode(HELLO, wire, 6, &hello_got), -EPROTOTYPE);
	assert_int_equal(hello_got.version, 0x1234);
	assert_int_equal(hello_got.role, 0);
	assert_int_equal(decode(WELCOME, wire, 6, &welcome_got), -EPROTOTYPE);
	assert_int_equal(welcome_got.version, 0x1234);
	memset(&refusal_got, 0xff, sizeof(refusal_got));
	assert_int_equal(decode(REFUSAL, wire, 6, &refusal_got), -EPROTOTYPE);
	assert_int_equal(refusal_got.version, 0x1234);
	assert_string_equal(refusal_got.text, "");
}

static void refusals_have_errors(void **state)
{
	(void)state;
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_MALFORMED), -EPROTO);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_VERSION), -EPROTOTYPE);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_PAGE_SIZE), -EOPNOTSUPP);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_SLAB_SIZE), -EOPNOTSUPP);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_TOKEN), -EACCES);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_FULL), -EUSERS);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_RESOURCES), -ENOSPC);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_ADDRESS), -EACCES);
	assert_int_equal(leap_refusal_errno(LEAP_REFUSED_KEY), -ENOKEY);
	assert_int_equal(leap_refusal_errno(0), -EPROTO);
	assert_int_equal(leap_refusal_errno(65535), -EPROTO);
}

static void a_message_byte_by_byte(void **state)
{
	static const u8 want[56] = {
		'L', 'E', 'A', 'P', 2, 0, 3, 0,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0x00, 0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc,
		0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01,
		0xd4, 0xc3, 0xb2, 0xa1, 0x67, 0x45, 0x23, 0x01,
	};
	const struct leap_msg_info grant = {
		.type = LEAP_MSG_SLAB_GRANT, .status = LEAP_STATUS_DEVICE,
		.seq = 0x1122334455667788, .addr = 0xdcba987654321000,
		.capacity = 0x0102030405060708, .slab = 0xa1b2c3d4,
		.rkey = 0x01234567,
	};
	struct leap_msg_info got;
	struct leap_msg wire;

	(void)state;
	leap_msg_encode(&grant, &wire);
	assert_memory_equal(&wire, want, sizeof(want));
	assert_int_equal(decode(MSG, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.type, LEAP_MSG_SLAB_GRANT);
	assert_int_equal(got.status, LEAP_STATUS_DEVICE);
	assert_int_equal(got.seq, 0x1122334455667788);
	assert_int_equal(got.addr, 0xdcba987654321000);
	assert_int_equal(got.capacity, 0x0102030405060708);
	assert_int_equal(got.slab, 0xa1b2c3d4);
	assert_int_equal(got.rkey, 0x01234567);
	assert_int_equal(got.used, 0);
	check_lengths(MSG, &wire);
}

static void a_recall_byte_by_byte(void **state)
{
	static const u8 want[56] = {
		'L', 'E', 'A', 'P', 13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		[32] = 0xd4, 0xc3, 0xb2, 0xa1, [44] = 0x2c, 0x01,
	};
	const struct leap_msg_info recall = {
		.type = LEAP_MSG_SLAB_RECALL, .slab = 0xa1b2c3d4, .seconds = 300,
	};
	struct leap_msg_info got;
	struct leap_msg wire;

	(void)state;
	leap_msg_encode(&recall, &wire);
	assert_memory_equal(&wire, want, sizeof(want));
	assert_int_equal(decode(MSG, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.slab, 0xa1b2c3d4);
	assert_int_equal(got.seconds, 300);
	check_lengths(MSG, &wire);
}

static void a_proof_byte_by_byte(void **state)
{
	struct leap_msg_info proof = {
		.type = LEAP_MSG_KEY_ADMIT, .status = LEAP_STATUS_KEY, .seq = 2,
	};
	u8 want[56] = { 'L', 'E', 'A', 'P', 12, 0, 4, 0, 2 };
	struct leap_msg_info got;
	struct leap_msg wire;

	(void)state;
	for (u8 i = 0; i < LEAP_NONCE_LEN; i++)
		proof.bytes[i] = want[16 + i] = 0xff - i;
	leap_msg_encode(&proof, &wire);
	assert_memory_equal(&wire, want, sizeof(want));
	assert_int_equal(decode(MSG, &wire, sizeof(wire), &got), 0);
	assert_int_equal(got.type, LEAP_MSG_KEY_ADMIT);
	assert_int_equal(got.status, LEAP_STATUS_KEY);
	assert_memory_equal(got.bytes, proof.bytes, LEAP_NONCE_LEN);
	assert_int_equal(got.addr, 0);
	assert_int_equal(got.used, 0);
	check_lengths(MSG, &wire);
	for (size_t i = 48; i < 56; i++) {
		want[i] = 1;
		assert_int_equal(decode(MSG, want, sizeof(want), &got), -EBADMSG);
		want[i] = 0;
	}
}

/* The table of the wire format's header, and which types can tell of failure. */
static void each_type_has_its_fields(void **state)
{
	static const char * const fields[] = {
		[LEAP_MSG_SLAB_GET]	 = ".......",
		[LEAP_MSG_SLAB_GRANT]	 = "xxx.xs.",
		[LEAP_MSG_SLAB_PUT]	 = "x......",
		[LEAP_MSG_SLAB_PUT_DONE] = "x...xs.",
		[LEAP_MSG_SLAB_USAGE]	 = "x..x...",
		[LEAP_MSG_PING]		 = ".......",
		[LEAP_MSG_PONG]		 = "....x..",
		[LEAP_MSG_BYE]		 = ".......",
		/* Those with bytes have these instead, but for the status. */
		[LEAP_MSG_KEY_NONCE]	 = "xxxxx.x",
		[LEAP_MSG_KEY_CHALLENGE] = "xxxxx.x",
		[LEAP_MSG_KEY_PROOF]	 = "xxxxx.x",
		[LEAP_MSG_KEY_ADMIT]	 = "xxxxxsx",
		[LEAP_MSG_SLAB_RECALL]	 = "x.....x",
	};

	(void)state;
	for (u16 type = LEAP_MSG_SLAB_GET; type <= LEAP_MSG_SLAB_RECALL; type++) {
		for (u32 field = 0; field < 7; field++) {
			struct leap_msg_info got, info = {
				.type = type, .seq = UINT64_MAX,
				.slab = field == 0, .addr = field == 1,
				.rkey = field == 2, .used = field == 3,
				.capacity = field == 4, .status = field == 5,
				.seconds = field == 6,
			};
			struct leap_msg wire;

			leap_msg_encode(&info, &wire);
			assert_int_equal(decode(MSG, &wire, sizeof(wire), &got),
					 fields[type][field] == '.' ? -EBADMSG : 0);
		}
	}
}

static void messages_that_are_refused(void **state)
{
	static const struct change changes[] = {
		{ 0, 0, EPROTO }, { 3, 'p', EPROTO },
		{ 4, 0, EINVAL }, { 4, 14, EINVAL }, { 5, 1, EINVAL },
		{ 6, 4, 0 }, { 6, 5, EINVAL }, { 7, 1, EINVAL },
		{ 40, 1, EBADMSG }, { 44, 1, EBADMSG }, { 48, 1, EBADMSG },
		{ 55, 128, EBADMSG },
	};
	const struct leap_msg_info done = { .type = LEAP_MSG_SLAB_PUT_DONE };
	struct leap_msg wire;

	(void)state;
	leap_msg_encode(&done, &wire);
	check_changes(MSG, &wire, changes, ARRAY_SIZE(changes));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_byte_by_byte),
		cmocka_unit_test(hellos_that_are_refused),
		cmocka_unit_test(a_welcome_byte_by_byte),
		cmocka_unit_test(welcomes_that_are_refused),
		cmocka_unit_test(a_refusal_byte_by_byte),
		cmocka_unit_test(refusals_that_are_refused),
		cmocka_unit_test(a_refusals_text_is_made_harmless),
		cmocka_unit_test(a_text_without_an_end_is_cut),
		cmocka_unit_test(another_version_is_known_and_nothing_else),
		cmocka_unit_test(refusals_have_errors),
		cmocka_unit_test(a_message_byte_by_byte),
		cmocka_unit_test(a_recall_byte_by_byte),
		cmocka_unit_test(a_proof_byte_by_byte),
		cmocka_unit_test(each_type_has_its_fields),
		cmocka_unit_test(messages_that_are_refused),
	};

	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
