// SPDX-License-Identifier: GPL-2.0
/* The key: how it comes out of a file, and proofs that one knows it. */
#include "key.h"

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

/**
 * key_parse - make a key of what a file has
 * @text: see leap_key_parse()
 * @len: of @text
 * @key: filled in; has no bytes after an error
 *
 * Return: NULL, or a sentence about what is wrong.
 */
const char *key_parse(const char *text, size_t len, struct key *key)
{
	int got = leap_key_parse(text, len, key->bytes);

	key->len = got < 0 ? 0 : (size_t)got;
	return got < 0 ? bad_length : NULL;
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
