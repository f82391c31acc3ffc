// SPDX-License-Identifier: GPL-2.0
/* When to read what a fault has asked for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leap/policy/pace.h"

#define US	1000ULL
#define START	(1000000 * US)

static struct leap_pace pace;
static u64 now;

static void fault(u64 us, bool waits)
{
	now += us * US;
	leap_pace_fault(&pace, now, waits);
}

static u64 asked(void)
{
	leap_pace_asked(&pace);
	return leap_pace_delay(&pace);
}

/* @nr faults later, each that long after the one before, the last of them asks. */
static u64 delay(u32 nr, u64 us)
{
	while (nr--)
		fault(us, false);
	return asked();
}

/* One fault has asked, and the next ones need not wait. */
static int start(void **state)
{
	(void)state;
	pace = (struct leap_pace){};
	now = START;
	fault(0, false);
	assert_int_equal(asked(), 0);
	return 0;
}

static void half_of_the_gap_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(delay(1, 500), 250 * US);
	assert_int_equal(delay(10, 500), 250 * US);
}

static void a_short_gap_is_none(void **state)
{
	(void)state;
	assert_int_equal(delay(1, 100), 50 * US);
	assert_int_equal(delay(10, 99), 0);
}

static void a_long_gap_is_not_waited_for_in_full(void **state)
{
	(void)state;
	assert_int_equal(delay(1, 1998), 999 * US);
	start(state);
	assert_int_equal(delay(1, 10000), 1000 * US);
	start(state);	/* though it does not fit in 32 bits */
	assert_int_equal(delay(1, 10000000), 1000 * US);
}

/* Its wait is in the time to the next fault. */
static void a_fault_that_waits_says_nothing(void **state)
{
	(void)state;
	fault(500, true);
	fault(100, false);
	fault(600, false);
	assert_int_equal(asked(), 300 * US);
}

static void nothing_is_known_after_a_wait(void **state)
{
	(void)state;
	assert_int_equal(delay(1, 500), 250 * US);
	fault(9000, true);
	assert_int_equal(delay(1, 500), 0);
	assert_int_equal(delay(1, 500), 250 * US);
}

static void to_lose_the_processor_is_not_to_compute(void **state)
{
	(void)state;
	assert_int_equal(delay(10, 400), 200 * US);
	fault(4000, false);
	assert_int_equal(delay(10, 400), 200 * US);
	assert_int_equal(delay(1, 4000), 250 * US);
	fault(4000, false);
	assert_int_equal(delay(10, 20), 0);
}

static void who_computes_from_now_on_is_found_out(void **state)
{
	(void)state;
	assert_int_equal(delay(1, 1), 0);
	assert_int_equal(delay(1, 500), 125 * US / 2);
	for (u32 i = 0; i < 7; i++)
		delay(1, 500);
	assert_int_equal(delay(1, 500), 250 * US);
}

/* As when another thread has asked meanwhile, or was there first. */
static void no_time_is_no_gap(void **state)
{
	(void)state;
	assert_int_equal(asked(), 0);
	assert_int_equal(delay(1, 500), 250 * US);
	leap_pace_fault(&pace, now - US, false);
	assert_int_equal(asked(), 250 * US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup(name, start)
		test(half_of_the_gap_is_waited_for),
		test(a_short_gap_is_none),
		test(a_long_gap_is_not_waited_for_in_full),
		test(a_fault_that_waits_says_nothing),
		test(nothing_is_known_after_a_wait),
		test(to_lose_the_processor_is_not_to_compute),
		test(who_computes_from_now_on_is_found_out),
		test(no_time_is_no_gap),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
