// SPDX-License-Identifier: GPL-2.0
/* The states of a server: the ways through the table, then any events at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "leap/policy/health.h"

#define GRACE	10000

static struct leap_health health;
static u64 now;

static void start(void)
{
	now = 1;
	leap_health_init(&health, GRACE);
}

static u32 happen(enum leap_health_event event)
{
	return leap_health_event(&health, event, now, 0);
}

static void bring_up(void)
{
	start();
	assert_int_equal(happen(LEAP_HEALTH_CONNECTED), LEAP_DO_SERVE);
	assert_int_equal(health.state, LEAP_HEALTH_UP);
}

static void assert_due(u64 after, enum leap_health_event want)
{
	enum leap_health_event event;

	now += after - 1;
	assert_false(leap_health_due(&health, now, &event));
	now++;
	assert_true(leap_health_due(&health, now, &event));
	assert_int_equal(event, want);
}

static void the_first_attempt_is_the_only_one(void **state)
{
	(void)state;
	start();
	assert_int_equal(happen(LEAP_HEALTH_FAILED), 0);
	assert_int_equal(health.state, LEAP_HEALTH_REMOVED);
}

static void many_errors_are_one_loss(void **state)
{
	(void)state;
	bring_up();
	assert_int_equal(happen(LEAP_HEALTH_BROKEN), LEAP_DO_ABORT);
	for (int i = 0; i < 10; i++)
		assert_int_equal(happen(LEAP_HEALTH_BROKEN), 0);
	assert_int_equal(health.state, LEAP_HEALTH_LOST);
	assert_due(LEAP_BACKOFF_MIN_MS / 2, LEAP_HEALTH_RETRY);
}

static void who_is_slow_is_suspected_until_it_answers(void **state)
{
	(void)state;
	bring_up();
	assert_int_equal(happen(LEAP_HEALTH_SLOW), 0);
	assert_int_equal(health.state, LEAP_HEALTH_SUSPECT);
	assert_true(leap_health_readable(health.state));
	assert_false(leap_health_lends(health.state));
	assert_int_equal(happen(LEAP_HEALTH_ALIVE), 0);
	assert_int_equal(health.state, LEAP_HEALTH_UP);
	happen(LEAP_HEALTH_SLOW);
	assert_int_equal(happen(LEAP_HEALTH_BROKEN), LEAP_DO_ABORT);
}

static void who_returns_in_time_is_used_as_before(void **state)
{
	enum leap_health_event event;

	(void)state;
	bring_up();
	happen(LEAP_HEALTH_BROKEN);
	assert_due(LEAP_BACKOFF_MIN_MS / 2, LEAP_HEALTH_RETRY);
	assert_int_equal(happen(LEAP_HEALTH_RETRY), LEAP_DO_CONNECT);
	assert_int_equal(happen(LEAP_HEALTH_FAILED), 0);
	assert_due(LEAP_BACKOFF_MIN_MS, LEAP_HEALTH_RETRY);
	assert_int_equal(happen(LEAP_HEALTH_RETRY), LEAP_DO_CONNECT);
	assert_int_equal(happen(LEAP_HEALTH_CONNECTED), LEAP_DO_RESUME);
	assert_int_equal(health.state, LEAP_HEALTH_UP);
	assert_false(leap_health_due(&health, now + 10 * GRACE, &event));
}

static void who_returns_empty_has_nothing(void **state)
{
	(void)state;
	bring_up();
	happen(LEAP_HEALTH_BROKEN);
	happen(LEAP_HEALTH_RETRY);
	assert_int_equal(happen(LEAP_HEALTH_CONNECTED_EMPTY),
			 LEAP_DO_FORGET | LEAP_DO_SERVE);
	assert_int_equal(health.state, LEAP_HEALTH_UP);
}

/* Once, and attempts go on. */
static void after_the_grace_period_it_is_given_up(void **state)
{
	(void)state;
	bring_up();
	happen(LEAP_HEALTH_BROKEN);
	happen(LEAP_HEALTH_RETRY);
	assert_due(GRACE, LEAP_HEALTH_GRACE_OVER);
	assert_int_equal(happen(LEAP_HEALTH_GRACE_OVER), LEAP_DO_FORGET);
	assert_int_equal(health.state, LEAP_HEALTH_RECONNECTING);
	happen(LEAP_HEALTH_FAILED);
	assert_due(LEAP_BACKOFF_MIN_MS, LEAP_HEALTH_RETRY);
}

static void who_drains_is_read_and_not_written(void **state)
{
	(void)state;
	bring_up();
	assert_int_equal(happen(LEAP_HEALTH_DRAIN), 0);
	assert_true(leap_health_readable(health.state));
	assert_false(leap_health_writable(health.state));
	assert_int_equal(happen(LEAP_HEALTH_DRAIN), 0);
	assert_int_equal(happen(LEAP_HEALTH_CLOSE), 0);
	assert_int_equal(health.state, LEAP_HEALTH_REMOVED);
}

static void who_is_lost_while_draining_goes_on_or_goes(void **state)
{
	(void)state;
	bring_up();
	happen(LEAP_HEALTH_DRAIN);
	assert_int_equal(happen(LEAP_HEALTH_BROKEN), LEAP_DO_ABORT);
	happen(LEAP_HEALTH_RETRY);
	assert_int_equal(happen(LEAP_HEALTH_CONNECTED), LEAP_DO_RESUME);
	assert_int_equal(health.state, LEAP_HEALTH_DRAINING);
	happen(LEAP_HEALTH_BROKEN);
	assert_int_equal(happen(LEAP_HEALTH_GRACE_OVER), LEAP_DO_FORGET);
	assert_int_equal(health.state, LEAP_HEALTH_REMOVED);
}

/* What it had was given up long ago: nothing to wait for. */
static void who_has_nothing_is_removed_at_once(void **state)
{
	(void)state;
	bring_up();
	happen(LEAP_HEALTH_BROKEN);
	now += GRACE;
	happen(LEAP_HEALTH_GRACE_OVER);
	assert_int_equal(happen(LEAP_HEALTH_DRAIN), 0);
	assert_int_equal(health.state, LEAP_HEALTH_REMOVED);
}

static void waits_grow_up_to_a_bound(void **state)
{
	u32 last = 0;

	(void)state;
	for (u32 i = 0; i < 300; i++) {
		u32 least = leap_backoff_ms(i, 0);
		u32 most = least + least;

		assert_true(least >= last);
		assert_in_range(leap_backoff_ms(i, UINT32_MAX), least, most);
		assert_in_range(most, LEAP_BACKOFF_MIN_MS, LEAP_BACKOFF_MAX_MS);
		last = least;
	}
	assert_int_equal(last, LEAP_BACKOFF_MAX_MS / 2);
}

/* Who breaks as soon as it is up must not be tried without a pause. */
static void who_flaps_waits_longer_and_longer(void **state)
{
	u64 first, wait = 0;

	(void)state;
	bring_up();
	happen(LEAP_HEALTH_BROKEN);
	first = health.retry_at - now;
	for (int i = 0; i < 20; i++) {
		assert_true(health.retry_at - now >= wait);
		wait = health.retry_at - now;
		now = health.retry_at;
		happen(LEAP_HEALTH_RETRY);
		happen(LEAP_HEALTH_CONNECTED);
		happen(LEAP_HEALTH_BROKEN);
	}
	assert_int_equal(wait, LEAP_BACKOFF_MAX_MS / 2);
	happen(LEAP_HEALTH_RETRY);
	happen(LEAP_HEALTH_CONNECTED);
	now += LEAP_BACKOFF_STEADY_MS;
	happen(LEAP_HEALTH_BROKEN);
	assert_int_equal(health.retry_at - now, first);
}

static void each_state_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (u8 i = 0; i < LEAP_HEALTH_STATES; i++) {
		assert_non_null(leap_health_name(i));
		for (u8 j = 0; j < i; j++)
			assert_string_not_equal(leap_health_name(i), leap_health_name(j));
		/* Where stores go, loads can go; who lends takes stores. */
		assert_true(leap_health_readable(i) || !leap_health_writable(i));
		assert_true(leap_health_writable(i) || !leap_health_lends(i));
		assert_int_equal(leap_health_readable(i), leap_health_rank(i) > 0);
	}
}

static void check_step(u8 before, u32 actions)
{
	bool was = leap_health_readable(before);
	bool is = leap_health_readable(health.state);

	/* Requests end when it goes; it comes back by these two only. */
	if (was && !is)
		assert_true(actions & LEAP_DO_ABORT || health.state == LEAP_HEALTH_REMOVED);
	if (!was && is)
		assert_true(actions & (LEAP_DO_SERVE | LEAP_DO_RESUME));
	if (before == LEAP_HEALTH_REMOVED)
		assert_int_equal(health.state, LEAP_HEALTH_REMOVED);
	/* While it is lost something is due some day. */
	if (health.state == LEAP_HEALTH_LOST || health.state == LEAP_HEALTH_DRAINING_LOST)
		assert_true(health.retry_at > 0);
	else
		assert_int_equal(health.retry_at, 0);
}

/* RESUME never comes after FORGET without a new SERVE. */
static void random_events(void **state)
{
	bool remembered = true;

	(void)state;
	srandom(3);
	start();
	for (u32 i = 0; i < 300000; i++) {
		enum leap_health_event event = random() % LEAP_HEALTH_EVENTS;
		u8 before = health.state;
		u32 actions;

		now += random() % 1000;
		if (event == LEAP_HEALTH_CLOSE && random() % 16)
			continue;
		if (random() % 2 && !leap_health_due(&health, now, &event))
			continue;
		actions = leap_health_event(&health, event, now, random());
		check_step(before, actions);
		if (actions & LEAP_DO_FORGET)
			remembered = false;
		if (actions & LEAP_DO_SERVE)
			remembered = true;
		if (actions & LEAP_DO_RESUME)
			assert_true(remembered);
		if (health.state == LEAP_HEALTH_REMOVED && random() % 4 == 0) {
			start();
			remembered = true;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_attempt_is_the_only_one),
		cmocka_unit_test(many_errors_are_one_loss),
		cmocka_unit_test(who_is_slow_is_suspected_until_it_answers),
		cmocka_unit_test(who_returns_in_time_is_used_as_before),
		cmocka_unit_test(who_returns_empty_has_nothing),
		cmocka_unit_test(after_the_grace_period_it_is_given_up),
		cmocka_unit_test(who_drains_is_read_and_not_written),
		cmocka_unit_test(who_is_lost_while_draining_goes_on_or_goes),
		cmocka_unit_test(who_has_nothing_is_removed_at_once),
		cmocka_unit_test(waits_grow_up_to_a_bound),
		cmocka_unit_test(who_flaps_waits_longer_and_longer),
		cmocka_unit_test(each_state_has_a_name_of_its_own),
		cmocka_unit_test(random_events),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
