// SPDX-License-Identifier: GPL-2.0
/* Whom memory is lent to, by address. */
#include "allow.h"

#include <netinet/in.h>
#include <string.h>

#include "leap/policy/addr.h"

/* Digits from 0 to @most, and nothing else. */
static bool parse_bits(const char *text, unsigned int most, unsigned int *bits)
{
	*bits = 0;
	if (!*text || strlen(text) > 3)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		*bits = *bits * 10 + (unsigned int)(*text - '0');
	}
	return *bits <= most;
}

/**
 * allow_parse - read a network
 * @text: an address, with /PREFIX behind it or not
 * @network: filled in
 *
 * Return: false if it is none.
 */
bool allow_parse(const char *text, struct network *network)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int most = 32;

	memset(network, 0, sizeof(*network));
	network->family = AF_INET;
	if (!leap_addr4_parse(text, len, network->addr)) {
		network->family = AF_INET6;
		most = 128;
		if (!leap_addr6_parse(text, len, network->addr))
			return false;
	}
	network->bits = most;
	return !slash || parse_bits(slash + 1, most, &network->bits);
}

static bool begin_alike(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int whole = bits / 8, rest = bits % 8;

	return !memcmp(a, b, whole) &&
	       (!rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0);
}

/* The bytes of an address, IPv4 within IPv6 taken as IPv4; AF_UNSPEC if of neither. */
static sa_family_t bytes_of(const struct sockaddr *peer, const uint8_t **addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;

	if (peer->sa_family == AF_INET) {
		*addr = (const uint8_t *)&in->sin_addr;
		return AF_INET;
	}
	if (peer->sa_family != AF_INET6)
		return AF_UNSPEC;
	*addr = in6->sin6_addr.s6_addr;
	if (!IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		return AF_INET6;
	*addr += 12;
	return AF_INET;
}

/**
 * allow_match - is an address on the list?
 * @list: the networks
 * @nr: how many; none means that there is no list
 * @peer: the address; IPv4 within IPv6 is taken as IPv4
 *
 * Return: true if it is, or if there is no list.
 */
bool allow_match(const struct network *list, size_t nr,
		 const struct sockaddr *peer)
{
	const uint8_t *addr;
	sa_family_t family = bytes_of(peer, &addr);
	size_t i;

	for (i = 0; i < nr && family != AF_UNSPEC; i++)
		if (list[i].family == family &&
		    begin_alike(addr, list[i].addr, list[i].bits))
			return true;
	return !nr;
}

/**
 * allow_leads_to - does a RoCE connection lead to the address that the peer says?
 * @gid: where our packets go, which RoCE derives from an IP address
 * @peer: the address in the peer's request, which may be a lie
 *
 * Return: true if so.
 */
bool allow_leads_to(const uint8_t gid[16], const struct sockaddr *peer)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	const uint8_t *said, *real;
	sa_family_t family = bytes_of(peer, &said);

	memcpy(to.sin6_addr.s6_addr, gid, 16);
	return bytes_of((const struct sockaddr *)&to, &real) == family &&
	       !memcmp(real, said, family == AF_INET ? 4 : 16);
}
