// SPDX-License-Identifier: GPL-2.0
/*
 * What the two sides of a connection prove to each other that they know the key
 * about; uapi/leap_proto.h has the messages.
 *
 *	16	label: "leap 2 client" or "leap 2 server", filled up with zeros
 *	20	the server's address: 4 or 6 for IPv4 or IPv6, 0, its port, high byte
 *		first, the address in network order, filled up with zeros
 *	40	the hello(CONTROL), as on the wire
 *	32	the welcome, as on the wire
 *	32	the client's nonce
 *	32	the server's nonce
 *
 * The proof is the HMAC-SHA256 of these bytes under the key. Computing it is the
 * caller's: leap/key.c in the kernel, libcrypto in leapd. So is comparing, in
 * constant time: crypto_memneq() and CRYPTO_memcmp().
 *
 * Hello and welcome are encoded anew from what was said and understood, so what
 * InfiniBand adds to private data does not matter, and each bit that was
 * understood is proved.
 */
#include "auth.h"

static_assert(LEAP_AUTH_TEXT == 172, "what a proof is about");

static const char labels[][LEAP_AUTH_LABEL] = {
	[LEAP_AUTH_CLIENT] = "leap 2 client",
	[LEAP_AUTH_SERVER] = "leap 2 server",
};

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_white(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Hexadecimal digits with white space behind them; 0 if it is not so. */
static u32 nr_digits(const char *text, size_t len)
{
	size_t i;

	while (len && is_white(text[len - 1]))
		len--;
	for (i = 0; i < len; i++)
		if (digit(text[i]) < 0)
			return 0;
	return len % 2 ? 0 : len;
}

/**
 * leap_key_parse - make a key of what somebody has written down
 * @text: hexadecimal digits, two for each byte, or else the key itself
 * @len: of @text, at most 2^31
 * @bytes: LEAP_KEY_MAX bytes, filled in
 *
 * Digits it is if there is nothing else but white space at the end, and they
 * make a key that is long enough.
 *
 * Return: the key's length in bytes, or -EDOM if it is too short or too long.
 */
int leap_key_parse(const char *text, size_t len, u8 *bytes)
{
	u32 digits = nr_digits(text, len), i;

	if (digits >= 2 * LEAP_KEY_MIN) {
		if (digits > 2 * LEAP_KEY_MAX)
			return -EDOM;
		for (i = 0; i < digits / 2; i++)
			bytes[i] = digit(text[2 * i]) << 4 | digit(text[2 * i + 1]);
		return digits / 2;
	}
	if (len < LEAP_KEY_MIN || len > LEAP_KEY_MAX)
		return -EDOM;
	memcpy(bytes, text, len);
	return len;
}

static u8 *append(u8 *to, const void *from, size_t len)
{
	memcpy(to, from, len);
	return to + len;
}

static u8 *append_where(u8 *to, const struct leap_portal_server *where)
{
	const u8 head[] = { where->family == AF_INET ? 4 : 6, 0,
			    where->port >> 8, where->port & 0xff };

	return append(append(to, head, sizeof(head)), where->addr, sizeof(where->addr));
}

/**
 * leap_auth_text - make the text that a proof is the HMAC of
 * @side: whose proof
 * @where: the server's address: where it listens, and where the client has looked
 *	for it. Else somebody at another address of the portal, who does not know
 *	the key, could pass on what the two say.
 * @hello: of the control connection, as the client has said it
 * @welcome: the answer, as the server has said it
 * @client_nonce: LEAP_NONCE_LEN bytes
 * @server_nonce: LEAP_NONCE_LEN bytes
 * @text: LEAP_AUTH_TEXT bytes, filled in
 */
void leap_auth_text(enum leap_auth_side side, const struct leap_portal_server *where,
		    const struct leap_hello_info *hello,
		    const struct leap_welcome_info *welcome,
		    const u8 *client_nonce, const u8 *server_nonce, u8 *text)
{
	struct leap_welcome welcome_wire;
	struct leap_hello hello_wire;

	leap_hello_encode(hello, &hello_wire);
	leap_welcome_encode(welcome, &welcome_wire);
	text = append(text, labels[side], LEAP_AUTH_LABEL);
	text = append_where(text, where);
	text = append(text, &hello_wire, sizeof(hello_wire));
	text = append(text, &welcome_wire, sizeof(welcome_wire));
	text = append(text, client_nonce, LEAP_NONCE_LEN);
	append(text, server_nonce, LEAP_NONCE_LEN);
}
