// SPDX-License-Identifier: GPL-2.0
/*
 * The key of a session: where it comes from, and proofs that one knows it.
 *
 * The portal has only its name. The key itself is in a keyring of who makes the
 * session, and is copied from there once, so that servers that come back later
 * are asked to prove themselves by the same one.
 *
 * HMAC is RFC 2104. It is spelled out here because the kernel has SHA-256 built in
 * where it is of use to itself, but hmac(sha256) only if somebody has asked for
 * it, as a module that may not be there.
 */
#include <crypto/sha2.h>
#include <keys/user-type.h>
#include <linux/key-type.h>
#include "key.h"
#include "leap.h"

#define INNER	0x36
#define OUTER	0x5c

static void hash_padded(const u8 *block, u8 pad, const u8 *text, size_t len,
			u8 *digest)
{
	u8 padded[SHA256_BLOCK_SIZE];
	struct sha256_state state;
	int i;

	for (i = 0; i < SHA256_BLOCK_SIZE; i++)
		padded[i] = block[i] ^ pad;
	sha256_init(&state);
	sha256_update(&state, padded, sizeof(padded));
	sha256_update(&state, text, len);
	sha256_final(&state, digest);
	memzero_explicit(padded, sizeof(padded));
}

/**
 * leap_key_proof - prove that one knows the key
 * @key: the key
 * @text: LEAP_AUTH_TEXT bytes, see leap_auth_text()
 * @proof: LEAP_NONCE_LEN bytes, filled in
 */
void leap_key_proof(const struct leap_key *key, const u8 *text, u8 *proof)
{
	u8 block[SHA256_BLOCK_SIZE] = {}, digest[SHA256_DIGEST_SIZE];

	static_assert(SHA256_DIGEST_SIZE == LEAP_NONCE_LEN);
	if (key->len > sizeof(block))
		sha256(key->bytes, key->len, block);
	else
		memcpy(block, key->bytes, key->len);
	hash_padded(block, INNER, text, LEAP_AUTH_TEXT, digest);
	hash_padded(block, OUTER, digest, sizeof(digest), proof);
	memzero_explicit(block, sizeof(block));
}

/* -EDOM: its length is none that a key can have. */
static int copy_payload(struct key *from, struct leap_key *to)
{
	const struct user_key_payload *payload;
	int len = -EKEYREVOKED;

	down_read(&from->sem);
	payload = user_key_payload_locked(from);
	if (payload)
		len = leap_key_parse(payload->data, payload->datalen, to->bytes);
	up_read(&from->sem);
	if (len < 0)
		return len;
	to->len = len;
	return 0;
}

/**
 * leap_key_load - get a key from the keyrings of this process
 * @name: of the key; one with a colon is of the type logon, else user
 * @key: set to it; leap_key_free() is needed
 *
 * Return: 0; -ENOKEY it is not there, -EDOM it is no key for us; leap_error() has
 * been called then. -ENOMEM.
 */
int leap_key_load(const char *name, struct leap_key **key)
{
	struct key_type *type = strchr(name, ':') ? &key_type_logon : &key_type_user;
	struct key *from;
	int err;

	*key = kzalloc(sizeof(**key), GFP_KERNEL);
	if (!*key)
		return -ENOMEM;
	from = request_key(type, name, NULL);
	err = PTR_ERR_OR_ZERO(from);
	if (!err) {
		err = copy_payload(from, *key);
		key_put(from);
	}
	if (err == -EDOM) {
		leap_error("the key '%s' has not 16 to 1024 bytes; try openssl rand -hex 32",
			   name);
	} else if (err) {
		leap_error("there is no key '%s' (%d); put it there: keyctl padd %s %s @u <FILE",
			   name, err, type->name, name);
		err = -ENOKEY;
	}
	return err;
}

/**
 * leap_key_free - forget a key
 * @key: from leap_key_load(), or NULL
 */
void leap_key_free(struct leap_key *key)
{
	kfree_sensitive(key);
}
