// SPDX-License-Identifier: GPL-2.0
/* The prefetch policy's breaker: when it stops, for how long, and when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "prefetcher.h"

/* Nothing that is prefetched is ever used. Return: pages until that stops. */
static u32 fail_until_rest(u64 *page)
{
	u64 issued = p.count.issued;

	while (!p.breaker.rest)
		fault((*page)++, LEAP_FAULT_MISS);
	return p.count.issued - issued;
}

/* Return: faults until prefetching begins again. */
static u32 wait_for_trial(u64 *page)
{
	u32 quiet = 0;

	while (!fault((*page)++, LEAP_FAULT_MISS))
		quiet++;
	return quiet + 1;
}

static void useless_prefetching_is_stopped(void **state)
{
	u64 page = BASE;

	(void)state;
	assert_int_equal(fail_until_rest(&page), 64);
	assert_int_equal(wait_for_trial(&page), 64);
}

static void the_pauses_get_longer(void **state)
{
	u64 page = BASE;
	u32 pause = 64;

	(void)state;
	fail_until_rest(&page);
	for (u32 i = 0; i < 12; i++) {
		assert_int_equal(wait_for_trial(&page), pause);
		/* The first one was asked for by the fault that ended the wait. */
		assert_int_equal(fail_until_rest(&page), 15);
		pause = pause < 8192 ? 2 * pause : 8192;
	}
}

/*
 * Four streams that begin anew together, and look far ahead because the link is
 * slow, ask for more than a trial takes before the first page is used.
 */
static void what_is_still_to_come_is_not_judged(void **state)
{
	(void)state;
	for (u64 i = 0; i < 2000; i++) {
		for (u64 way = 0; way < 4; way++) {
			u64 page = BASE + (way * way << 24) + (i / 100 << 14) + i;
			u32 nr = fault(page, take_cached(page) ? LEAP_FAULT_LATE :
								 LEAP_FAULT_MISS);

			while (nr)
				add_cached(pages[--nr]);
			assert_int_equal(p.breaker.pause, 0);
		}
	}
}

static void a_trial_that_succeeds_ends_the_pauses(void **state)
{
	u64 page = BASE;

	(void)state;
	fail_until_rest(&page);
	wait_for_trial(&page);
	fail_until_rest(&page);
	wait_for_trial(&page);
	scan(&page, 1, 100);
	assert_int_equal(p.breaker.pause, 0);
	assert_int_equal(scan(&page, 1, 1000), 0);
}

static void without_the_breaker_nothing_stops(void **state)
{
	struct leap_prefetch_settings set = leap_prefetch_defaults;
	u64 page = BASE;

	(void)state;
	set.breaker = 0;
	start_with(&set);
	for (u32 i = 0; i < 5000; i++)
		assert_int_equal(fault(page++, LEAP_FAULT_MISS), i >= 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup(name, start)
		test(useless_prefetching_is_stopped),
		test(the_pauses_get_longer),
		test(what_is_still_to_come_is_not_judged),
		test(a_trial_that_succeeds_ends_the_pauses),
		test(without_the_breaker_nothing_stops),
	};

	return cmocka_run_group_tests_name("breaker", tests, NULL, NULL);
}
