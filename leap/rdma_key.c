// SPDX-License-Identifier: GPL-2.0
/*
 * A new control connection: who is there?
 *
 * Before anything else is said, we prove to the server that we know the key and
 * it does so to us; uapi/leap_proto.h has the messages. Nothing that a server
 * says is of any use before that, and no data queue is made.
 */
#include <crypto/utils.h>
#include <linux/random.h>
#include "key.h"
#include "rdma.h"

static void make_proof(struct leap_rdma *rdma, enum leap_auth_side side,
		       const u8 *client_nonce, const u8 *server_nonce, u8 *proof)
{
	u8 text[LEAP_AUTH_TEXT];

	leap_auth_text(side, &rdma->server->addr, &rdma->hello, &rdma->control->welcome,
		       client_nonce, server_nonce, text);
	leap_key_proof(rdma->server->session->key, text, proof);
}

/* Both sides have a key, or none has: a server that says otherwise is none. */
static int check_flags(struct leap_rdma *rdma)
{
	bool ours = rdma->server->session->key;
	bool theirs = rdma->control->welcome.flags & LEAP_WELCOME_KEY;

	return ours == theirs ? 0 : -ENOKEY;
}

/**
 * leap_rdma_prove - the two sides prove to each other that they know the key
 * @rdma: with its control queue connected; nothing happens if there is no key
 *
 * May sleep, bounded by the session's timeout.
 *
 * Return: 0; -EKEYREJECTED one of the two does not know it; -ENOKEY one has none;
 * or what leap_ctrl_call() returns.
 */
int leap_rdma_prove(struct leap_rdma *rdma)
{
	u8 client_nonce[LEAP_NONCE_LEN], server_nonce[LEAP_NONCE_LEN];
	struct leap_msg_info msg = { .type = LEAP_MSG_KEY_NONCE };
	u32 epoch = rdma->control->epoch;
	u8 proof[LEAP_NONCE_LEN];
	int err = check_flags(rdma);

	if (err || !rdma->server->session->key)
		return err;
	get_random_bytes(client_nonce, sizeof(client_nonce));
	memcpy(msg.bytes, client_nonce, sizeof(client_nonce));
	err = leap_ctrl_call(rdma, epoch, &msg, LEAP_MSG_KEY_CHALLENGE);
	if (err)
		return err;
	memcpy(server_nonce, msg.bytes, sizeof(server_nonce));

	memset(&msg, 0, sizeof(msg));
	msg.type = LEAP_MSG_KEY_PROOF;
	make_proof(rdma, LEAP_AUTH_CLIENT, client_nonce, server_nonce, msg.bytes);
	err = leap_ctrl_call(rdma, epoch, &msg, LEAP_MSG_KEY_ADMIT);
	if (err)
		return err;
	make_proof(rdma, LEAP_AUTH_SERVER, client_nonce, server_nonce, proof);
	if (msg.status != LEAP_STATUS_OK ||
	    crypto_memneq(msg.bytes, proof, sizeof(proof)))
		return -EKEYREJECTED;
	return 0;
}
