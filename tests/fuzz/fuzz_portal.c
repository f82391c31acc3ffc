// SPDX-License-Identifier: GPL-2.0
/*
 * The portal: what is accepted can be written down and read again with the same
 * result, and what is refused has a known errno and a whole sentence.
 */
#include <ctype.h>
#include <stdlib.h>

#include "leap/policy/portal.h"
#include "tests/unit/portal_text.h"

static void expect(bool what)
{
	if (!what)
		abort();
}

static bool known(int err)
{
	static const int errors[] = {
		ENAMETOOLONG, EINVAL, EPROTONOSUPPORT, ERANGE, EMSGSIZE,
		EDESTADDRREQ, EADDRNOTAVAIL, ENOTUNIQ, ENOPROTOOPT, EDOM,
		EALREADY,
	};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (err == -errors[i])
			return true;
	return false;
}

static void check_refusal(const char *text, int err,
			  const struct leap_portal_error *error)
{
	size_t len = strnlen(error->text, sizeof(error->text));

	expect(known(err));
	expect(error->offset <= strlen(text));
	expect(len && len < sizeof(error->text) - 1);
	for (size_t i = 0; i < len; i++)
		expect(isascii(error->text[i]) && isprint(error->text[i]));
}

static void check_again(const struct leap_portal *portal)
{
	static struct leap_portal again;
	struct leap_portal_error error;
	char text[LEAP_PORTAL_MAX];

	portal_text(portal, text);
	expect(!leap_portal_parse(text, &again, &error));
	expect(!memcmp(portal, &again, sizeof(again)));
}

/* The same text as one server of a session. */
static void check_server(const char *text)
{
	static const enum leap_portal_transport transports[] = {
		LEAP_PORTAL_RDMA, LEAP_PORTAL_DRAM,
	};
	struct leap_portal_server server, again;
	struct leap_portal_error error;

	for (size_t i = 0; i < ARRAY_SIZE(transports); i++) {
		int err = leap_portal_parse_server(text, transports[i], &server, &error);

		if (err) {
			check_refusal(text, err, &error);
			continue;
		}
		expect(!leap_portal_parse_server(text, transports[i], &again, &error));
		expect(leap_portal_same_server(&server, &again));
		expect(i ? server.bytes : server.port);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct leap_portal portal;
	struct leap_portal_error error;
	char *text = malloc(size + 1);
	int err;

	expect(text);
	memcpy(text, data, size);
	text[size] = '\0';
	err = leap_portal_parse(text, &portal, &error);
	if (err)
		check_refusal(text, err, &error);
	else
		check_again(&portal);
	check_server(text);
	free(text);
	return 0;
}
