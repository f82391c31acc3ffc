// SPDX-License-Identifier: GPL-2.0
/* The client's half of the key, and clients that try to do without. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include "borrower.h"

/* Rounds of noise for a proof, and of claims without one: more than a host may make. */
#define ROUNDS		16

struct key the_key;
struct leap_portal_server the_server;

/* The messages of one handshake, as somebody on the way may have seen them. */
struct handshake {
	struct auth auth;
	struct leap_msg_info nonce, challenge, proof, admit;
};

static void send_message(struct borrower *b, const struct leap_msg_info *msg)
{
	struct leap_msg *wire = &b->tx[b->seq++ % DEPTH];

	leap_msg_encode(msg, wire);
	post_bytes(b, wire, sizeof(*wire));
	if (sent(b->control))
		die("leapd does not take message %u", msg->type);
}

static void begin(struct borrower *b, struct handshake *h)
{
	auth_begin(&h->auth, &the_server, &b->hello, &b->welcome);
	h->nonce = (struct leap_msg_info){ .type = LEAP_MSG_KEY_NONCE, .seq = b->seq };
	if (getrandom(h->nonce.bytes, LEAP_NONCE_LEN, 0) != LEAP_NONCE_LEN)
		die("no random numbers");
	send_message(b, &h->nonce);
	h->challenge = receive(b);
	if (h->challenge.type != LEAP_MSG_KEY_CHALLENGE || h->challenge.seq != h->nonce.seq)
		die("answer %u to a nonce", h->challenge.type);
	memcpy(h->auth.client_nonce, h->nonce.bytes, LEAP_NONCE_LEN);
	memcpy(h->auth.server_nonce, h->challenge.bytes, LEAP_NONCE_LEN);
}

static void send_proof(struct borrower *b, struct handshake *h, const uint8_t *proof)
{
	h->proof = (struct leap_msg_info){ .type = LEAP_MSG_KEY_PROOF, .seq = b->seq };
	memcpy(h->proof.bytes, proof, LEAP_NONCE_LEN);
	send_message(b, &h->proof);
	h->admit = receive(b);
	if (h->admit.type != LEAP_MSG_KEY_ADMIT || h->admit.seq != h->proof.seq)
		die("answer %u to a proof", h->admit.type);
}

static void finish(struct borrower *b, struct handshake *h, const struct key *known)
{
	uint8_t proof[LEAP_NONCE_LEN];

	if (!auth_proof(&h->auth, known, LEAP_AUTH_CLIENT, proof))
		die("libcrypto fails");
	send_proof(b, h, proof);
}

/* Of an honest client; ends the program if the server does not know the key. */
void prove(struct borrower *b)
{
	uint8_t proof[LEAP_NONCE_LEN];
	struct handshake h;

	if (!(b->welcome.flags & LEAP_WELCOME_KEY))
		die("a server without a key is none to talk to");
	begin(b, &h);
	finish(b, &h, &the_key);
	if (h.admit.status)
		die("leapd has another key");
	if (!auth_proof(&h.auth, &the_key, LEAP_AUTH_SERVER, proof) ||
	    CRYPTO_memcmp(proof, h.admit.bytes, sizeof(proof)))
		die("leapd has not proved that it knows the key");
}

/* As far as the welcome, with no proof yet. */
static struct borrower *knock_only(void)
{
	struct borrower *b = make_borrower();

	b->hello.flags = LEAP_HELLO_KEY;
	if (!knock_control(b))
		die("refused: %s", b->refusal.text);
	return b;
}

static void expect_denial(struct borrower *b, const struct handshake *h, const char *why)
{
	static const uint8_t zeros[LEAP_NONCE_LEN];

	if (h->admit.status != LEAP_STATUS_KEY)
		die("admitted: %s", why);
	if (memcmp(h->admit.bytes, zeros, sizeof(zeros)))
		die("a denial gives something away");
	expect_drop(b, why);
	vanish(b);
}

static void key_missing(void)
{
	struct borrower *b = make_borrower();

	if (knock_control(b) || b->refusal.code != LEAP_REFUSED_KEY)
		die("whoever has no key is not refused for that");
	printf("refused: %s\n", b->refusal.text);
	vanish(b);
}

static void key_wrong(void)
{
	for (size_t i = 0; i < the_key.len; i += 5) {
		struct borrower *b = knock_only();
		struct key other = the_key;
		struct handshake h;

		other.bytes[i] ^= 0x10;
		begin(b, &h);
		finish(b, &h, &other);
		expect_denial(b, &h, "another key");
	}
}

static void key_noise(void)
{
	uint8_t proof[LEAP_NONCE_LEN];

	for (int i = 0; i < ROUNDS; i++) {
		struct borrower *b = knock_only();
		struct handshake h;

		begin(b, &h);
		make_noise(proof, sizeof(proof));
		send_proof(b, &h, proof);
		expect_denial(b, &h, "noise for a proof");
	}
}

/* What an honest client has sent once is worth nothing the next time. */
static void key_replay(void)
{
	struct borrower *b = knock_only();
	struct handshake seen, h;

	begin(b, &seen);
	finish(b, &seen, &the_key);
	if (seen.admit.status)
		die("an honest client is not admitted");
	vanish(b);
	b = knock_only();
	begin(b, &h);
	send_proof(b, &h, seen.proof.bytes);
	expect_denial(b, &h, "an old proof");
	b = knock_only();
	begin(b, &h);
	send_proof(b, &h, seen.admit.bytes);
	expect_denial(b, &h, "the server's own proof");
}

static void key_before_proof(void)
{
	static const uint16_t types[] = {
		LEAP_MSG_SLAB_GET, LEAP_MSG_SLAB_PUT, LEAP_MSG_SLAB_USAGE,
		LEAP_MSG_PING, LEAP_MSG_BYE, LEAP_MSG_KEY_PROOF, LEAP_MSG_KEY_ADMIT,
	};

	for (size_t i = 0; i < 2 * COUNT(types); i++) {
		struct leap_msg_info msg = { .type = types[i / 2] };
		struct borrower *b = knock_only();
		struct handshake h;
		char why[40];

		if (msg.type == LEAP_MSG_KEY_PROOF && i % 2)
			continue;
		if (i % 2)
			begin(b, &h);
		snprintf(why, sizeof(why), "message %u before the proof", msg.type);
		send_message(b, &msg);
		expect_drop(b, why);
		vanish(b);
	}
}

static void key_early_data(void)
{
	struct borrower *b = knock_only();
	struct rdma_cm_id *id = make_end();

	if (knock_as(b, id, LEAP_ROLE_DATA) || b->refusal.code != LEAP_REFUSED_TOKEN)
		die("a data queue before the proof");
	printf("refused: %s\n", b->refusal.text);
	rdma_destroy_ep(id);
	vanish(b);
}

/* Whether it says nothing or half of it, its time is up. */
static void key_stall(void)
{
	for (int i = 0; i < 2; i++) {
		struct borrower *b = knock_only();
		struct handshake h;

		if (i)
			begin(b, &h);
		expect_drop(b, i ? "no proof" : "no nonce");
		vanish(b);
	}
}

/* One who only says that it is another does not throw that one out. */
static void key_other_id(void)
{
	struct borrower *honest = arrive(), *thief = make_borrower();
	struct lease lease = borrow(honest);

	fill(honest, lease, CHUNK, 0x44);
	memcpy(thief->hello.client_id, honest->hello.client_id, LEAP_CLIENT_ID_LEN);
	thief->hello.flags = LEAP_HELLO_KEY;
	if (!knock_control(thief))
		die("refused: %s", thief->refusal.text);
	expect_drop(thief, "somebody else's id");
	vanish(thief);
	expect_bytes(honest, lease, CHUNK, 0x44);
	leave(honest);
}

/* A claim to be that client, of which the proof does not come. */
static struct borrower *claim(const struct borrower *honest)
{
	struct borrower *b = make_borrower();

	memcpy(b->hello.client_id, honest->hello.client_id, LEAP_CLIENT_ID_LEN);
	b->hello.flags = LEAP_HELLO_KEY | LEAP_HELLO_KEEP;
	b->old_token = honest->welcome.token;
	if (!knock_control(b))
		die("refused: %s", b->refusal.text);
	return b;
}

/* Whoever claims to come back, again and again, takes no place but that client's. */
static void key_claim(void)
{
	struct borrower *honest = make_borrower(), *claims[ROUNDS];
	struct lease lease;

	honest->keep = true;
	if (!open_control(honest))
		die("refused: %s", honest->refusal.text);
	open_data(honest);
	lease = borrow(honest);
	fill(honest, lease, CHUNK, 0x55);
	for (int i = 0; i < ROUNDS; i++)
		claims[i] = claim(honest);
	leave(arrive());
	for (int i = 0; i < ROUNDS; i++) {
		expect_drop(claims[i], "");
		vanish(claims[i]);
	}
	expect_bytes(honest, lease, CHUNK, 0x55);
	leave(honest);
}

/*
 * Somebody at another of the portal's addresses passes on to leapd what a client says
 * that looks for a server there: its proof is about that address.
 */
static void key_elsewhere(void)
{
	struct borrower *b = knock_only();
	struct handshake h;

	begin(b, &h);
	h.auth.where.addr[3] ^= 1;
	finish(b, &h, &the_key);
	expect_denial(b, &h, "a proof for another address");
}

/* For a leapd without a key: a client with one does not lend from it. */
static void key_unwanted(void)
{
	struct borrower *b = make_borrower();

	b->hello.flags = LEAP_HELLO_KEY;
	if (knock_control(b) || b->refusal.code != LEAP_REFUSED_KEY)
		die("a server without a key welcomes a client that has one");
	printf("refused: %s\n", b->refusal.text);
	vanish(b);
}

static const struct {
	const char *name;
	void (*fn)(void);
} ways[] = {
	{ "key-missing", key_missing },
	{ "key-wrong", key_wrong },
	{ "key-noise", key_noise },
	{ "key-replay", key_replay },
	{ "key-before-proof", key_before_proof },
	{ "key-early-data", key_early_data },
	{ "key-stall", key_stall },
	{ "key-other-id", key_other_id },
	{ "key-claim", key_claim },
	{ "key-elsewhere", key_elsewhere },
};

/* Does it wrong in the way of that name; false if there is no such way. */
bool key_wrong_way(const char *name)
{
	if (!strcmp(name, "key-unwanted")) {
		key_unwanted();
		return true;
	}
	for (size_t i = 0; i < COUNT(ways); i++)
		if (!strcmp(name, ways[i].name)) {
			if (!the_key.len)
				die("that needs a KEYFILE");
			ways[i].fn();
			return true;
		}
	return false;
}

void key_names(void)
{
	for (size_t i = 0; i < COUNT(ways); i++)
		puts(ways[i].name);
}
