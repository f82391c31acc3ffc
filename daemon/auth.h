/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAPD_AUTH_H
#define LEAPD_AUTH_H

#include <sys/socket.h>

#include "key.h"

/**
 * enum auth_step - what a client has to do next
 * @AUTH_NONCE: send its nonce
 * @AUTH_PROOF: send its proof
 * @AUTH_OVER: nothing; it is admitted, or never will be
 */
enum auth_step {
	AUTH_NONCE,
	AUTH_PROOF,
	AUTH_OVER,
};

/**
 * enum auth_verdict - what a message has led to
 * @AUTH_GO_ON: send the answer and listen
 * @AUTH_ADMITTED: send the answer; the client knows the key
 * @AUTH_DENIED: send the answer and drop the client, which does not
 * @AUTH_OFFENCE: drop it; that message had no place here
 */
enum auth_verdict {
	AUTH_GO_ON,
	AUTH_ADMITTED,
	AUTH_DENIED,
	AUTH_OFFENCE,
};

/**
 * struct auth - a client that has to prove that it knows the key
 * @step: how far it has come
 * @where: the server's address
 * @hello: what it has said
 * @welcome: what it was told
 * @client_nonce: its random bytes
 * @server_nonce: ours
 */
struct auth {
	enum auth_step step;
	struct leap_portal_server where;
	struct leap_hello_info hello;
	struct leap_welcome_info welcome;
	uint8_t client_nonce[LEAP_NONCE_LEN];
	uint8_t server_nonce[LEAP_NONCE_LEN];
};

struct leap_portal_server auth_address(const struct sockaddr *addr);
void auth_begin(struct auth *auth, const struct leap_portal_server *where,
		const struct leap_hello_info *hello,
		const struct leap_welcome_info *welcome);
enum auth_verdict auth_hear(struct auth *auth, const struct key *key,
			    const struct leap_msg_info *msg,
			    struct leap_msg_info *answer);
bool auth_proof(const struct auth *auth, const struct key *key,
		enum leap_auth_side side, uint8_t proof[LEAP_NONCE_LEN]);

#endif /* LEAPD_AUTH_H */
