// SPDX-License-Identifier: GPL-2.0
/* The portal's grammar: what is read, and what each mistake is answered with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/portal.h"
#include "portal_text.h"

static struct leap_portal portal;
static struct leap_portal_error error;

static void accept_portal(const char *text)
{
	int err = leap_portal_parse(text, &portal, &error);

	if (err)
		fail_msg("%.80s: %d %s", text, err, error.text);
	assert_string_equal(error.text, "");
}

/* Refused with @err at @offset, and the sentence is whole and has @word. */
static void refuse_portal(const char *text, int err, u32 offset, const char *word)
{
	int got = leap_portal_parse(text, &portal, &error);

	if (got != -err || error.offset != offset || !strstr(error.text, word))
		fail_msg("%.80s: %d at %u: %s", text, got, error.offset, error.text);
	assert_in_range(strlen(error.text), 1, sizeof(error.text) - 2);
}

static void rdma_servers_of_both_families(void **state)
{
	static const u8 v4[16] = { 10, 0, 0, 2 };
	static const u8 v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 };

	(void)state;
	accept_portal("rdma://2,10.0.0.2:9400,[2001:db8::2]:65535");
	assert_int_equal(portal.transport, LEAP_PORTAL_RDMA);
	assert_int_equal(portal.nr_servers, 2);
	assert_int_equal(portal.servers[0].family, AF_INET);
	assert_memory_equal(portal.servers[0].addr, v4, 16);
	assert_int_equal(portal.servers[0].port, 9400);
	assert_int_equal(portal.servers[1].family, AF_INET6);
	assert_memory_equal(portal.servers[1].addr, v6, 16);
	assert_int_equal(portal.servers[1].port, 65535);
	assert_int_equal(portal.servers[2].family, 0);
}

static void dram_sizes(void **state)
{
	(void)state;
	accept_portal("dram://6,2M,2048K,2097152,1G,1G,18446744073707454464");
	assert_int_equal(portal.transport, LEAP_PORTAL_DRAM);
	assert_int_equal(portal.nr_servers, 6);
	for (u32 i = 0; i < 3; i++)
		assert_int_equal(portal.servers[i].bytes, 2UL << 20);
	assert_int_equal(portal.servers[3].bytes, 1UL << 30);
	assert_int_equal(portal.servers[4].bytes, 1UL << 30);
	assert_int_equal(portal.servers[5].bytes, UINT64_MAX - (2UL << 20) + 1);
}

static void options_and_their_defaults(void **state)
{
	(void)state;
	accept_portal("dram://1,2M");
	assert_int_equal(portal.slab_shift, 0);
	assert_int_equal(portal.timeout_ms, 5000);
	accept_portal("dram://1,2M?slab=2M");
	assert_int_equal(portal.slab_shift, 21);
	accept_portal("dram://1,2M?timeout_ms=100&slab=1G");
	assert_int_equal(portal.slab_shift, 30);
	assert_int_equal(portal.timeout_ms, 100);
	accept_portal("dram://1,2M?slab=65536K&timeout_ms=600000");
	assert_int_equal(portal.slab_shift, 26);
	assert_int_equal(portal.timeout_ms, 600000);
	assert_string_equal(portal.key, "");
	accept_portal("rdma://1,10.0.0.2:9400?key=leap:secret=1&slab=2M");
	assert_string_equal(portal.key, "leap:secret=1");
	assert_false(portal.verify);
	assert_false(portal.verify_given);
	accept_portal("dram://1,2M?verify=0");
	assert_false(portal.verify);
	assert_true(portal.verify_given);
	accept_portal("dram://1,2M?verify=1");
	assert_true(portal.verify);
	assert_int_equal(portal.replicas, 1);
	accept_portal("dram://3,2M,2M,2M?replicas=3");
	assert_int_equal(portal.replicas, 3);
	accept_portal("rdma://2,[::1]:1,[::1]:2?verify=1&replicas=2");
	assert_int_equal(portal.replicas, 2);
	assert_false(portal.backup);
	accept_portal("rdma://1,[::1]:1?replicas=1&backup=disk&verify=1");
	assert_true(portal.backup);
	assert_true(portal.verify);
}

static void the_name_of_a_key_has_a_bound(void **state)
{
	char text[256] = "rdma://1,10.0.0.2:9400?key=";
	size_t at = strlen(text);

	(void)state;
	memset(text + at, 'k', 127);
	accept_portal(text);
	assert_int_equal(strlen(portal.key), 127);
	text[at + 127] = 'k';
	refuse_portal(text, EDOM, at, "127");
	refuse_portal("rdma://1,10.0.0.2:9400?key=", EDOM, 23, "no value");
	refuse_portal("rdma://1,10.0.0.2:9400?key=a&key=a", EALREADY, 29, "twice");
	refuse_portal("dram://1,2M?key=a", EDOM, 16, "no server");
}

static void as_many_servers_as_there_can_be(void **state)
{
	char text[LEAP_PORTAL_MAX];

	(void)state;
	portal = (struct leap_portal){
		.nr_servers = LEAP_SERVERS_MAX, .timeout_ms = 600000,
		.slab_shift = 30,
	};
	for (u32 i = 0; i < LEAP_SERVERS_MAX; i++) {
		portal.servers[i].family = AF_INET6;
		portal.servers[i].port = 65535 - i;
		memset(portal.servers[i].addr, 0xff, 16);
	}
	portal_text(&portal, text);
	accept_portal(text);
	assert_int_equal(portal.nr_servers, LEAP_SERVERS_MAX);
	assert_int_equal(portal.servers[63].port, 65535 - 63);
}

/* Nothing of the last portal may show through. */
static void a_portal_leaves_no_trace_in_the_next(void **state)
{
	static struct leap_portal fresh;

	(void)state;
	accept_portal("rdma://2,10.0.0.2:9400,[::1]:1?slab=2M&timeout_ms=100");
	accept_portal("dram://1,2M");
	assert_int_equal(leap_portal_parse("dram://1,2M", &fresh, &error), 0);
	assert_memory_equal(&portal, &fresh, sizeof(portal));
}

static void texts_that_are_no_portal(void **state)
{
	static char text[10240];

	(void)state;
	refuse_portal("", EINVAL, 0, "empty");
	refuse_portal("garbage", EINVAL, 0, "'garbage' is no portal");
	refuse_portal("rdma:", EINVAL, 0, "no portal");
	refuse_portal("rdma:/", EINVAL, 0, "no portal");
	refuse_portal("rdma:/x1,10.0.0.2:9400", EINVAL, 0, "no portal");
	refuse_portal("rdma:x/1,10.0.0.2:9400", EINVAL, 0, "no portal");
	refuse_portal("rdma://1,10.0.0.2:9400\n", EINVAL, 22, "printable");
	refuse_portal("rdma://1, 10.0.0.2:9400", EINVAL, 9, "no blanks");
	refuse_portal("rdma://1,10.0.0.2\x7f:9400", EINVAL, 17, "printable");
	refuse_portal("rdma://1,\xc3\xa4:9400", EINVAL, 9, "printable");
	refuse_portal("rdma://1,~!:9400", EDESTADDRREQ, 9, "'~!'");
	memset(text, 'x', sizeof(text) - 1);
	refuse_portal(text, ENAMETOOLONG, 0, "4095");
	text[LEAP_PORTAL_MAX] = '\0';
	refuse_portal(text, ENAMETOOLONG, 0, "4095");
	text[LEAP_PORTAL_MAX - 1] = '\0';
	refuse_portal(text, EINVAL, 0, "'xxxxxxxxxx");
}

static void schemes(void **state)
{
	(void)state;
	refuse_portal("http://1,10.0.0.2:9400", EPROTONOSUPPORT, 0, "'http'");
	refuse_portal("RDMA://1,10.0.0.2:9400", EPROTONOSUPPORT, 0, "rdma://");
	refuse_portal("rdm://1,10.0.0.2:9400", EPROTONOSUPPORT, 0, "'rdm'");
	refuse_portal("rdmas://1,10.0.0.2:9400", EPROTONOSUPPORT, 0, "'rdmas'");
	refuse_portal("://1,10.0.0.2:9400", EPROTONOSUPPORT, 0, "rdma://");
}

static void numbers_of_servers(void **state)
{
	(void)state;
	refuse_portal("rdma://", ERANGE, 7, "how many servers");
	refuse_portal("rdma://?slab=2M", ERANGE, 7, "how many servers");
	refuse_portal("rdma://,10.0.0.2:9400", ERANGE, 7, "how many servers");
	refuse_portal("rdma://10.0.0.2:9400", ERANGE, 7, "'10.0.0.2:9400'");
	refuse_portal("rdma://0", ERANGE, 7, "'0'");
	refuse_portal("rdma://65,10.0.0.2:9400", ERANGE, 7, "1 to 64");
	refuse_portal("rdma://-1,10.0.0.2:9400", ERANGE, 7, "'-1'");
	refuse_portal("rdma://+1,10.0.0.2:9400", ERANGE, 7, "'+1'");
	refuse_portal("rdma://0x1,10.0.0.2:9400", ERANGE, 7, "'0x1'");
	refuse_portal("rdma://1x,10.0.0.2:9400", ERANGE, 7, "'1x'");
	refuse_portal("rdma://18446744073709551617,10.0.0.2:9400", ERANGE, 7, "64");
	refuse_portal("rdma://18446744073709551610,10.0.0.2:9400", ERANGE, 7, "64");
	refuse_portal("rdma://30000000000000000001,10.0.0.2:9400", ERANGE, 7, "64");
	refuse_portal("rdma://1", EMSGSIZE, 7, "'1' does not match");
	refuse_portal("dram://2,2M", EMSGSIZE, 7, "how many servers");
	refuse_portal("dram://1,2M,2M", EMSGSIZE, 7, "how many servers");
	refuse_portal("dram://64,2M,2M", EMSGSIZE, 7, "how many servers");
}

static void empty_elements(void **state)
{
	(void)state;
	refuse_portal("rdma://1,", EINVAL, 9, "comma");
	refuse_portal("rdma://2,,10.0.0.2:9400", EINVAL, 9, "comma");
	refuse_portal("rdma://1,10.0.0.2:9400,", EINVAL, 23, "comma");
	refuse_portal("rdma://1,10.0.0.2:9400?", EINVAL, 23, "option is empty");
	refuse_portal("dram://1,2M?slab=2M&", EINVAL, 20, "option is empty");
	refuse_portal("dram://1,2M?&slab=2M", EINVAL, 12, "option is empty");
}

static void addresses_of_servers(void **state)
{
	(void)state;
	refuse_portal("rdma://1,:9400", EDESTADDRREQ, 9, "no address");
	refuse_portal("rdma://1,::1:9400", EDESTADDRREQ, 9, "brackets");
	refuse_portal("rdma://1,node7:9400", EDESTADDRREQ, 9, "'node7'");
	refuse_portal("rdma://1,node7", EDESTADDRREQ, 9, "no names");
	refuse_portal("rdma://2,1.1.1.1:1,1.2.3:9400", EDESTADDRREQ, 19, "'1.2.3'");
	refuse_portal("rdma://1,1.2.3.4.5:9400", EDESTADDRREQ, 9, "1.2.3.4.5");
	refuse_portal("rdma://1,01.2.3.4:9400", EDESTADDRREQ, 9, "01.2.3.4");
	refuse_portal("rdma://1,1.2.3.4x:9400", EDESTADDRREQ, 9, "1.2.3.4x");
	refuse_portal("rdma://1,64M", EDESTADDRREQ, 9, "'64M'");
	refuse_portal("rdma://1,[::1", EDESTADDRREQ, 9, "brackets");
	refuse_portal("rdma://1,[]:9400", EDESTADDRREQ, 9, "2001:db8::2");
	refuse_portal("rdma://1,[1.2.3.4]:9400", EDESTADDRREQ, 9, "[1.2.3.4]");
	refuse_portal("rdma://1,[::1%eth0]:9400", EDESTADDRREQ, 9, "%eth0");
	refuse_portal("rdma://1,[[::1]]:9400", EDESTADDRREQ, 9, "brackets");
}

static void ports(void **state)
{
	(void)state;
	refuse_portal("rdma://1,10.0.0.2", EADDRNOTAVAIL, 9, "no port");
	refuse_portal("rdma://1,10.0.0.2:", EADDRNOTAVAIL, 9, "no port");
	refuse_portal("rdma://1,10.0.0.2:0", EADDRNOTAVAIL, 9, "no port");
	refuse_portal("rdma://1,10.0.0.2:65536", EADDRNOTAVAIL, 9, "65535");
	refuse_portal("rdma://1,10.0.0.2:-1", EADDRNOTAVAIL, 9, "65535");
	refuse_portal("rdma://1,10.0.0.2:http", EADDRNOTAVAIL, 9, "65535");
	refuse_portal("rdma://1,10.0.0.2:9400:1", EADDRNOTAVAIL, 9, "65535");
	refuse_portal("rdma://1,10.0.0.2:9400x", EADDRNOTAVAIL, 9, "65535");
	refuse_portal("rdma://1,10.0.0.2:4294976696", EADDRNOTAVAIL, 9, "65535");
	refuse_portal("rdma://1,[::1]", EADDRNOTAVAIL, 9, "no port");
	refuse_portal("rdma://1,[::1]:", EADDRNOTAVAIL, 9, "no port");
	refuse_portal("rdma://1,[::1]9400", EADDRNOTAVAIL, 9, "no port");
	refuse_portal("rdma://1,[::1]x:9400", EADDRNOTAVAIL, 9, "no port");
}

static void servers_named_twice(void **state)
{
	(void)state;
	refuse_portal("rdma://3,1.1.1.1:1,1.1.1.2:1,1.1.1.1:1", ENOTUNIQ, 29, "twice");
	refuse_portal("rdma://3,1.1.1.2:1,1.1.1.1:1,1.1.1.1:1", ENOTUNIQ, 29, "twice");
	refuse_portal("rdma://2,[::1]:1,[0:0::0:1]:01", ENOTUNIQ, 17, "twice");
	accept_portal("rdma://4,1.1.1.1:1,1.1.1.1:2,[101:101::]:1,1.1.1.0:1");
	accept_portal("dram://2,2M,2M");
}

static void sizes(void **state)
{
	static const char * const bad[] = {
		"0", "1", "1M", "3M", "2049K", "2m", "2MB", "2T", "M", "-2M",
		"2.0M", "0x200000", "10.0.0.2:9400", "18446744073709551616",
		"17179869184G", "18446744073709551615G", "2M2M",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char text[64];

		snprintf(text, sizeof(text), "dram://2,2M,%s", bad[i]);
		refuse_portal(text, EDOM, 12, "multiple of 2M");
	}
}

static void unknown_options(void **state)
{
	(void)state;
	refuse_portal("dram://1,2M?fast", ENOPROTOOPT, 12, "'fast'");
	refuse_portal("dram://1,2M?fast=1", ENOPROTOOPT, 12, "'fast'");
	refuse_portal("dram://1,2M?slab=2M&slabs=2M", ENOPROTOOPT, 20, "'slabs'");
	refuse_portal("dram://1,2M?sla=2M", ENOPROTOOPT, 12, "'sla'");
	refuse_portal("dram://1,2M?=2M", ENOPROTOOPT, 12, "'=2M'");
	refuse_portal("dram://1,2M??slab=2M", ENOPROTOOPT, 12, "'?slab'");
}

static void values_of_options(void **state)
{
	(void)state;
	refuse_portal("dram://1,2M?slab", EDOM, 12, "no value");
	refuse_portal("dram://1,2M?slab=", EDOM, 12, "no value");
	refuse_portal("dram://1,2M?slab=0", EDOM, 17, "power of two");
	refuse_portal("dram://1,2M?slab=1M", EDOM, 17, "'1M'");
	refuse_portal("dram://1,2M?slab=2G", EDOM, 17, "1G");
	refuse_portal("dram://1,2M?slab=3M", EDOM, 17, "power of two");
	refuse_portal("dram://1,2M?slab=x", EDOM, 17, "'x'");
	refuse_portal("dram://1,2M?slab=17179869184G", EDOM, 17, "1G");
	refuse_portal("dram://1,2M?slab=9223372036854775808", EDOM, 17, "1G");
	refuse_portal("dram://1,2M?slab=2M=2M", EDOM, 17, "'2M=2M'");
	refuse_portal("dram://1,2M?timeout_ms=99", EDOM, 23, "100 to 600000");
	refuse_portal("dram://1,2M?timeout_ms=600001", EDOM, 23, "600001");
	refuse_portal("dram://1,2M?timeout_ms=4294967396", EDOM, 23, "600000");
	refuse_portal("dram://1,2M?timeout_ms=1s", EDOM, 23, "milliseconds");
	refuse_portal("dram://1,2M?verify=2", EDOM, 19, "neither 0 nor 1");
	refuse_portal("dram://1,2M?verify=11", EDOM, 19, "'11'");
	refuse_portal("dram://4,2M,2M,2M,2M?replicas=4", EDOM, 30, "write 1, 2 or 3");
	refuse_portal("dram://1,2M?replicas=0", EDOM, 21, "write 1, 2 or 3");
	refuse_portal("dram://1,2M?replicas=x", EDOM, 21, "write 1, 2 or 3");
	refuse_portal("dram://2,2M,2M?replicas=3", EDOM, 24, "name more of them");
	refuse_portal("dram://1,2M?backup=none", EDOM, 19, "write backup=disk");
	refuse_portal("dram://1,2M?backup=disks", EDOM, 19, "'disks'");
	refuse_portal("dram://1,2M?backup=", EDOM, 12, "no value");
	refuse_portal("dram://1,2M?backup=disk&backup=disk", EALREADY, 24, "twice");
	refuse_portal("dram://1,2M?slab=2M&slab=2M", EALREADY, 20, "'slab' is given twice");
	refuse_portal("dram://1,2M?timeout_ms=100&slab=2M&timeout_ms=100", EALREADY,
		      35, "twice");
}

/* A long quote is cut, so that the advice behind it is always there. */
static void one_server_by_itself(void **state)
{
	static const struct {
		const char *text;
		enum leap_portal_transport transport;
		int err;
	} cases[] = {
		{ "10.0.0.2:9400", LEAP_PORTAL_RDMA, 0 },
		{ "[2001:db8::2]:1", LEAP_PORTAL_RDMA, 0 },
		{ "64M", LEAP_PORTAL_DRAM, 0 },
		{ "", LEAP_PORTAL_RDMA, -EINVAL },
		{ "", LEAP_PORTAL_DRAM, -EINVAL },
		{ "10.0.0.2:9400\n", LEAP_PORTAL_RDMA, -EINVAL },
		{ " 64M", LEAP_PORTAL_DRAM, -EINVAL },
		{ "64M", LEAP_PORTAL_RDMA, -EDESTADDRREQ },
		{ "::1:9400", LEAP_PORTAL_RDMA, -EDESTADDRREQ },
		{ "10.0.0.2", LEAP_PORTAL_RDMA, -EADDRNOTAVAIL },
		{ "10.0.0.2:9400,10.0.0.3:9400", LEAP_PORTAL_RDMA, -EADDRNOTAVAIL },
		{ "10.0.0.2:9400?slab=4M", LEAP_PORTAL_RDMA, -EADDRNOTAVAIL },
		{ "10.0.0.2:9400", LEAP_PORTAL_DRAM, -EDOM },
		{ "63", LEAP_PORTAL_DRAM, -EDOM },
		{ "64M,64M", LEAP_PORTAL_DRAM, -EDOM },
	};
	struct leap_portal_server server;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(&server, 0x55, sizeof(server));
		assert_int_equal(leap_portal_parse_server(cases[i].text,
							  cases[i].transport,
							  &server, &error),
				 cases[i].err);
		assert_int_equal(!*error.text, !cases[i].err);
	}
}

static void a_server_is_the_same_however_it_is_written(void **state)
{
	struct leap_portal_server a, b;

	(void)state;
	assert_int_equal(leap_portal_parse_server("[::1]:9400", LEAP_PORTAL_RDMA, &a, &error), 0);
	assert_int_equal(leap_portal_parse_server("[0:0::1]:09400", LEAP_PORTAL_RDMA, &b, &error), 0);
	assert_true(leap_portal_same_server(&a, &b));
	assert_int_equal(leap_portal_parse_server("[::1]:9401", LEAP_PORTAL_RDMA, &b, &error), 0);
	assert_false(leap_portal_same_server(&a, &b));
	assert_int_equal(leap_portal_parse_server("64M", LEAP_PORTAL_DRAM, &a, &error), 0);
	assert_int_equal(leap_portal_parse_server("65536K", LEAP_PORTAL_DRAM, &b, &error), 0);
	assert_true(leap_portal_same_server(&a, &b));
	assert_int_equal(leap_portal_parse_server("66M", LEAP_PORTAL_DRAM, &b, &error), 0);
	assert_false(leap_portal_same_server(&a, &b));
}

static void long_mistakes_are_quoted_in_part(void **state)
{
	char text[LEAP_PORTAL_MAX] = "rdma://1,";

	(void)state;
	memset(text + 9, 'n', 3000);
	text[3009] = '\0';
	refuse_portal(text, EDESTADDRREQ, 9, "nn...' is no IP address");
	assert_non_null(strstr(error.text, "[::1]:9400"));
	text[9 + 41] = '\0';
	refuse_portal(text, EDESTADDRREQ, 9, "nn...' is no IP address");
	text[9 + 40] = '\0';
	refuse_portal(text, EDESTADDRREQ, 9, "nn' is no IP address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rdma_servers_of_both_families),
		cmocka_unit_test(dram_sizes),
		cmocka_unit_test(options_and_their_defaults),
		cmocka_unit_test(the_name_of_a_key_has_a_bound),
		cmocka_unit_test(as_many_servers_as_there_can_be),
		cmocka_unit_test(a_portal_leaves_no_trace_in_the_next),
		cmocka_unit_test(texts_that_are_no_portal),
		cmocka_unit_test(schemes),
		cmocka_unit_test(numbers_of_servers),
		cmocka_unit_test(empty_elements),
		cmocka_unit_test(addresses_of_servers),
		cmocka_unit_test(ports),
		cmocka_unit_test(servers_named_twice),
		cmocka_unit_test(sizes),
		cmocka_unit_test(unknown_options),
		cmocka_unit_test(values_of_options),
		cmocka_unit_test(one_server_by_itself),
		cmocka_unit_test(a_server_is_the_same_however_it_is_written),
		cmocka_unit_test(long_mistakes_are_quoted_in_part),
	};

	return cmocka_run_group_tests_name("portal", tests, NULL, NULL);
}
