// SPDX-License-Identifier: GPL-2.0
/* Whom leapd lends to: networks and addresses. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/allow.h"

static bool matches(const char *network, const char *address)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct network list;

	assert_true(allow_parse(network, &list));
	if (inet_pton(AF_INET, address, &in.sin_addr) == 1)
		return allow_match(&list, 1, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, address, &in6.sin6_addr), 1);
	return allow_match(&list, 1, (struct sockaddr *)&in6);
}

static void networks_are_read(void **state)
{
	static const char *const good[] = {
		"10.0.0.5", "10.0.0.0/24", "0.0.0.0/0", "1.2.3.4/32", "::/0",
		"fd00::/64", "fd00::1", "::1/128", "1.2.3.4/07",
	};
	static const char *const bad[] = {
		"", "/", "/24", "10.0.0", "10.0.0.0/", "10.0.0.0/33", "::/129",
		"10.0.0.0/-1", "10.0.0.0/+1", "10.0.0.0/2x", "10.0.0.0/ 8",
		"10.0.0.0/4294967297", "10.0.0.0//8", "10.0.0.0/8/8", "host",
		"10.0.0.5 ", "10.0.0.5,10.0.0.6", "[::1]", "fd00::/64x",
	};
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(allow_parse(good[i], &network));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(allow_parse(bad[i], &network));
}

static void addresses_match_by_their_first_bits(void **state)
{
	(void)state;
	assert_true(matches("10.0.0.5", "10.0.0.5"));
	assert_false(matches("10.0.0.5", "10.0.0.4"));
	assert_true(matches("10.1.2.3/8", "10.255.0.1"));
	assert_false(matches("10.0.0.0/8", "11.0.0.0"));
	assert_true(matches("192.168.77.0/25", "192.168.77.127"));
	assert_false(matches("192.168.77.0/25", "192.168.77.128"));
	assert_true(matches("0.0.0.0/0", "255.255.255.255"));
	assert_true(matches("fd00::/63", "fd00:0:0:1::5"));
	assert_false(matches("fd00::/63", "fd00:0:0:2::5"));
	assert_true(matches("::/0", "fe80::1"));
	assert_true(matches("fd00::1", "fd00::1"));
	assert_false(matches("fd00::1", "fd00::2"));
}

/* 0.0.0.0/0 is all of IPv4, and not a hole for IPv6. */
static void families_are_apart_but_for_one_in_the_other(void **state)
{
	(void)state;
	assert_false(matches("0.0.0.0/0", "fd00::1"));
	assert_false(matches("::/0", "10.0.0.1"));
	assert_true(matches("10.0.0.0/8", "::ffff:10.0.0.1"));
	assert_false(matches("::ffff:0:0/96", "::ffff:10.0.0.1"));
	assert_false(matches("10.0.0.0/8", "::10.0.0.1"));
}

static void without_a_list_everybody_matches(void **state)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr none = { .sa_family = AF_UNIX };
	struct network list[3];

	(void)state;
	assert_true(allow_match(NULL, 0, (struct sockaddr *)&in));
	for (size_t i = 0; i < 3; i++)
		assert_true(allow_parse(i == 2 ? "0.0.0.0" : "1.1.1.1", &list[i]));
	assert_false(allow_match(list, 2, (struct sockaddr *)&in));
	assert_true(allow_match(list, 3, (struct sockaddr *)&in));
	assert_false(allow_match(list, 3, &none));
}

static bool leads_to(const char *gid, const char *peer)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	uint8_t raw[16];

	assert_int_equal(inet_pton(AF_INET6, gid, raw), 1);
	if (inet_pton(AF_INET, peer, &in.sin_addr) == 1)
		return allow_leads_to(raw, (struct sockaddr *)&in);
	assert_int_equal(inet_pton(AF_INET6, peer, &in6.sin6_addr), 1);
	return allow_leads_to(raw, (struct sockaddr *)&in6);
}

static void an_address_is_believed_where_its_packets_go(void **state)
{
	const struct sockaddr none = { .sa_family = AF_UNIX };
	const uint8_t zeros[16] = {};

	(void)state;
	assert_true(leads_to("::ffff:10.0.0.5", "10.0.0.5"));
	assert_true(leads_to("::ffff:10.0.0.5", "::ffff:10.0.0.5"));
	assert_false(leads_to("::ffff:10.0.0.5", "10.0.0.6"));
	assert_true(leads_to("fd00::5", "fd00::5"));
	assert_false(leads_to("fd00::5", "fd00::1:5"));
	assert_false(leads_to("fd00::a00:5", "10.0.0.5"));
	assert_false(leads_to("::ffff:10.0.0.5", "::10.0.0.5"));
	assert_false(allow_leads_to(zeros, &none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_are_read),
		cmocka_unit_test(addresses_match_by_their_first_bits),
		cmocka_unit_test(families_are_apart_but_for_one_in_the_other),
		cmocka_unit_test(without_a_list_everybody_matches),
		cmocka_unit_test(an_address_is_believed_where_its_packets_go),
	};

	return cmocka_run_group_tests_name("leapd allow", tests, NULL, NULL);
}
