// SPDX-License-Identifier: GPL-2.0
/*
 * A network, and an address behind it: what is accepted matches as one bit after
 * the other says.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "daemon/allow.h"
#include "leap/policy/deps.h"

static void must(bool right)
{
	if (!right)
		abort();
}

static bool bit(const u8 *addr, unsigned int i)
{
	return addr[i / 8] >> (7 - i % 8) & 1;
}

static void check(const struct network *network, const u8 *addr)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in in = { .sin_family = AF_INET };
	const struct sockaddr neither = { .sa_family = AF_UNIX };
	const bool v4 = network->family == AF_INET;
	bool alike = true;

	must(v4 || network->family == AF_INET6);
	must(network->bits <= (v4 ? 32 : 128));
	must(allow_match(network, 0, &neither) && !allow_match(network, 1, &neither));
	memcpy(&in.sin_addr, addr, 4);
	memcpy(&in6.sin6_addr, addr, 16);
	for (unsigned int i = 0; i < network->bits; i++)
		alike = alike && bit(addr, i) == bit(network->addr, i);
	if (!v4 && IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr))
		alike = false;
	must(allow_match(network, 1, v4 ? (struct sockaddr *)&in :
			 (struct sockaddr *)&in6) == alike);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct network network;
	char text[64];

	if (size < 16 || size - 16 >= sizeof(text))
		return 0;
	memcpy(text, data + 16, size - 16);
	text[size - 16] = '\0';
	if (allow_parse(text, &network)) {
		check(&network, data);
		check(&network, network.addr);
	}
	return 0;
}
