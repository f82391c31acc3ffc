/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAPD_KEY_H
#define LEAPD_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "leap/policy/auth.h"

/**
 * struct key - what both sides know and nobody else
 * @bytes: the key
 * @len: LEAP_KEY_MIN to LEAP_KEY_MAX; 0 if there is none
 */
struct key {
	uint8_t bytes[LEAP_KEY_MAX];
	size_t len;
};

const char *key_parse(const char *text, size_t len, struct key *key);
const char *key_read(const char *path, struct key *key);
bool key_proof(const struct key *key, const uint8_t *text,
	       uint8_t proof[LEAP_NONCE_LEN]);

#endif /* LEAPD_KEY_H */
