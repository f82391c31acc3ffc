// SPDX-License-Identifier: GPL-2.0
/*
 * IPv4 and IPv6 addresses from text.
 *
 * The kernel's own in4_pton() and in6_pton() take what inet_pton() refuses:
 * numbers with leading zeros, which some programs read as octal, and groups of
 * more than four digits. A portal must mean the same to everybody who reads
 * it, so the module and the tests share these two, as strict as inet_pton().
 */
#include "addr.h"

/**
 * leap_addr4_parse - read an IPv4 address
 * @text: four numbers from 0 to 255 without leading zeros, dots between them
 * @len: bytes of @text, all of which must belong to the address
 * @addr: filled in, in network order
 *
 * Return: false if this is no address; @addr is undefined then.
 */
bool leap_addr4_parse(const char *text, size_t len, u8 addr[4])
{
	unsigned int part = 0, digits = 0, value = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] == '.') {
			if (!digits || part == 3)
				return false;
			addr[part++] = value;
			digits = 0;
			value = 0;
			continue;
		}
		if (text[i] < '0' || text[i] > '9' || (digits && !value))
			return false;
		value = value * 10 + (text[i] - '0');
		if (value > 255)
			return false;
		digits++;
	}
	addr[part] = value;
	return part == 3 && digits;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Reads hex digits into @value, which may overflow. Returns how many. */
static size_t hex_run(const char *text, size_t len, unsigned int *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < len && hex_value(text[i]) >= 0; i++)
		*value = *value << 4 | hex_value(text[i]);
	return i;
}

/* Moves what is behind the "::" at @gap to the end, @used bytes being there. */
static void stretch(u8 addr[16], size_t gap, size_t used)
{
	memmove(addr + 16 - (used - gap), addr + gap, used - gap);
	memset(addr + gap, 0, 16 - used);
}

/**
 * leap_addr6_parse - read an IPv6 address
 * @text: groups of one to four hex digits, colons between them; "::" stands for
 *	one or more groups of zeros; the last 32 bits may be an IPv4 address
 * @len: bytes of @text, all of which must belong to the address
 * @addr: filled in, in network order
 *
 * There is no "%interface", thus a link-local address makes no sense here.
 *
 * Return: false if this is no address; @addr is undefined then.
 */
bool leap_addr6_parse(const char *text, size_t len, u8 addr[16])
{
	const size_t none = 17;
	size_t i = 0, used = 0, gap = none;

	if (len >= 2 && text[0] == ':' && text[1] == ':') {
		gap = 0;
		i = 2;
	}
	while (i < len) {
		unsigned int value;
		size_t digits = hex_run(text + i, len - i, &value);

		if (i + digits < len && text[i + digits] == '.') {
			if (used > 12 ||
			    !leap_addr4_parse(text + i, len - i, addr + used))
				return false;
			used += 4;
			break;
		}
		if (!digits || digits > 4 || used == 16)
			return false;
		addr[used++] = value >> 8;
		addr[used++] = value & 0xff;
		i += digits;
		if (i == len)
			break;
		if (text[i++] != ':' || i == len)
			return false;
		if (text[i] == ':') {
			if (gap != none)
				return false;
			gap = used;
			i++;
		}
	}
	if (gap == none)
		return used == 16;
	if (used == 16)
		return false;
	stretch(addr, gap, used);
	return true;
}
