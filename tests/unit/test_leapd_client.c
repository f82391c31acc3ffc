// SPDX-License-Identifier: GPL-2.0
/*
 * leapd's clients on a device that is made of nothing: who gets in, who stays
 * out, and that nothing is left of either.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_verbs.h"

#define MIB (1ULL << 20)

struct options options;
struct account account;

static time_t now;
static uint64_t available;
static char last_event[32];

time_t loop_seconds(void)
{
	return now;
}

uint64_t memory_available(void)
{
	return available;
}

uint64_t memory_total(void)
{
	return 1ULL << 30;
}

void event(const struct client *client, const char *what, const char *fmt, ...)
{
	(void)client;
	(void)fmt;
	snprintf(last_event, sizeof(last_event), "%s", what);
}

static struct leap_hello_info hello_of(u8 id)
{
	return (struct leap_hello_info){
		.role = LEAP_ROLE_CONTROL, .page_shift = 12, .queues = 2, .depth = 16,
		.client_id = { id },
		.flags = options.key.len ? LEAP_HELLO_KEY : 0,
	};
}

static int begin(void **state)
{
	(void)state;
	options.slab = 2 * MIB;
	options.memory = 64 * MIB;
	options.reserve = 16 * MIB;
	return slab_init();
}

static int end(void **state)
{
	(void)state;
	slab_exit();
	return 0;
}

static void start(void)
{
	now = 1000;
	available = 512 * MIB;
	options.recall = 30;
	options.key.len = 0;
	options.nr_allow = 0;
	account.shortage = false;
	recalls = (struct recalls){ 0 };
}

static int start_open(void **state)
{
	(void)state;
	start();
	return 0;
}

static int start_with_key(void **state)
{
	(void)state;
	start();
	return key_parse("sixteen bytes...", 16, &options.key) != NULL;
}

/* Whatever a test has left ends here, and then nothing of it may be there. */
static int stop(void **state)
{
	(void)state;
	while (!LIST_EMPTY(&clients))
		client_drop(LIST_FIRST(&clients), "the test ends");
	for (int i = 0; i < 500 && account.lent; i++)
		pump(10);
	assert_int_equal(nr_pds, 0);
	assert_int_equal(nr_mrs, 0);
	assert_int_equal(nr_cqs, 0);
	assert_int_equal(nr_qps, 0);
	assert_int_equal(account.lent, 0);
	peers_free();
	return 0;
}

static void tick(time_t seconds)
{
	while (seconds--) {
		now++;
		client_tick(now);
		recall_tick(now);
		pump(0);
	}
}

static struct peer *connect_as(u8 id)
{
	struct leap_hello_info hello = hello_of(id);
	struct peer *peer = peer_create("10.0.0.1");

	assert_true(peer_connect(peer, &hello));
	return peer;
}

static struct peer *connect_data(const struct peer *control, u8 id)
{
	struct leap_hello_info hello = hello_of(id);
	struct peer *peer = peer_create("10.0.0.1");

	hello.role = LEAP_ROLE_DATA;
	hello.flags = 0;
	hello.token = control->welcome.token;
	peer_connect(peer, &hello);
	return peer;
}

static struct leap_msg_info ask(struct peer *peer, struct leap_msg_info msg)
{
	struct leap_msg_info answer;

	msg.seq = 5;
	peer_send(peer, &msg);
	answer = peer_receive(peer);
	assert_int_equal(answer.seq, 5);
	return answer;
}

static struct leap_msg_info borrow(struct peer *peer)
{
	struct leap_msg_info grant = ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_GET });

	assert_int_equal(grant.type, LEAP_MSG_SLAB_GRANT);
	assert_int_equal(grant.status, LEAP_STATUS_OK);
	return grant;
}

/* What an honest client does, with the key that it believes in. */
static struct leap_msg_info prove(struct peer *peer, u8 id, const struct key *key,
				  struct auth *auth)
{
	struct leap_msg_info msg = { .type = LEAP_MSG_KEY_NONCE }, answer;
	const struct leap_hello_info hello = hello_of(id);

	auth_begin(auth, &hello, &peer->welcome);
	memset(msg.bytes, 0x5a, sizeof(msg.bytes));
	memcpy(auth->client_nonce, msg.bytes, LEAP_NONCE_LEN);
	answer = ask(peer, msg);
	assert_int_equal(answer.type, LEAP_MSG_KEY_CHALLENGE);
	memcpy(auth->server_nonce, answer.bytes, LEAP_NONCE_LEN);
	msg.type = LEAP_MSG_KEY_PROOF;
	assert_true(auth_proof(auth, key, LEAP_AUTH_CLIENT, msg.bytes));
	answer = ask(peer, msg);
	assert_int_equal(answer.type, LEAP_MSG_KEY_ADMIT);
	return answer;
}

static struct peer *connect_with_key(u8 id)
{
	struct peer *peer = connect_as(id);
	struct auth auth;

	assert_int_equal(prove(peer, id, &options.key, &auth).status, LEAP_STATUS_OK);
	return peer;
}

static void an_honest_client_is_served(void **state)
{
	struct peer *peer = connect_as(1);
	struct leap_msg_info grant;

	(void)state;
	assert_int_equal(peer->welcome.flags, 0);
	assert_int_equal(connect_data(peer, 1)->verdict, WELCOME);
	grant = borrow(peer);
	assert_int_equal(account.lent, 2 * MIB);
	assert_int_equal(*(u64 *)(uintptr_t)grant.addr, 0);
	grant = ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_PUT, .slab = grant.slab });
	assert_int_equal(grant.type, LEAP_MSG_SLAB_PUT_DONE);
	assert_int_equal(grant.status, LEAP_STATUS_OK);
	assert_int_equal(account.lent, 0);
	peer_send(peer, &(struct leap_msg_info){ .type = LEAP_MSG_BYE });
	assert_true(peer->gone);
	assert_true(LIST_EMPTY(&clients));
}

static void who_disconnects_has_nothing_any_more(void **state)
{
	struct peer *peer = connect_as(1), *data = connect_data(peer, 1);

	(void)state;
	borrow(peer);
	peer_break(data);
	assert_false(peer->gone);
	peer_break(peer);
	assert_true(LIST_EMPTY(&clients));
	for (int i = 0; i < 500 && account.lent; i++)
		pump(10);
	assert_int_equal(account.lent, 0);
}

static void nonsense_ends_the_connection(void **state)
{
	struct peer *peer = connect_as(1), *other = connect_as(2);

	(void)state;
	peer_send_bytes(peer, "nonsense", 8);
	assert_true(peer->gone);
	assert_false(other->gone);
	peer_send(other, &(struct leap_msg_info){ .type = LEAP_MSG_KEY_NONCE });
	assert_true(other->gone);
}

static void who_is_not_on_the_list_is_refused(void **state)
{
	struct leap_hello_info hello = hello_of(1);
	struct peer *peer = peer_create("10.0.1.1");

	(void)state;
	assert_true(allow_parse("10.0.0.0/24", &options.allow[0]));
	options.nr_allow = 1;
	assert_false(peer_connect(peer, &hello));
	assert_int_equal(peer->refusal.code, LEAP_REFUSED_ADDRESS);
	assert_true(peer->destroyed);
	connect_as(1);
}

static void both_have_a_key_or_none_has(void **state)
{
	struct leap_hello_info hello = hello_of(1);
	struct peer *peer = peer_create("10.0.0.1");

	(void)state;
	hello.flags ^= LEAP_HELLO_KEY;
	assert_false(peer_connect(peer, &hello));
	assert_int_equal(peer->refusal.code, LEAP_REFUSED_KEY);
}

static void who_knows_the_key_is_served(void **state)
{
	struct peer *peer = connect_as(1);
	u8 proof[LEAP_NONCE_LEN];
	struct leap_msg_info answer;
	struct auth auth;

	(void)state;
	assert_int_equal(peer->welcome.flags, LEAP_WELCOME_KEY);
	assert_int_equal(connect_data(peer, 1)->verdict, REFUSED);
	answer = prove(peer, 1, &options.key, &auth);
	assert_int_equal(answer.status, LEAP_STATUS_OK);
	assert_true(auth_proof(&auth, &options.key, LEAP_AUTH_SERVER, proof));
	assert_memory_equal(answer.bytes, proof, sizeof(proof));
	assert_int_equal(connect_data(peer, 1)->verdict, WELCOME);
	borrow(peer);
	tick(60);
	assert_false(peer->gone);
}

static void who_does_not_is_told_so_and_dropped(void **state)
{
	struct peer *peer = connect_as(1);
	struct key other = options.key;
	struct leap_msg_info answer;
	struct auth auth;

	(void)state;
	other.bytes[3] ^= 1;
	answer = prove(peer, 1, &other, &auth);
	assert_int_equal(answer.status, LEAP_STATUS_KEY);
	pump(0);
	assert_true(peer->gone);
	assert_true(LIST_EMPTY(&clients));
}

static void before_the_proof_nothing_else_is_heard(void **state)
{
	(void)state;
	for (u16 type = LEAP_MSG_SLAB_GET; type <= LEAP_MSG_SLAB_RECALL; type++) {
		struct peer *peer = connect_as(1);

		if (type == LEAP_MSG_KEY_NONCE)
			continue;
		peer_send(peer, &(struct leap_msg_info){ .type = type });
		assert_true(peer->gone);
		assert_false(peer_has_message(peer));
		assert_int_equal(account.lent, 0);
	}
}

static void the_time_for_a_proof_is_limited(void **state)
{
	struct peer *mute = connect_as(1), *slow = connect_as(2);

	(void)state;
	ask(slow, (struct leap_msg_info){ .type = LEAP_MSG_KEY_NONCE });
	tick(LEAP_HANDSHAKE_SECONDS - 1);
	assert_false(mute->gone || slow->gone);
	tick(1);
	assert_true(mute->gone && slow->gone);
}

/* One who says that it is another, and another who comes back. */
static void only_who_proves_it_takes_anothers_place(void **state)
{
	struct peer *first = connect_with_key(1), *thief, *again;

	(void)state;
	borrow(first);
	thief = connect_as(1);
	assert_int_equal(connect_data(thief, 1)->verdict, REFUSED);
	assert_false(first->gone);
	tick(LEAP_HANDSHAKE_SECONDS);
	assert_true(thief->gone);
	assert_false(first->gone);
	assert_int_equal(connect_data(first, 1)->verdict, WELCOME);
	again = connect_with_key(1);
	assert_true(first->gone);
	assert_false(again->gone);
	borrow(again);
}

static void one_machine_gets_some_places(void **state)
{
	struct leap_hello_info hello;
	struct peer *peer;

	(void)state;
	for (u8 i = 0; i < CLIENTS_PER_HOST; i++)
		options.key.len ? connect_with_key(i) : connect_as(i);
	hello = hello_of(100);
	peer = peer_create("10.0.0.1");
	assert_false(peer_connect(peer, &hello));
	assert_int_equal(peer->refusal.code, LEAP_REFUSED_FULL);
	connect_as(0);
	peer = peer_create("10.0.0.2");
	assert_true(peer_connect(peer, &hello));
}

static void slabs_are_called_back_and_come(void **state)
{
	struct peer *peer = connect_as(1);
	struct leap_msg_info grants[4], recall;

	(void)state;
	for (int i = 0; i < 4; i++)
		grants[i] = borrow(peer);
	peer_send(peer, &(struct leap_msg_info){ .type = LEAP_MSG_SLAB_USAGE,
						 .slab = grants[0].slab, .used = 9 });
	available = 15 * MIB + MIB / 2;
	tick(1);
	recall = peer_receive(peer);
	assert_int_equal(recall.type, LEAP_MSG_SLAB_RECALL);
	assert_int_equal(recall.seq, 0);
	assert_int_equal(recall.seconds, 30);
	assert_int_not_equal(recall.slab, grants[0].slab);
	peer_receive(peer);
	ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_PUT, .slab = recall.slab });
	assert_int_equal(recall_pending(), 1);
	assert_int_equal(ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_GET }).status,
			 LEAP_STATUS_NO_MEMORY);
	available = 18 * MIB;
	tick(40);
	assert_false(peer->gone);
	assert_int_equal(recalls.cut_off, 0);
	available = 15 * MIB;
	tick(31);
	assert_true(peer->gone);
	assert_int_equal(recalls.cut_off, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_honest_client_is_served, start_open, stop),
		cmocka_unit_test_setup_teardown(who_disconnects_has_nothing_any_more, start_open, stop),
		cmocka_unit_test_setup_teardown(nonsense_ends_the_connection, start_open, stop),
		cmocka_unit_test_setup_teardown(who_is_not_on_the_list_is_refused, start_open, stop),
		cmocka_unit_test_setup_teardown(both_have_a_key_or_none_has, start_open, stop),
		cmocka_unit_test_setup_teardown(both_have_a_key_or_none_has, start_with_key, stop),
		cmocka_unit_test_setup_teardown(who_knows_the_key_is_served, start_with_key, stop),
		cmocka_unit_test_setup_teardown(who_does_not_is_told_so_and_dropped, start_with_key, stop),
		cmocka_unit_test_setup_teardown(before_the_proof_nothing_else_is_heard, start_with_key, stop),
		cmocka_unit_test_setup_teardown(the_time_for_a_proof_is_limited, start_with_key, stop),
		cmocka_unit_test_setup_teardown(only_who_proves_it_takes_anothers_place, start_with_key, stop),
		cmocka_unit_test_setup_teardown(one_machine_gets_some_places, start_open, stop),
		cmocka_unit_test_setup_teardown(one_machine_gets_some_places, start_with_key, stop),
		cmocka_unit_test_setup_teardown(slabs_are_called_back_and_come, start_open, stop),
	};

	return cmocka_run_group_tests_name("leapd client", tests, begin, end);
}
