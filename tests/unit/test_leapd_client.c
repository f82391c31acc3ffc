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
#include <sys/mman.h>

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

void tell(const char *fmt, ...)
{
	(void)fmt;
}

/* Slabs that went to the kernel with something in them; the slab thread counts. */
static unsigned int nr_unclean;

int __real_munmap(void *addr, size_t len);
int __wrap_munmap(void *addr, size_t len);

int __wrap_munmap(void *addr, size_t len)
{
	const char *bytes = addr;

	if (len == account.slab && (*bytes || memcmp(bytes, bytes + 1, len - 1)))
		__atomic_add_fetch(&nr_unclean, 1, __ATOMIC_RELAXED);
	return __real_munmap(addr, len);
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
	options.grace = 60;
	options.key.len = 0;
	options.nr_allow = 0;
	options.per_client = UINT64_MAX;
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
	assert_int_equal(nr_unclean, 0);
	peers_free();
	return 0;
}

static void tick(time_t seconds)
{
	while (seconds--) {
		now++;
		client_tick(now);
		recall_tick(now);
		slab_tick(now);
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

	auth_begin(auth, &options.listen, &hello, &peer->welcome);
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
	memset((void *)(uintptr_t)grant.addr, 0xa5, 2 * MIB);
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
	*(u64 *)(uintptr_t)(borrow(peer).addr + MIB) = 0xa5;
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

/* A request that says 10.0.0.1, whose connection leads to 10.0.0.9. */
static bool liar_is_welcome(struct ibv_sa_path_rec *path)
{
	struct leap_hello_info hello = hello_of(1);
	struct peer *peer = peer_create("10.0.0.1");

	peer->id.route.num_paths = 1;
	peer->id.route.path_rec = path;
	return peer_connect(peer, &hello);
}

static void an_address_that_does_not_lead_to_the_client_is_refused(void **state)
{
	struct ibv_sa_path_rec path;

	(void)state;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.9", path.dgid.raw), 1);
	assert_false(liar_is_welcome(&path));
	assert_int_equal(LIST_FIRST(&peers)->refusal.code, LEAP_REFUSED_ADDRESS);
	link_layer = IBV_LINK_LAYER_INFINIBAND;
	assert_true(liar_is_welcome(&path));
	link_layer = IBV_LINK_LAYER_ETHERNET;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:10.0.0.1", path.dgid.raw), 1);
	assert_true(liar_is_welcome(&path));
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

/* Not before the last word has arrived, however late leapd hears of the first. */
static void it_is_told_so_before_it_is_dropped(void **state)
{
	struct peer *peer = connect_as(1);
	struct key other = options.key;
	struct auth auth;

	(void)state;
	other.len--;
	peer->slow = true;
	assert_int_equal(prove(peer, 1, &other, &auth).status, LEAP_STATUS_KEY);
	peer_acknowledge(peer, 1);
	assert_false(peer->gone);
	peer_acknowledge(peer, 1);
	assert_true(peer->gone);
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

/* However much there is, and whatever others have. */
static void one_client_gets_so_much(void **state)
{
	struct peer *peer = connect_as(1), *other;
	struct leap_msg_info slab, answer;

	(void)state;
	options.per_client = 5 * MIB;
	borrow(peer);
	slab = borrow(peer);
	assert_int_equal(slab.capacity, 0);
	for (int i = 0; i < 3; i++) {
		answer = ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_GET });
		assert_int_equal(answer.status, LEAP_STATUS_NO_MEMORY);
	}
	other = connect_as(2);
	assert_int_equal(other->welcome.capacity, 4 * MIB);
	assert_int_equal(borrow(other).capacity, 2 * MIB);
	answer = ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_PUT, .slab = slab.slab });
	assert_int_equal(answer.capacity, 2 * MIB);
	borrow(peer);
}

/* What comes back then is not for lending, so there is nothing to wait for. */
static void in_a_shortage_nobody_waits_for_a_slab(void **state)
{
	struct peer *peer = connect_as(1), *other = connect_as(2);
	struct leap_msg_info slab = borrow(peer);

	(void)state;
	account.shortage = true;
	account_return(&account);	/* of somebody else, and it takes long */
	peer_send(other, &(struct leap_msg_info){ .type = LEAP_MSG_SLAB_GET });
	assert_true(peer_has_message(other));
	assert_int_equal(peer_receive(other).status, LEAP_STATUS_NO_MEMORY);
	account.returning -= account.slab;
	account.shortage = false;
	ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_PUT, .slab = slab.slab });
}

/* It would take the server for dead, or others would keep it waiting for ever. */
static void nobody_waits_for_long(void **state)
{
	struct peer *peer = connect_as(1), *other = connect_as(2);

	(void)state;
	for (uint64_t lent = 0; lent < options.memory; lent += options.slab)
		borrow(peer);
	account_return(&account);	/* of somebody else, and it takes long */
	peer_send(other, &(struct leap_msg_info){ .type = LEAP_MSG_SLAB_GET });
	assert_false(peer_has_message(other));
	tick(1);
	assert_false(peer_has_message(other));
	tick(1);
	assert_true(peer_has_message(other));
	assert_int_equal(peer_receive(other).status, LEAP_STATUS_NO_MEMORY);
	assert_false(other->gone);
	account.returning -= account.slab;
}

/* Comes with KEEP, and with the token of an earlier connection if there was one. */
static struct peer *come(u8 id, const struct peer *before)
{
	struct leap_hello_info hello = hello_of(id);
	struct peer *peer = peer_create("10.0.0.1");

	hello.flags |= LEAP_HELLO_KEEP;
	hello.token = before ? before->welcome.token : 0;
	assert_true(peer_connect(peer, &hello));
	if (options.key.len) {
		struct leap_msg_info msg = { .type = LEAP_MSG_KEY_NONCE }, answer;
		struct auth auth;

		auth_begin(&auth, &options.listen, &hello, &peer->welcome);
		answer = ask(peer, msg);
		memcpy(auth.server_nonce, answer.bytes, LEAP_NONCE_LEN);
		msg.type = LEAP_MSG_KEY_PROOF;
		auth_proof(&auth, &options.key, LEAP_AUTH_CLIENT, msg.bytes);
		assert_int_equal(ask(peer, msg).status, LEAP_STATUS_OK);
	}
	return peer;
}

static bool kept(const struct peer *peer)
{
	return peer->welcome.flags & LEAP_WELCOME_KEPT;
}

static void name_slab(struct peer *peer, u32 slab)
{
	peer_send(peer, &(struct leap_msg_info){ .type = LEAP_MSG_SLAB_USAGE, .slab = slab });
}

static uint16_t give_back(struct peer *peer, u32 slab)
{
	return ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_SLAB_PUT, .slab = slab }).status;
}

static void wait_for_lent(u64 bytes)
{
	for (int i = 0; i < 500 && account.lent != bytes; i++)
		pump(10);
	assert_int_equal(account.lent, bytes);
}

static void who_comes_back_has_what_it_had(void **state)
{
	struct peer *peer = come(1, NULL), *data;
	struct leap_msg_info a, b;

	(void)state;
	assert_false(kept(peer));
	a = borrow(peer);
	b = borrow(peer);
	*(u64 *)(uintptr_t)a.addr = 77;
	data = connect_data(peer, 1);
	peer_break(peer);
	assert_true(data->gone);
	assert_int_equal(connect_data(peer, 1)->verdict, REFUSED);
	tick(59);
	assert_int_equal(account.lent, 4 * MIB);
	data = peer;
	peer = come(1, data);
	assert_true(kept(peer));
	assert_true(peer->welcome.token != data->welcome.token);
	name_slab(peer, a.slab);
	name_slab(peer, b.slab);
	assert_int_equal(connect_data(peer, 1)->verdict, WELCOME);
	assert_int_equal(*(u64 *)(uintptr_t)a.addr, 77);
	assert_int_not_equal(borrow(peer).slab, a.slab);
	assert_int_equal(give_back(peer, a.slab), LEAP_STATUS_OK);
	tick(200);
	assert_false(peer->gone);
	assert_int_equal(account.lent, 4 * MIB);
	peer_send(peer, &(struct leap_msg_info){ .type = LEAP_MSG_BYE });
	wait_for_lent(0);
}

/* Each time for the whole grace period. */
static void it_may_come_back_again_and_again(void **state)
{
	struct peer *peer = come(1, NULL);
	struct leap_msg_info slab = borrow(peer);

	(void)state;
	for (int i = 0; i < 4; i++) {
		peer_break(peer);
		tick(50);
		peer = come(1, peer);
		assert_true(kept(peer));
		name_slab(peer, slab.slab);
	}
}

/* The grant was lost, or the answer to a return: the server takes the slab back. */
static void what_it_does_not_name_is_taken_back(void **state)
{
	struct peer *peer = come(1, NULL), *before = peer;
	struct leap_msg_info a, b;

	(void)state;
	a = borrow(peer);
	b = borrow(peer);
	for (int i = 0; i < 18; i++)
		borrow(peer);
	peer_send(peer, &(struct leap_msg_info){ .type = LEAP_MSG_SLAB_GET });
	peer_break(peer);
	peer = come(1, before);
	assert_true(kept(peer));
	name_slab(peer, b.slab);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_PING }).type,
				 LEAP_MSG_PONG);
	wait_for_lent(2 * MIB);
	assert_false(peer_has_message(peer));
	assert_int_equal(give_back(peer, a.slab), LEAP_STATUS_NO_SLAB);
	assert_int_equal(give_back(peer, b.slab), LEAP_STATUS_OK);
	assert_false(peer->gone);
}

static void a_slab_that_is_not_there_cannot_be_named(void **state)
{
	struct peer *peer = come(1, NULL);

	(void)state;
	borrow(peer);
	peer_break(peer);
	peer = come(1, peer);
	assert_true(kept(peer));
	name_slab(peer, 99);
	assert_true(peer->gone);
	wait_for_lent(0);
}

static void after_the_grace_period_there_is_nothing(void **state)
{
	struct peer *peer = come(1, NULL), *before = peer;

	(void)state;
	borrow(peer);
	peer_break(peer);
	tick(60);
	wait_for_lent(0);
	assert_true(LIST_EMPTY(&clients));
	peer = come(1, before);
	assert_false(kept(peer));
	options.grace = 0;
	borrow(peer);
	peer_break(peer);
	assert_true(LIST_EMPTY(&clients));
}

/* Each time it is lost again before it is connected: that does not add up. */
static void failing_to_come_back_gains_no_time(void **state)
{
	struct leap_hello_info hello = hello_of(1);
	struct peer *peer = come(1, NULL);

	(void)state;
	options.grace = 6 * (SETTLE_SECONDS + 1);
	borrow(peer);
	peer_break(peer);
	hello.flags |= LEAP_HELLO_KEEP;
	for (int i = 0; i < 5; i++) {
		struct rdma_conn_param param = { .private_data_len = sizeof(struct leap_hello) };
		struct leap_hello wire;

		hello.token = peer->welcome.token;
		peer = peer_create("10.0.0.1");
		leap_hello_encode(&hello, &wire);
		param.private_data = &wire;
		client_request(&peer->id, &param);
		assert_true(kept(peer));
		tick(SETTLE_SECONDS + 1);
		assert_true(peer->gone);
	}
	assert_false(LIST_EMPTY(&clients));
	tick(SETTLE_SECONDS + 1);
	assert_true(LIST_EMPTY(&clients));
}

/* A welcome that it has never got changes nothing; one that it has used does. */
static void who_has_not_heard_the_welcome_comes_with_the_old_token(void **state)
{
	struct peer *first = come(1, NULL), *peer;
	struct leap_msg_info slab = borrow(first);

	(void)state;
	peer_break(first);
	for (int i = 0; i < 3; i++) {
		peer = come(1, first);
		assert_true(kept(peer));
		peer_break(peer);
	}
	peer = come(1, first);
	name_slab(peer, slab.slab);
	assert_int_equal(ask(peer, (struct leap_msg_info){ .type = LEAP_MSG_PING }).type,
			 LEAP_MSG_PONG);
	peer_break(peer);
	assert_false(kept(come(1, first)));
	wait_for_lent(0);
}

/* Who claims to come back and does not prove it: the last of them takes a place. */
static void claims_take_one_place(void **state)
{
	struct peer *peer = come(1, NULL), *claims[CLIENTS_MAX];
	struct leap_hello_info hello = hello_of(1);

	(void)state;
	borrow(peer);
	hello.flags |= LEAP_HELLO_KEEP;
	hello.token = peer->welcome.token;
	for (int i = 0; i < CLIENTS_MAX; i++) {
		claims[i] = peer_create("10.0.0.1");
		assert_true(peer_connect(claims[i], &hello));
		assert_true(!i || claims[i - 1]->gone);
	}
	for (u8 i = 2; i < CLIENTS_PER_HOST; i++)
		connect_with_key(i);
	assert_false(peer->gone);
	/* All places are taken, but not that of who comes back. */
	for (u8 i = CLIENTS_PER_HOST; i < CLIENTS_MAX; i++) {
		struct leap_hello_info other = hello_of(100 + i);
		char name[16];

		snprintf(name, sizeof(name), "10.0.1.%u", i);
		assert_true(peer_connect(peer_create(name), &other));
	}
	peer_break(peer);
	assert_true(kept(come(1, peer)));
}

/* Another token, or another id, or no wish: nothing of it for them. */
static void others_do_not_get_it(void **state)
{
	struct peer *peer = come(1, NULL), other;

	(void)state;
	borrow(peer);
	peer_break(peer);
	assert_false(kept(come(2, peer)));
	assert_int_equal(account.lent, 2 * MIB);
	if (options.key.len) {
		/* It is back before it has proved anything, and never does. */
		struct leap_hello_info hello = hello_of(1);
		struct peer *thief = peer_create("10.0.0.1");

		hello.flags |= LEAP_HELLO_KEEP;
		hello.token = peer->welcome.token;
		assert_true(peer_connect(thief, &hello));
		assert_int_equal(connect_data(thief, 1)->verdict, REFUSED);
		tick(LEAP_HANDSHAKE_SECONDS);
		assert_true(thief->gone);
		assert_int_equal(account.lent, 2 * MIB);
		assert_true(kept(come(1, peer)));
	}
	other = *peer;
	other.welcome.token++;
	assert_false(kept(come(1, &other)));
	wait_for_lent(0);
}

/* It may never have heard of it. Its time goes on meanwhile. */
static void what_was_called_back_is_called_back_again(void **state)
{
	struct peer *peer = come(1, NULL);
	struct leap_msg_info a = borrow(peer), b = borrow(peer), recall;

	(void)state;
	available = 16 * MIB - 1;
	tick(1);
	peer_break(peer);
	tick(9);
	peer = come(1, peer);
	assert_true(kept(peer));
	name_slab(peer, a.slab);
	name_slab(peer, b.slab);
	assert_false(peer_has_message(peer));
	peer_send(peer, &(struct leap_msg_info){ .type = LEAP_MSG_PING });
	recall = peer_receive(peer);
	assert_int_equal(recall.type, LEAP_MSG_SLAB_RECALL);
	assert_int_equal(recall.seconds, 21);
	assert_int_equal(peer_receive(peer).type, LEAP_MSG_SLAB_RECALL);
	assert_int_equal(peer_receive(peer).type, LEAP_MSG_PONG);
	assert_int_equal(recalls.asked, 2);
	tick(20);
	assert_false(peer->gone);
	tick(1);
	assert_true(peer->gone);
	assert_int_equal(recalls.cut_off, 1);
}

/* leapd has not noticed yet that the old connection is dead. */
static void it_may_come_back_before_it_is_missed(void **state)
{
	struct peer *before = come(1, NULL), *peer;
	struct leap_msg_info slab;

	(void)state;
	slab = borrow(before);
	peer = come(1, before);
	assert_true(kept(peer));
	assert_true(before->gone);
	name_slab(peer, slab.slab);
	assert_int_equal(give_back(peer, slab.slab), LEAP_STATUS_OK);
}

static void who_has_nothing_is_not_waited_for(void **state)
{
	struct peer *peer = come(1, NULL);

	(void)state;
	peer_break(peer);
	assert_true(LIST_EMPTY(&clients));
}

/* Machines that say and do whatever comes to their mind. */
#define CROWD	12

static struct peer *crowd[CROWD];

static void say_hello(u32 i)
{
	struct leap_hello_info hello = hello_of((u8)(random() % 4));
	struct peer *peer = peer_create(random() % 2 ? "10.0.0.1" : "10.0.0.2");
	const struct peer *other = crowd[random() % CROWD];

	if (crowd[i] && !crowd[i]->destroyed)
		return;
	if (random() % 16 == 0)
		hello.flags ^= LEAP_HELLO_KEY;
	if (random() % 2)
		hello.flags |= LEAP_HELLO_KEEP;
	if (random() % 3 == 0)
		hello.role = LEAP_ROLE_DATA;
	if (other && random() % 4) {
		hello.token = other->welcome.token;
		hello.client_id[0] = other->said.client_id[0];
	}
	if (hello.role == LEAP_ROLE_DATA)
		hello.flags = 0;
	else if (!(hello.flags & LEAP_HELLO_KEEP))
		hello.token = 0;
	if (peer_connect(peer, &hello))
		crowd[i] = peer;
}

/* Each message but for a proof that is right, which is the honest ones'. */
static void say_anything(struct peer *peer)
{
	struct leap_msg_info msg = {
		.type = (u16)(random() % (LEAP_MSG_SLAB_RECALL + 2)), .seq = (u64)random(),
	};

	if (msg.type == LEAP_MSG_BYE && random() % 4)
		msg.type = LEAP_MSG_SLAB_GET;
	if (msg.type == LEAP_MSG_SLAB_PUT || msg.type == LEAP_MSG_SLAB_USAGE)
		msg.slab = (u32)random() % 8;
	if (peer->nr_receives)
		peer_send(peer, &msg);
	peer->nr_sent = 0;
}

static void prove_or_not(struct peer *peer)
{
	struct leap_msg_info msg = { .type = LEAP_MSG_KEY_NONCE }, answer;
	struct auth auth;

	auth_begin(&auth, &options.listen, &peer->said, &peer->welcome);
	peer->nr_sent = 0;
	if (!peer->nr_receives)
		return;
	peer_send(peer, &msg);
	if (!peer->nr_sent || peer->destroyed)
		return;
	answer = peer_receive(peer);
	memcpy(auth.server_nonce, answer.bytes, LEAP_NONCE_LEN);
	auth_proof(&auth, &options.key, LEAP_AUTH_CLIENT, msg.bytes);
	msg.type = LEAP_MSG_KEY_PROOF;
	if (!peer->destroyed && peer->nr_receives)
		peer_send(peer, &msg);
	peer->nr_sent = 0;
}

static void do_anything(u32 i)
{
	struct peer *peer = crowd[i];

	if (!peer || peer->destroyed || random() % 16 == 0) {
		say_hello(i);
		return;
	}
	if (random() % 12 == 0)
		peer_break(peer);
	else if (peer->said.role == LEAP_ROLE_CONTROL && options.key.len && random() % 3 == 0)
		prove_or_not(peer);
	else if (peer->said.role == LEAP_ROLE_CONTROL)
		say_anything(peer);
}

static void check_books(void)
{
	const struct client *client;
	const struct slab *slab;
	u64 lent = 0;

	LIST_FOREACH(client, &clients, entry) {
		unsigned int called = 0;

		assert_true(client->admitted || LIST_EMPTY(&client->slabs));
		assert_int_equal(!client->control, client->away_until && LIST_EMPTY(&client->conns));
		LIST_FOREACH(slab, &client->slabs, entry) {
			assert_ptr_equal(slab->client, client);
			assert_ptr_equal(slab->mr->pd, client->domain->pd);
			called += slab->recall_until != 0;
			lent += account.slab;
		}
		assert_int_equal(called, client->recalled);
		assert_true(client->lent <= options.per_client);
	}
	assert_true(lent <= account.lent && account.lent <= account.limit);
}

static void anything_in_any_order(void **state)
{
	(void)state;
	for (unsigned int seed = 0; seed < 30; seed++) {
		srandom(seed);
		options.per_client = seed % 3 ? UINT64_MAX : 8 * MIB;
		failures = seed % 2 * 50;
		memset(crowd, 0, sizeof(crowd));
		for (u32 step = 0; step < 600; step++) {
			do_anything((u32)random() % CROWD);
			if (random() % 32 == 0)
				available = (u64)(random() % 64) * MIB;
			if (random() % 4 == 0)
				tick(random() % 16 ? 1 : 40);
			check_books();
		}
		failures = 0;
		available = 512 * MIB;
		account.shortage = false;
		stop(NULL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_honest_client_is_served, start_open, stop),
		cmocka_unit_test_setup_teardown(who_disconnects_has_nothing_any_more, start_open, stop),
		cmocka_unit_test_setup_teardown(nonsense_ends_the_connection, start_open, stop),
		cmocka_unit_test_setup_teardown(who_is_not_on_the_list_is_refused, start_open, stop),
		cmocka_unit_test_setup_teardown(an_address_that_does_not_lead_to_the_client_is_refused, start_open, stop),
		cmocka_unit_test_setup_teardown(both_have_a_key_or_none_has, start_open, stop),
		cmocka_unit_test_setup_teardown(both_have_a_key_or_none_has, start_with_key, stop),
		cmocka_unit_test_setup_teardown(who_knows_the_key_is_served, start_with_key, stop),
		cmocka_unit_test_setup_teardown(who_does_not_is_told_so_and_dropped, start_with_key, stop),
		cmocka_unit_test_setup_teardown(it_is_told_so_before_it_is_dropped, start_with_key, stop),
		cmocka_unit_test_setup_teardown(before_the_proof_nothing_else_is_heard, start_with_key, stop),
		cmocka_unit_test_setup_teardown(the_time_for_a_proof_is_limited, start_with_key, stop),
		cmocka_unit_test_setup_teardown(only_who_proves_it_takes_anothers_place, start_with_key, stop),
		cmocka_unit_test_setup_teardown(one_machine_gets_some_places, start_open, stop),
		cmocka_unit_test_setup_teardown(one_machine_gets_some_places, start_with_key, stop),
		cmocka_unit_test_setup_teardown(slabs_are_called_back_and_come, start_open, stop),
		cmocka_unit_test_setup_teardown(one_client_gets_so_much, start_open, stop),
		cmocka_unit_test_setup_teardown(in_a_shortage_nobody_waits_for_a_slab, start_open, stop),
		cmocka_unit_test_setup_teardown(nobody_waits_for_long, start_open, stop),
		cmocka_unit_test_setup_teardown(what_was_called_back_is_called_back_again, start_open, stop),
		cmocka_unit_test_setup_teardown(what_was_called_back_is_called_back_again, start_with_key, stop),
		cmocka_unit_test_setup_teardown(who_comes_back_has_what_it_had, start_open, stop),
		cmocka_unit_test_setup_teardown(who_comes_back_has_what_it_had, start_with_key, stop),
		cmocka_unit_test_setup_teardown(what_it_does_not_name_is_taken_back, start_open, stop),
		cmocka_unit_test_setup_teardown(what_it_does_not_name_is_taken_back, start_with_key, stop),
		cmocka_unit_test_setup_teardown(a_slab_that_is_not_there_cannot_be_named, start_open, stop),
		cmocka_unit_test_setup_teardown(a_slab_that_is_not_there_cannot_be_named, start_with_key, stop),
		cmocka_unit_test_setup_teardown(after_the_grace_period_there_is_nothing, start_open, stop),
		cmocka_unit_test_setup_teardown(after_the_grace_period_there_is_nothing, start_with_key, stop),
		cmocka_unit_test_setup_teardown(others_do_not_get_it, start_open, stop),
		cmocka_unit_test_setup_teardown(others_do_not_get_it, start_with_key, stop),
		cmocka_unit_test_setup_teardown(claims_take_one_place, start_with_key, stop),
		cmocka_unit_test_setup_teardown(it_may_come_back_before_it_is_missed, start_open, stop),
		cmocka_unit_test_setup_teardown(it_may_come_back_before_it_is_missed, start_with_key, stop),
		cmocka_unit_test_setup_teardown(failing_to_come_back_gains_no_time, start_open, stop),
		cmocka_unit_test_setup_teardown(who_has_nothing_is_not_waited_for, start_open, stop),
		cmocka_unit_test_setup_teardown(who_has_not_heard_the_welcome_comes_with_the_old_token, start_open, stop),
		cmocka_unit_test_setup_teardown(who_has_not_heard_the_welcome_comes_with_the_old_token, start_with_key, stop),
		cmocka_unit_test_setup_teardown(it_may_come_back_again_and_again, start_open, stop),
		cmocka_unit_test_setup_teardown(it_may_come_back_again_and_again, start_with_key, stop),
		cmocka_unit_test_setup_teardown(anything_in_any_order, start_open, stop),
		cmocka_unit_test_setup_teardown(anything_in_any_order, start_with_key, stop),
	};

	return cmocka_run_group_tests_name("leapd client", tests, begin, end);
}
