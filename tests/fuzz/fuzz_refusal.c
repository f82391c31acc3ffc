// SPDX-License-Identifier: GPL-2.0
/*
 * A refusal: the text of one that is accepted is fit to print, and what is sent
 * on arrives as it is.
 */
#include <ctype.h>
#include <stdlib.h>

#include "leap/policy/proto.h"

static void expect(bool what)
{
	if (!what)
		abort();
}

static void check_accepted(const struct leap_refusal_info *info)
{
	struct leap_refusal_info again;
	struct leap_refusal wire;

	for (const char *c = info->text; *c; c++)
		expect(isascii(*c) && isprint(*c));
	expect(leap_refusal_errno(info->code) < 0);
	leap_refusal_encode(info, &wire);
	expect(!leap_refusal_decode(&wire, sizeof(wire), &again));
	expect(again.code == info->code && !strcmp(again.text, info->text));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct leap_refusal_info info;

	switch (leap_refusal_decode(data, size, &info)) {
	case 0:
		check_accepted(&info);
		return 0;
	case -EPROTOTYPE:
		expect(info.version == (data[4] | data[5] << 8));
		return 0;
	case -EBADMSG:
	case -EPROTO:
	case -EINVAL:
		return 0;
	}
	abort();
}
