// SPDX-License-Identifier: GPL-2.0
/* Keys, and clients that know them, or do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/auth.h"

static const struct leap_portal_server where = { .family = AF_INET, .port = 9400, .addr = { 10, 0, 0, 2 } };

static const struct leap_hello_info hello = {
	.role = LEAP_ROLE_CONTROL, .page_shift = 12, .flags = LEAP_HELLO_KEY,
	.queues = 8, .depth = 128, .client_id = { 1, 2, 3 },
};

static const struct leap_welcome_info welcome = {
	.page_shift = 12, .slab_shift = 26, .queues = 4, .depth = 64,
	.flags = LEAP_WELCOME_KEY, .token = 7, .capacity = 1ULL << 30,
};

static struct key key, other;

static int make_keys(void **state)
{
	(void)state;
	assert_null(key_parse("sixteen bytes...", 16, &key));
	other = key;
	other.bytes[15] ^= 1;
	return 0;
}

/* The client's half. What it believes may not be what the server has said. */
static struct leap_msg_info nonce_message(struct auth *client)
{
	struct leap_msg_info msg = { .type = LEAP_MSG_KEY_NONCE, .seq = 1 };

	for (u32 i = 0; i < LEAP_NONCE_LEN; i++)
		client->client_nonce[i] = (u8)random();
	memcpy(msg.bytes, client->client_nonce, LEAP_NONCE_LEN);
	return msg;
}

static struct leap_msg_info proof_message(struct auth *client, const struct key *known,
					  const struct leap_msg_info *challenge)
{
	struct leap_msg_info msg = { .type = LEAP_MSG_KEY_PROOF, .seq = 2 };

	assert_int_equal(challenge->type, LEAP_MSG_KEY_CHALLENGE);
	assert_int_equal(challenge->seq, 1);
	memcpy(client->server_nonce, challenge->bytes, LEAP_NONCE_LEN);
	assert_true(auth_proof(client, known, LEAP_AUTH_CLIENT, msg.bytes));
	return msg;
}

static enum auth_verdict shake_hands(struct auth *client, struct auth *server,
				     const struct key *known,
				     struct leap_msg_info *answer)
{
	struct leap_msg_info msg = nonce_message(client);

	assert_int_equal(auth_hear(server, &key, &msg, answer), AUTH_GO_ON);
	msg = proof_message(client, known, answer);
	return auth_hear(server, &key, &msg, answer);
}

static void who_knows_the_key_is_admitted(void **state)
{
	struct leap_msg_info answer;
	struct auth client, server;
	u8 want[LEAP_NONCE_LEN];

	(void)state;
	auth_begin(&client, &where, &hello, &welcome);
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(shake_hands(&client, &server, &key, &answer), AUTH_ADMITTED);
	assert_int_equal(answer.type, LEAP_MSG_KEY_ADMIT);
	assert_int_equal(answer.status, LEAP_STATUS_OK);
	assert_int_equal(answer.seq, 2);
	assert_true(auth_proof(&client, &key, LEAP_AUTH_SERVER, want));
	assert_memory_equal(answer.bytes, want, LEAP_NONCE_LEN);
	assert_true(auth_proof(&client, &key, LEAP_AUTH_CLIENT, want));
	assert_memory_not_equal(answer.bytes, want, LEAP_NONCE_LEN);
}

/* It takes the client's words, and the server's, to the other one. */
static void who_passes_on_what_others_say_is_denied(void **state)
{
	struct leap_portal_server elsewhere = where;
	struct leap_msg_info answer;
	struct auth client, server;

	(void)state;
	elsewhere.addr[3]++;
	auth_begin(&client, &elsewhere, &hello, &welcome);
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(shake_hands(&client, &server, &key, &answer), AUTH_DENIED);
}

/* It learns nothing from the answer. */
static void assert_denied(struct auth *server, const struct leap_msg_info *answer)
{
	static const u8 zeros[LEAP_NONCE_LEN];
	struct leap_msg_info again = { .type = LEAP_MSG_KEY_NONCE }, msg;

	assert_int_equal(answer->type, LEAP_MSG_KEY_ADMIT);
	assert_int_equal(answer->status, LEAP_STATUS_KEY);
	assert_memory_equal(answer->bytes, zeros, LEAP_NONCE_LEN);
	assert_int_equal(auth_hear(server, &key, &again, &msg), AUTH_OFFENCE);
}

static void who_does_not_is_denied(void **state)
{
	struct leap_msg_info answer;
	struct auth client, server;

	(void)state;
	auth_begin(&client, &where, &hello, &welcome);
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(shake_hands(&client, &server, &other, &answer), AUTH_DENIED);
	assert_denied(&server, &answer);
	other.len--;
	other.bytes[15] ^= 1;
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(shake_hands(&client, &server, &other, &answer), AUTH_DENIED);
}

/* Somebody on the way has changed what was agreed on. */
static void what_was_said_is_part_of_the_proof(void **state)
{
	struct leap_msg_info answer;
	struct auth client, server;

	(void)state;
	auth_begin(&client, &where, &hello, &welcome);
	client.hello.queues--;
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(shake_hands(&client, &server, &key, &answer), AUTH_DENIED);
	auth_begin(&client, &where, &hello, &welcome);
	client.welcome.token ^= 1ULL << 63;
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(shake_hands(&client, &server, &key, &answer), AUTH_DENIED);
}

static void a_proof_is_good_for_one_connection(void **state)
{
	struct leap_msg_info answer, nonce, proof;
	struct auth client, server;

	(void)state;
	auth_begin(&client, &where, &hello, &welcome);
	auth_begin(&server, &where, &hello, &welcome);
	nonce = nonce_message(&client);
	auth_hear(&server, &key, &nonce, &answer);
	proof = proof_message(&client, &key, &answer);
	assert_int_equal(auth_hear(&server, &key, &proof, &answer), AUTH_ADMITTED);
	auth_begin(&server, &where, &hello, &welcome);
	assert_int_equal(auth_hear(&server, &key, &nonce, &answer), AUTH_GO_ON);
	assert_int_equal(auth_hear(&server, &key, &proof, &answer), AUTH_DENIED);
}

/* What the server has sent in one connection does not serve in another. */
static void a_server_does_not_prove_for_others(void **state)
{
	struct leap_msg_info answer, msg;
	struct auth client, server;

	(void)state;
	auth_begin(&client, &where, &hello, &welcome);
	auth_begin(&server, &where, &hello, &welcome);
	msg = nonce_message(&client);
	auth_hear(&server, &key, &msg, &answer);
	proof_message(&client, &key, &answer);
	msg.type = LEAP_MSG_KEY_PROOF;
	assert_true(auth_proof(&client, &key, LEAP_AUTH_SERVER, msg.bytes));
	assert_int_equal(auth_hear(&server, &key, &msg, &answer), AUTH_DENIED);
}

/* At each step, whatever is not due. */
static void anything_else_is_an_offence(void **state)
{
	(void)state;
	for (u32 step = 0; step < 3; step++) {
		for (u16 type = 0; type <= LEAP_MSG_SLAB_RECALL + 1; type++) {
			struct leap_msg_info answer, msg = { .type = type };
			struct auth client, server;

			auth_begin(&client, &where, &hello, &welcome);
			auth_begin(&server, &where, &hello, &welcome);
			if ((step == 0 && type == LEAP_MSG_KEY_NONCE) ||
			    (step == 1 && type == LEAP_MSG_KEY_PROOF))
				continue;
			if (step == 1) {
				struct leap_msg_info nonce = nonce_message(&client);

				auth_hear(&server, &key, &nonce, &answer);
			} else if (step == 2) {
				shake_hands(&client, &server, &key, &answer);
			}
			assert_int_equal(auth_hear(&server, &key, &msg, &answer), AUTH_OFFENCE);
			msg.type = LEAP_MSG_KEY_NONCE;
			assert_int_equal(auth_hear(&server, &key, &msg, &answer), AUTH_OFFENCE);
		}
	}
}

static void nonces_differ(void **state)
{
	u8 seen[50][LEAP_NONCE_LEN];

	(void)state;
	for (u32 i = 0; i < 50; i++) {
		struct leap_msg_info msg = { .type = LEAP_MSG_KEY_NONCE }, answer;
		struct auth server;

		auth_begin(&server, &where, &hello, &welcome);
		auth_hear(&server, &key, &msg, &answer);
		memcpy(seen[i], answer.bytes, LEAP_NONCE_LEN);
		for (u32 j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], LEAP_NONCE_LEN);
	}
}

/*
 * Known from elsewhere: python3 -c 'import hmac; print(hmac.new(bytes(range(32)),
 * bytes(i & 255 for i in range(172)), "sha256").hexdigest())'
 */
static void the_proof_is_hmac_sha256(void **state)
{
	static const char want[] = "1e063dc2ee38353a9d98ffd5780dd6baff025076ddb9b8b6185ac3ec843c2940";
	u8 text[LEAP_AUTH_TEXT], proof[LEAP_NONCE_LEN];
	struct key counted = { .len = 32 };
	char got[2 * LEAP_NONCE_LEN + 1];

	(void)state;
	for (u32 i = 0; i < sizeof(text); i++)
		text[i] = (u8)i;
	for (u32 i = 0; i < 32; i++)
		counted.bytes[i] = (u8)i;
	assert_true(key_proof(&counted, text, proof));
	for (u32 i = 0; i < LEAP_NONCE_LEN; i++)
		sprintf(got + 2 * i, "%02x", proof[i]);
	assert_string_equal(got, want);
}

static void assert_key(const char *text, const char *bytes, size_t len)
{
	struct key got;

	assert_null(key_parse(text, strlen(text), &got));
	assert_int_equal(got.len, len);
	assert_memory_equal(got.bytes, bytes, len);
}

static void assert_no_key(size_t len, char c)
{
	char *text = malloc(len + 1);
	struct key got;

	memset(text, c, len);
	assert_non_null(key_parse(text, len, &got));
	assert_int_equal(got.len, 0);
	free(text);
}

static void keys_are_digits_or_bytes(void **state)
{
	char many[2 * LEAP_KEY_MAX + 2];
	struct key got;

	(void)state;
	assert_key("000102030405060708090a0b0c0D0E0F\n",
		   "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17", 16);
	assert_key("000102030405060708090a0b0c0D0E0Fff \r\n",
		   "\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\377", 17);
	/* Too few digits for a key, but bytes enough; an odd number; no digit. */
	assert_key("0123456789abcdef", "0123456789abcdef", 16);
	assert_key("000102030405060708090a0b0c0d0e0f0",
		   "000102030405060708090a0b0c0d0e0f0", 33);
	assert_key("000102030405060708090a0b0c0d0e0g",
		   "000102030405060708090a0b0c0d0e0g", 32);
	assert_key(" 00102030405060708090a0b0c0d0e0f\n",
		   " 00102030405060708090a0b0c0d0e0f\n", 33);
	assert_no_key(0, 'x');
	assert_no_key(15, 'x');
	assert_no_key(15, '0');
	assert_no_key(LEAP_KEY_MAX + 1, 'x');
	assert_no_key(2 * LEAP_KEY_MAX + 2, '0');
	memset(many, '7', sizeof(many));
	assert_null(key_parse(many, 2 * LEAP_KEY_MAX, &got));
	assert_int_equal(got.len, LEAP_KEY_MAX);
	memset(many, 'x', sizeof(many));
	assert_null(key_parse(many, LEAP_KEY_MAX, &got));
	assert_int_equal(got.len, LEAP_KEY_MAX);
}

static void a_key_is_not_for_everybody(void **state)
{
	static const mode_t bad[] = { 0604, 0602, 0601, 0777 };
	char path[] = "/tmp/leapd-key.XXXXXX", big[3 * LEAP_KEY_MAX];
	struct key got;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "sixteen bytes...", 16), 16);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(fchmod(fd, bad[i]), 0);
		assert_non_null(strstr(key_read(path, &got), "chmod 600"));
	}
	fchmod(fd, 0640);
	assert_null(key_read(path, &got));
	assert_int_equal(got.len, 16);
	assert_memory_equal(got.bytes, "sixteen bytes...", 16);
	memset(big, '0', sizeof(big));
	assert_int_equal(write(fd, big, sizeof(big)), sizeof(big));
	assert_non_null(key_read(path, &got));
	close(fd);
	unlink(path);
	assert_non_null(key_read(path, &got));
	assert_non_null(key_read("/dev/zero", &got));
	assert_non_null(key_read("/tmp", &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(who_knows_the_key_is_admitted, make_keys),
		cmocka_unit_test_setup(who_passes_on_what_others_say_is_denied, make_keys),
		cmocka_unit_test_setup(who_does_not_is_denied, make_keys),
		cmocka_unit_test_setup(what_was_said_is_part_of_the_proof, make_keys),
		cmocka_unit_test_setup(a_proof_is_good_for_one_connection, make_keys),
		cmocka_unit_test_setup(a_server_does_not_prove_for_others, make_keys),
		cmocka_unit_test_setup(anything_else_is_an_offence, make_keys),
		cmocka_unit_test_setup(nonces_differ, make_keys),
		cmocka_unit_test(the_proof_is_hmac_sha256),
		cmocka_unit_test(keys_are_digits_or_bytes),
		cmocka_unit_test(a_key_is_not_for_everybody),
	};

	return cmocka_run_group_tests_name("leapd auth", tests, NULL, NULL);
}
