// SPDX-License-Identifier: GPL-2.0
/* What a key file has: a key of the right length that is in the file, or none. */
#include <stdlib.h>

#include "daemon/key.h"

static void must(bool right)
{
	if (!right)
		abort();
}

static void check_key(const struct key *key, const u8 *data, size_t size)
{
	char digits[3];

	must(key->len >= LEAP_KEY_MIN && key->len <= LEAP_KEY_MAX);
	if (key->len == size) {
		must(!memcmp(key->bytes, data, size));
		return;
	}
	must(key->len * 2 <= size);
	for (size_t i = 0; i < key->len; i++) {
		snprintf(digits, sizeof(digits), "%02x", key->bytes[i]);
		must((data[2 * i] | 0x20) == (digits[0] | 0x20) &&
		     (data[2 * i + 1] | 0x20) == (digits[1] | 0x20));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	char *text = malloc(size + 1);
	struct key key;

	must(text != NULL);
	memcpy(text, data, size);
	if (!key_parse(text, size, &key))
		check_key(&key, data, size);
	else
		must(!key.len);
	free(text);
	return 0;
}
