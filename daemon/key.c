// SPDX-License-Identifier: GPL-2.0
/* The key: how it comes out of a file, and proofs that one knows it. */
#include "key.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two digits a byte, and some white space behind them. */
#define FILE_MAX	(2 * LEAP_KEY_MAX + 16)

static const char bad_length[] = "a key has from 16 to 1024 bytes; make one by: openssl rand -hex 32";

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Bytes of hexadecimal digits with white space behind them; 0 if it is not so. */
static size_t hex_length(const char *text, size_t len)
{
	size_t i;

	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	for (i = 0; i < len; i++)
		if (digit(text[i]) < 0)
			return 0;
	return len % 2 ? 0 : len;
}

/**
 * key_parse - make a key of what a file has
 * @text: hexadecimal digits, two for each byte, or else the key itself
 * @len: of @text
 * @key: filled in; has no bytes after an error
 *
 * Digits it is if there is nothing else but white space at the end, and they
 * make a key that is long enough.
 *
 * Return: NULL, or a sentence about what is wrong.
 */
const char *key_parse(const char *text, size_t len, struct key *key)
{
	size_t digits = hex_length(text, len), i;

	key->len = 0;
	if (digits >= 2 * LEAP_KEY_MIN) {
		if (digits > 2 * LEAP_KEY_MAX)
			return bad_length;
		for (i = 0; i < digits / 2; i++)
			key->bytes[i] = (uint8_t)(digit(text[2 * i]) << 4 |
						  digit(text[2 * i + 1]));
		key->len = digits / 2;
		return NULL;
	}
	if (len < LEAP_KEY_MIN || len > LEAP_KEY_MAX)
		return bad_length;
	memcpy(key->bytes, text, len);
	key->len = len;
	return NULL;
}

static const char *read_all(int fd, struct key *key)
{
	char text[FILE_MAX + 1];
	const char *why;
	size_t len = 0;
	ssize_t got;

	do {
		got = read(fd, text + len, sizeof(text) - len);
		if (got < 0)
			return strerror(errno);
		len += (size_t)got;
	} while (got && len < sizeof(text));
	why = key_parse(text, len, key);
	OPENSSL_cleanse(text, sizeof(text));
	return why;
}

/**
 * key_read - read a key from a file
 * @path: the file, which must not be open to everybody
 * @key: filled in
 *
 * Return: NULL, or a sentence about what is wrong.
 */
const char *key_read(const char *path, struct key *key)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *why;
	struct stat stat;

	if (fd < 0)
		return strerror(errno);
	if (fstat(fd, &stat))
		why = strerror(errno);
	else if (!S_ISREG(stat.st_mode))
		why = "not a file";
	else if (stat.st_mode & S_IRWXO)
		why = "everybody can use that file; make it yours alone: chmod 600";
	else
		why = read_all(fd, key);
	close(fd);
	return why;
}

/**
 * key_proof - prove that one knows the key
 * @key: of which there is one
 * @text: LEAP_AUTH_TEXT bytes, see leap_auth_text()
 * @proof: filled in
 *
 * Return: false if libcrypto fails.
 */
bool key_proof(const struct key *key, const uint8_t *text,
	       uint8_t proof[LEAP_NONCE_LEN])
{
	unsigned int len = LEAP_NONCE_LEN;

	return HMAC(EVP_sha256(), key->bytes, (int)key->len, text, LEAP_AUTH_TEXT,
		    proof, &len) && len == LEAP_NONCE_LEN;
}
