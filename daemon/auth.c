// SPDX-License-Identifier: GPL-2.0
/*
 * The server's half of how both sides prove that they know the key, see
 * leap/uapi/leap_proto.h. Messages in, messages out: connections are elsewhere.
 */
#include "auth.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/random.h>

/**
 * auth_address - an address as proofs have it
 * @addr: of a server, IPv4 or IPv6
 *
 * Return: the same.
 */
struct leap_portal_server auth_address(const struct sockaddr *addr)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;
	const struct sockaddr_in *in = (const void *)addr;
	struct leap_portal_server where = { .family = addr->sa_family };

	if (addr->sa_family == AF_INET) {
		where.port = ntohs(in->sin_port);
		memcpy(where.addr, &in->sin_addr, sizeof(in->sin_addr));
	} else {
		where.port = ntohs(in6->sin6_port);
		memcpy(where.addr, &in6->sin6_addr, sizeof(in6->sin6_addr));
	}
	return where;
}

/**
 * auth_begin - a client has been welcomed
 * @auth: to be set up
 * @where: the server's address
 * @hello: what it has said
 * @welcome: what it was told
 */
void auth_begin(struct auth *auth, const struct leap_portal_server *where,
		const struct leap_hello_info *hello,
		const struct leap_welcome_info *welcome)
{
	memset(auth, 0, sizeof(*auth));
	auth->where = *where;
	auth->hello = *hello;
	auth->welcome = *welcome;
}

/**
 * auth_proof - what one side has to send as its proof
 * @auth: with both nonces
 * @key: the key
 * @side: whose proof
 * @proof: filled in
 *
 * Return: false if libcrypto fails.
 */
bool auth_proof(const struct auth *auth, const struct key *key,
		enum leap_auth_side side, uint8_t proof[LEAP_NONCE_LEN])
{
	uint8_t text[LEAP_AUTH_TEXT];

	leap_auth_text(side, &auth->where, &auth->hello, &auth->welcome,
		       auth->client_nonce, auth->server_nonce, text);
	return key_proof(key, text, proof);
}

/* Ours is made when the client's is known, so that it cannot depend on ours. */
static enum auth_verdict challenge(struct auth *auth,
				   const struct leap_msg_info *msg,
				   struct leap_msg_info *answer)
{
	memcpy(auth->client_nonce, msg->bytes, LEAP_NONCE_LEN);
	if (getrandom(auth->server_nonce, LEAP_NONCE_LEN, 0) != LEAP_NONCE_LEN)
		return AUTH_OFFENCE;
	auth->step = AUTH_PROOF;
	answer->type = LEAP_MSG_KEY_CHALLENGE;
	memcpy(answer->bytes, auth->server_nonce, LEAP_NONCE_LEN);
	return AUTH_GO_ON;
}

static enum auth_verdict judge(struct auth *auth, const struct key *key,
			       const struct leap_msg_info *msg,
			       struct leap_msg_info *answer)
{
	uint8_t proof[LEAP_NONCE_LEN];

	auth->step = AUTH_OVER;
	answer->type = LEAP_MSG_KEY_ADMIT;
	if (auth_proof(auth, key, LEAP_AUTH_CLIENT, proof) &&
	    !CRYPTO_memcmp(proof, msg->bytes, sizeof(proof)) &&
	    auth_proof(auth, key, LEAP_AUTH_SERVER, answer->bytes))
		return AUTH_ADMITTED;
	memset(answer->bytes, 0, sizeof(answer->bytes));
	answer->status = LEAP_STATUS_KEY;
	return AUTH_DENIED;
}

/**
 * auth_hear - a client that is not admitted has sent a message
 * @auth: the client's
 * @key: the key
 * @msg: the message
 * @answer: filled in, but after AUTH_OFFENCE
 *
 * It gets one attempt for each connection.
 *
 * Return: what to do.
 */
enum auth_verdict auth_hear(struct auth *auth, const struct key *key,
			    const struct leap_msg_info *msg,
			    struct leap_msg_info *answer)
{
	memset(answer, 0, sizeof(*answer));
	answer->seq = msg->seq;
	if (auth->step == AUTH_NONCE && msg->type == LEAP_MSG_KEY_NONCE)
		return challenge(auth, msg, answer);
	if (auth->step == AUTH_PROOF && msg->type == LEAP_MSG_KEY_PROOF)
		return judge(auth, key, msg, answer);
	auth->step = AUTH_OVER;
	return AUTH_OFFENCE;
}
