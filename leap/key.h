/* SPDX-License-Identifier: GPL-2.0 */
/* The key of a session. */
#ifndef LEAP_KEY_H
#define LEAP_KEY_H

#include "policy/auth.h"

/**
 * struct leap_key - what both sides know and nobody else
 * @len: LEAP_KEY_MIN to LEAP_KEY_MAX
 * @bytes: so many of them
 */
struct leap_key {
	u32 len;
	u8 bytes[LEAP_KEY_MAX];
};

int leap_key_load(const char *name, struct leap_key **key);
void leap_key_free(struct leap_key *key);
void leap_key_proof(const struct leap_key *key, const u8 *text, u8 *proof);

#endif /* LEAP_KEY_H */
