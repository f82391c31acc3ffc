// SPDX-License-Identifier: GPL-2.0
/* What a proof is about: each bit of what was said, and who proves it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leap/policy/auth.h"

static const struct leap_portal_server where = {
	.family = AF_INET, .port = 9400, .addr = { 10, 0, 0, 2 },
};

static const struct leap_hello_info hello = {
	.role = LEAP_ROLE_CONTROL, .page_shift = 12, .slab_shift = 26,
	.flags = LEAP_HELLO_KEY, .queues = 8, .depth = 128,
	.client_id = { 1, 2, 3, [15] = 16 },
};

static const struct leap_welcome_info welcome = {
	.page_shift = 12, .slab_shift = 26, .queues = 4, .depth = 64,
	.flags = LEAP_WELCOME_KEY, .token = 0x1122334455667788,
	.capacity = 1ULL << 30,
};

static const u8 nonces[2][LEAP_NONCE_LEN] = { { 0xc0, [31] = 0xc1 }, { 0x50, [31] = 0x51 } };

static void the_text_byte_by_byte(void **state)
{
	static const u8 want[LEAP_AUTH_TEXT] = {
		'l', 'e', 'a', 'p', ' ', '2', ' ', 's', 'e', 'r', 'v', 'e', 'r', 0, 0, 0,
		4, 0, 9400 >> 8, 9400 & 0xff, 10, 0, 0, 2, [36] =
		'L', 'E', 'A', 'P', 2, 0, 1, 12, 26, 1, 8, 0, 128, 0, 0, 0,
		1, 2, 3, [67] = 16, [76] =
		'L', 'E', 'A', 'P', 2, 0, 12, 26, 4, 0, 64, 0, 1, 0, 0, 0,
		0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
		0, 0, 0, 0x40, 0, 0, 0, 0,
		[108] = 0xc0, [139] = 0xc1, [140] = 0x50, [171] = 0x51,
	};
	u8 text[LEAP_AUTH_TEXT];

	(void)state;
	leap_auth_text(LEAP_AUTH_SERVER, &where, &hello, &welcome, nonces[0], nonces[1], text);
	assert_memory_equal(text, want, sizeof(want));
}

static void everything_makes_a_difference(void **state)
{
	struct leap_portal_server wheres[3] = { where, where, where };
	struct leap_hello_info hellos[6];
	struct leap_welcome_info welcomes[6];
	u8 texts[20][LEAP_AUTH_TEXT];
	u32 nr = 0;

	(void)state;
	for (u32 i = 0; i < 6; i++) {
		hellos[i] = hello;
		welcomes[i] = welcome;
	}
	hellos[0].flags = 0;
	hellos[1].queues = 9;
	hellos[2].depth = 127;
	hellos[3].client_id[7] = 1;
	hellos[4].slab_shift = 0;
	welcomes[0].flags = 0;
	welcomes[1].queues = 9;
	welcomes[2].token++;
	welcomes[3].capacity++;
	welcomes[4].slab_shift = 21;
	for (u32 i = 0; i < 6; i++) {
		leap_auth_text(LEAP_AUTH_CLIENT, &where, &hellos[i], &welcome, nonces[0],
			       nonces[1], texts[nr++]);
		if (i < 5)
			leap_auth_text(LEAP_AUTH_CLIENT, &where, &hello, &welcomes[i],
				       nonces[0], nonces[1], texts[nr++]);
	}
	wheres[0].family = AF_INET6;
	wheres[1].port = 9656;
	wheres[2].addr[3] = 3;
	for (u32 i = 0; i < 3; i++)
		leap_auth_text(LEAP_AUTH_CLIENT, &wheres[i], &hello, &welcome,
			       nonces[0], nonces[1], texts[nr++]);
	leap_auth_text(LEAP_AUTH_SERVER, &where, &hello, &welcome, nonces[0], nonces[1], texts[nr++]);
	leap_auth_text(LEAP_AUTH_CLIENT, &where, &hello, &welcome, nonces[1], nonces[0], texts[nr++]);
	leap_auth_text(LEAP_AUTH_CLIENT, &where, &hello, &welcome, nonces[0], nonces[0], texts[nr++]);
	for (u32 i = 0; i < nr; i++)
		for (u32 j = 0; j < i; j++)
			assert_memory_not_equal(texts[i], texts[j], LEAP_AUTH_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_byte_by_byte),
		cmocka_unit_test(everything_makes_a_difference),
	};

	return cmocka_run_group_tests_name("auth", tests, NULL, NULL);
}
