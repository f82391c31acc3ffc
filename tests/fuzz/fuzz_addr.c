// SPDX-License-Identifier: GPL-2.0
/* Addresses: the same answer as inet_pton() to every text. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "leap/policy/addr.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char text[128];
	u8 got[16], want[16];
	bool accepted;

	/* The C library stops at a NUL, we do not. */
	if (size >= sizeof(text) || memchr(data, '\0', size))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	accepted = leap_addr4_parse((const char *)data, size, got);
	if (accepted != (inet_pton(AF_INET, text, want) == 1))
		abort();
	if (accepted && memcmp(got, want, 4))
		abort();
	accepted = leap_addr6_parse((const char *)data, size, got);
	if (accepted != (inet_pton(AF_INET6, text, want) == 1))
		abort();
	if (accepted && memcmp(got, want, 16))
		abort();
	return 0;
}
