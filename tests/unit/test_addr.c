// SPDX-License-Identifier: GPL-2.0
/* Addresses from text, case by case against the C library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "leap/policy/addr.h"

/* The same answer as inet_pton(), from memory that ends with the text. */
static bool same_as_libc(const char *text)
{
	size_t len = strlen(text);
	u8 want[16], got[16];
	char *exact = malloc(len ? len : 1);
	bool four, six;

	assert_non_null(exact);
	memcpy(exact, text, len);
	four = leap_addr4_parse(exact, len, got);
	assert_int_equal(four, inet_pton(AF_INET, text, want) == 1);
	if (four)
		assert_memory_equal(got, want, 4);
	six = leap_addr6_parse(exact, len, got);
	assert_int_equal(six, inet_pton(AF_INET6, text, want) == 1);
	if (six)
		assert_memory_equal(got, want, 16);
	free(exact);
	return four || six;
}

static void addresses_are_read(void **state)
{
	static const char * const good[] = {
		"0.0.0.0", "1.2.3.4", "255.255.255.255", "10.0.0.2",
		"::", "::1", "1::", "2001:db8::2", "1:2:3:4:5:6:7:8",
		"::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3::5:6:7:8",
		"abcd:ef01:2345:6789:ABCD:EF01:2345:6789", "0001::000f",
		"::ffff:10.0.0.2", "1:2:3:4:5:6:1.2.3.4", "64:ff9b::192.0.2.1",
		"::1.2.3.4", "1::6:1.2.3.4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!same_as_libc(good[i]))
			fail_msg("refused: %s", good[i]);
}

static void all_else_is_refused(void **state)
{
	static const char * const bad[] = {
		"", ".", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5",
		".1.2.3.4", "1..3.4", "01.2.3.4", "1.2.3.04", "00.0.0.0",
		"256.1.1.1", "1.2.3.999999999999999999999", "1.2.3.4x",
		"1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4", "+1.2.3.4", "1.2.3.-4",
		"16909060", "localhost", "1,2,3,4",
		":", ":::", "::1::", "1::2::3", ":1", "1:", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
		"1:2:3:4::5:6:7:8", "12345::", "::00001", "g::", "::g", "1:::2",
		":1:2:3:4:5:6:7", "1:2:3:4:5:6:7:", "::1%lo", "[::1]", "::/64",
		"::1.2.3", "::1.2.3.4.5", "::01.2.3.4", "::1.2.3.4:5",
		"::256.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4",
		"1:2:3:4:5:6::1.2.3.4", "::a.2.3.4", "1.2.3.4::", ".::", "::.",
		"fedcba9876543210::", "::fedcba9876543210.1.1.1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (same_as_libc(bad[i]))
			fail_msg("accepted: %s", bad[i]);
}

/* Changes of good addresses in one place find what a list misses. */
static void one_character_away_from_an_address(void **state)
{
	static const char seeds[][48] = {
		"10.20.30.255", "::ffff:192.0.2.1", "2001:db8:1::9:abcd",
		"1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4",
	};
	static const char alphabet[] = "0159afgAF:.% ";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++) {
		size_t len = strlen(seeds[i]);

		for (size_t at = 0; at < len; at++) {
			for (const char *c = alphabet; *c; c++) {
				char text[64];

				strcpy(text, seeds[i]);
				text[at] = *c;
				same_as_libc(text);
				memcpy(text + at + 1, seeds[i] + at, len - at + 1);
				same_as_libc(text);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(one_character_away_from_an_address),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
