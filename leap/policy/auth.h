/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_AUTH_H
#define LEAP_POLICY_AUTH_H

#include "deps.h"
#include "portal.h"
#include "proto.h"

/* Bytes of a label, of an address, and of the whole text that a proof is about. */
#define LEAP_AUTH_LABEL	16
#define LEAP_AUTH_WHERE	20
#define LEAP_AUTH_TEXT	(LEAP_AUTH_LABEL + LEAP_AUTH_WHERE + sizeof(struct leap_hello) + \
			 sizeof(struct leap_welcome) + 2 * LEAP_NONCE_LEN)

/**
 * enum leap_auth_side - whose proof it is
 * @LEAP_AUTH_CLIENT: for LEAP_MSG_KEY_PROOF
 * @LEAP_AUTH_SERVER: for LEAP_MSG_KEY_ADMIT
 */
enum leap_auth_side {
	LEAP_AUTH_CLIENT,
	LEAP_AUTH_SERVER,
};

int leap_key_parse(const char *text, size_t len, u8 *bytes);
void leap_auth_text(enum leap_auth_side side, const struct leap_portal_server *where,
		    const struct leap_hello_info *hello,
		    const struct leap_welcome_info *welcome,
		    const u8 *client_nonce, const u8 *server_nonce, u8 *text);

#endif /* LEAP_POLICY_AUTH_H */
