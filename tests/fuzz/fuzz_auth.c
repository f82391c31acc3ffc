// SPDX-License-Identifier: GPL-2.0
/*
 * A client that has to prove that it knows the key: any messages, of which some
 * may be those of one who does. It is admitted by the right proof and nothing
 * else, and then by no other attempt.
 */
#include <stdlib.h>

#include "daemon/auth.h"

static const struct key key = { .bytes = "nobody knows it", .len = 16 };

static void must(bool right)
{
	if (!right)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* The input is a row of messages; one whose last byte is odd gets a true proof. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct leap_portal_server where = { .port = 1 };
	const struct leap_hello_info hello = { .role = LEAP_ROLE_CONTROL };
	const struct leap_welcome_info welcome = { .token = 1 };
	struct leap_msg_info msg, answer;
	bool challenged = false, over = false;
	struct auth auth;

	auth_begin(&auth, &where, &hello, &welcome);
	for (; size > sizeof(struct leap_msg); data += sizeof(struct leap_msg) + 1,
	     size -= sizeof(struct leap_msg) + 1) {
		u8 proof[LEAP_NONCE_LEN];
		enum auth_verdict verdict;

		if (leap_msg_decode(data, sizeof(struct leap_msg), &msg))
			continue;
		must(auth_proof(&auth, &key, LEAP_AUTH_CLIENT, proof));
		if (data[sizeof(struct leap_msg)] & 1)
			memcpy(msg.bytes, proof, sizeof(proof));
		verdict = auth_hear(&auth, &key, &msg, &answer);
		must((verdict == AUTH_GO_ON) ==
		     (!over && !challenged && msg.type == LEAP_MSG_KEY_NONCE));
		must((verdict == AUTH_ADMITTED) ==
		     (!over && challenged && msg.type == LEAP_MSG_KEY_PROOF &&
		      !memcmp(msg.bytes, proof, sizeof(proof))));
		challenged |= verdict == AUTH_GO_ON;
		over |= verdict != AUTH_GO_ON;
	}
	return 0;
}
