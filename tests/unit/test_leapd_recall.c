// SPDX-License-Identifier: GPL-2.0
/*
 * Calling slabs back: leapd's clients and slabs, on a machine whose memory and
 * clock are ours. What recall.c asks of other files is noted here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "daemon/leapd.h"

#define MIB (1ULL << 20)

struct options options;
struct account account;
struct clients clients;

static uint64_t available;
static time_t now;
static struct client *asked_client;
static uint32_t asked_slab;
static unsigned int nr_asked;

uint64_t memory_available(void)
{
	return available;
}

void event(const struct client *client, const char *what, const char *fmt, ...)
{
	(void)client;
	(void)what;
	(void)fmt;
}

void control_recall(struct client *client, uint32_t slab, uint32_t seconds)
{
	assert_int_equal(seconds, options.recall);
	asked_client = client;
	asked_slab = slab;
	nr_asked++;
}

static void give_back(struct slab *slab)
{
	LIST_REMOVE(slab, entry);
	recall_forget(slab);
	account_return(&account);
	free(slab);
}

void client_drop(struct client *client, const char *why)
{
	assert_non_null(why);
	while (!LIST_EMPTY(&client->slabs))
		give_back(LIST_FIRST(&client->slabs));
	assert_int_equal(client->recalled, 0);
	LIST_REMOVE(client, entry);
	free(client);
}

/* The memory of what was given back is there. */
static void settle(void)
{
	while (account.returning) {
		account_returned(&account);
		available += account.slab;
	}
}

static struct client *add_client(void)
{
	static struct conn connection;
	struct client *client = calloc(1, sizeof(*client));

	client->admitted = true;
	client->control = &connection;
	LIST_INIT(&client->slabs);
	LIST_INSERT_HEAD(&clients, client, entry);
	return client;
}

static struct slab *add_slab(struct client *client, uint32_t used)
{
	struct slab *slab = calloc(1, sizeof(*slab));

	slab->client = client;
	slab->id = client->next_slab++;
	slab->used = used;
	LIST_INSERT_HEAD(&client->slabs, slab, entry);
	assert_true(account_lend(&account, UINT64_MAX));
	account_prepared(&account);
	return slab;
}

static int start(void **state)
{
	(void)state;
	account = (struct account){
		.limit = 1 << 30, .reserve = 80 * MIB, .margin = 10 * MIB, .slab = 2 * MIB,
	};
	options.recall = 30;
	recalls = (struct recalls){ 0 };
	available = 200 * MIB;
	now = 1000;
	nr_asked = 0;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	while (!LIST_EMPTY(&clients))
		client_drop(LIST_FIRST(&clients), "the test ends");
	return 0;
}

static unsigned int tick(void)
{
	nr_asked = 0;
	recall_tick(now++);
	return nr_asked;
}

static void while_there_is_enough_nothing_is_called_back(void **state)
{
	struct client *client = add_client();

	(void)state;
	add_slab(client, 0);
	assert_int_equal(tick(), 0);
	available = 80 * MIB;
	assert_int_equal(tick(), 0);
	available = 0;
	give_back(LIST_FIRST(&client->slabs));
	assert_int_equal(tick(), 0);
}

static void the_least_used_goes_first(void **state)
{
	struct client *a = add_client(), *b = add_client();

	(void)state;
	add_slab(a, 50);
	add_slab(b, 70);
	add_slab(a, 5);
	add_slab(b, 60);
	available = 89 * MIB - 1;
	account.shortage = true;
	assert_int_equal(tick(), 1);
	assert_ptr_equal(asked_client, a);
	assert_int_equal(asked_slab, 1);
	assert_int_equal(tick(), 0);
	available = 87 * MIB;
	assert_int_equal(tick(), 1);
	assert_int_equal(asked_slab, 0);
	available = 85 * MIB;
	assert_int_equal(tick(), 1);
	assert_ptr_equal(asked_client, b);
	assert_int_equal(asked_slab, 1);
	assert_int_equal(recall_pending(), 3);
}

/* Asking for what has been asked for already does not help. */
static void as_many_are_called_back_as_are_needed(void **state)
{
	struct client *a = add_client(), *b = add_client();

	(void)state;
	for (int i = 0; i < 20; i++) {
		add_slab(a, 1);
		add_slab(b, 1);
	}
	available = 79 * MIB;
	assert_int_equal(tick(), 6);
	assert_int_equal(a->recalled, 3);
	assert_int_equal(b->recalled, 3);
	assert_int_equal(tick(), 0);
	give_back(LIST_FIRST(&a->slabs));
	assert_int_equal(tick(), 0);
	settle();
	assert_int_equal(tick(), 0);
	assert_int_equal(recalls.asked, 6);
	available = 0;
	assert_int_equal(tick(), 2 * LEAP_RECALLS_MAX - recall_pending() + nr_asked);
	assert_int_equal(a->recalled, LEAP_RECALLS_MAX);
	assert_int_equal(b->recalled, LEAP_RECALLS_MAX);
}

static void who_obeys_is_left_alone(void **state)
{
	struct client *client = add_client();

	(void)state;
	for (int i = 0; i < 10; i++)
		add_slab(client, 1);
	available = 79 * MIB;
	assert_int_equal(tick(), 6);
	for (int i = 0; i < 6; i++) {
		struct slab *slab;

		LIST_FOREACH(slab, &client->slabs, entry)
			if (slab->recall_until)
				break;
		give_back(slab);
	}
	settle();
	assert_true(account.shortage);
	assert_int_equal(tick(), 0);
	assert_false(account.shortage);
	now += 100;
	tick();
	assert_int_equal(recalls.cut_off, 0);
	assert_int_equal(recall_pending(), 0);
}

static void who_does_not_is_cut_off_after_the_deadline(void **state)
{
	struct client *deaf = add_client(), *other = add_client();

	(void)state;
	for (int i = 0; i < 8; i++)
		add_slab(deaf, 0);
	add_slab(other, 100);
	available = 79 * MIB;
	tick();
	assert_int_equal(deaf->recalled, 6);
	for (int i = 0; i < 29; i++)
		tick();
	assert_int_equal(recalls.cut_off, 0);
	tick();
	assert_int_equal(recalls.cut_off, 1);
	assert_ptr_equal(LIST_FIRST(&clients), other);
	assert_null(LIST_NEXT(other, entry));
	settle();
	tick();
	assert_false(account.shortage);
}

/* What one gives back by being cut off may be enough. */
static void no_more_are_cut_off_than_it_takes(void **state)
{
	struct client *a = add_client(), *b = add_client();

	(void)state;
	for (int i = 0; i < 20; i++) {
		add_slab(a, 1);
		add_slab(b, 1);
	}
	available = 79 * MIB;
	tick();
	now += 30;
	tick();
	assert_int_equal(recalls.cut_off, 1);
	settle();
	tick();
	assert_false(account.shortage);
	assert_int_equal(recalls.cut_off, 1);
	assert_int_equal(recall_pending(), 0);
}

/* More than the reserve, but not enough for the shortage to be over. */
static void nobody_is_cut_off_for_the_margin(void **state)
{
	struct client *client = add_client();

	(void)state;
	for (int i = 0; i < 20; i++)
		add_slab(client, 1);
	available = 79 * MIB;
	tick();
	available = 85 * MIB;
	now += 100;
	tick();
	assert_true(account.shortage);
	assert_int_equal(recalls.cut_off, 0);
	assert_true(recall_pending() > 0);
	available = 79 * MIB;
	tick();
	assert_int_equal(recalls.cut_off, 1);
}

static void a_shortage_that_ends_is_forgiven(void **state)
{
	struct client *client = add_client();
	struct slab *slab = add_slab(client, 1);

	(void)state;
	available = 79 * MIB;
	assert_int_equal(tick(), 1);
	available = 90 * MIB;
	now += 29;
	tick();
	assert_false(account.shortage);
	now += 1;
	tick();
	assert_int_equal(recalls.cut_off, 0);
	assert_int_equal(client->recalled, 0);
	assert_int_equal(slab->recall_until, 0);
	available = 79 * MIB;
	assert_int_equal(tick(), 1);
}

static void who_is_away_is_called_last_but_gains_no_time(void **state)
{
	struct client *away = add_client(), *here = add_client();
	struct slab *empty = add_slab(away, 0), *full = add_slab(here, 9);

	(void)state;
	away->control = NULL;
	available = 79 * MIB;
	recall_tick(now++);
	assert_int_equal(full->recall_until, now - 1 + 30);
	assert_int_equal(empty->recall_until, now - 1 + 30);
	assert_int_equal(nr_asked, 1);
	give_back(full);
	settle();
	available = 79 * MIB;
	now += 30;
	tick();
	assert_int_equal(recalls.cut_off, 1);
	assert_ptr_equal(LIST_FIRST(&clients), here);
}

static void who_is_away_is_spared_if_others_have_enough(void **state)
{
	struct client *away = add_client(), *here = add_client();
	struct slab *empty = add_slab(away, 0);

	(void)state;
	for (int i = 0; i < 20; i++)
		add_slab(here, 9);
	away->control = NULL;
	available = 79 * MIB;
	assert_true(tick() > 0);
	assert_int_equal(empty->recall_until, 0);
	available = 40 * MIB;	/* more than may be asked for at a time */
	tick();
	assert_int_equal(here->recalled, LEAP_RECALLS_MAX);
	assert_int_equal(empty->recall_until, 0);
}

static void strangers_are_not_asked(void **state)
{
	struct client *client = add_client();

	(void)state;
	add_slab(client, 1);
	client->admitted = false;
	available = 0;
	assert_int_equal(tick(), 0);
}

/* Whatever clients do: never more than is needed or allowed, all books right. */
static void random_machines(void **state)
{
	(void)state;
	srandom(1);
	for (int step = 0; step < 20000; step++) {
		unsigned int pending = 0;
		struct client *client;
		struct slab *slab, *some = NULL;

		if (random() % 50 == 0)
			add_client();
		LIST_FOREACH(client, &clients, entry) {
			if (!account.shortage && random() % 4 == 0 &&
			    account_capacity(&account, UINT64_MAX))
				add_slab(client, (uint32_t)random() % 5);
			LIST_FOREACH(slab, &client->slabs, entry)
				if (random() % 8 == 0)
					some = slab;
		}
		if (some && random() % 2)
			give_back(some);
		if (random() % 3 == 0)
			settle();
		available = random() % 4 ? available : (uint64_t)random() % (200 * MIB);
		now += random() % 4;
		tick();
		LIST_FOREACH(client, &clients, entry) {
			unsigned int called = 0;

			LIST_FOREACH(slab, &client->slabs, entry)
				called += slab->recall_until != 0;
			assert_int_equal(called, client->recalled);
			assert_in_range(called, 0, LEAP_RECALLS_MAX);
			pending += called;
		}
		assert_int_equal(pending, recall_pending());
		assert_true(!nr_asked || account.shortage);
		assert_true(nr_asked * account.slab <
			    account.reserve + account.margin + account.slab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(while_there_is_enough_nothing_is_called_back, start, stop),
		cmocka_unit_test_setup_teardown(the_least_used_goes_first, start, stop),
		cmocka_unit_test_setup_teardown(as_many_are_called_back_as_are_needed, start, stop),
		cmocka_unit_test_setup_teardown(who_obeys_is_left_alone, start, stop),
		cmocka_unit_test_setup_teardown(who_does_not_is_cut_off_after_the_deadline, start, stop),
		cmocka_unit_test_setup_teardown(no_more_are_cut_off_than_it_takes, start, stop),
		cmocka_unit_test_setup_teardown(nobody_is_cut_off_for_the_margin, start, stop),
		cmocka_unit_test_setup_teardown(a_shortage_that_ends_is_forgiven, start, stop),
		cmocka_unit_test_setup_teardown(who_is_away_is_called_last_but_gains_no_time, start, stop),
		cmocka_unit_test_setup_teardown(who_is_away_is_spared_if_others_have_enough, start, stop),
		cmocka_unit_test_setup_teardown(strangers_are_not_asked, start, stop),
		cmocka_unit_test_setup_teardown(random_machines, start, stop),
	};

	return cmocka_run_group_tests_name("leapd recall", tests, NULL, NULL);
}
