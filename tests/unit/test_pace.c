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

/* One fault has asked, at START, and the next ones need not wait. */
static int start(void **state)
{
	(void)state;
	pace = (struct leap_pace){};
	leap_pace_fault(&pace, false);
	leap_pace_asked(&pace, START, false);
	assert_int_equal(leap_pace_delay(&pace), 0);
	return 0;
}

/* @nr faults later, at @now, the last of them asks again. */
static u64 delay(u32 nr, u64 now)
{
	while (nr--)
		leap_pace_fault(&pace, false);
	leap_pace_asked(&pace, now, false);
	return leap_pace_delay(&pace);
}

static void half_of_the_gap_is_waited_for(void **state)
{
	(void)state;
	assert_int_equal(delay(1, START + 500 * US), 250 * US);
	assert_int_equal(delay(10, START + 5500 * US), 250 * US);
}

static void a_short_gap_is_none(void **state)
{
	(void)state;
	assert_int_equal(delay(1, START + 40 * US), 20 * US);
	assert_int_equal(delay(10, START + 440 * US), 20 * US);
	assert_int_equal(delay(10, START + 839 * US), 0);
}

static void a_long_gap_is_not_waited_for_in_full(void **state)
{
	(void)state;
	assert_int_equal(delay(1, START + 1998 * US), 999 * US);
	assert_int_equal(delay(1, START + 10000 * US), 1000 * US);
	/* Though it does not fit in 32 bits. */
	assert_int_equal(delay(1, START + 10000 * US + (1ULL << 32)), 1000 * US);
}

static void a_fault_that_waits_says_nothing(void **state)
{
	(void)state;
	leap_pace_fault(&pace, true);
	assert_int_equal(delay(1, START + 1500 * US), 0);
	assert_int_equal(delay(1, START + 2000 * US), 250 * US);
}

/* Its wait is in the time to the next fault. */
static void nor_does_one_that_asks_and_waits(void **state)
{
	(void)state;
	leap_pace_fault(&pace, true);
	leap_pace_asked(&pace, START, true);
	assert_int_equal(delay(1, START + 1600 * US), 0);
	assert_int_equal(delay(1, START + 2100 * US), 250 * US);
}

static void what_was_found_before_holds_after_a_wait(void **state)
{
	(void)state;
	assert_int_equal(delay(1, START + 500 * US), 250 * US);
	leap_pace_fault(&pace, true);
	assert_int_equal(delay(1, START + 9000 * US), 250 * US);
}

static void to_lose_the_processor_is_not_to_compute(void **state)
{
	(void)state;
	assert_int_equal(delay(10, START + 4000 * US), 200 * US);
	assert_int_equal(delay(10, START + 12000 * US), 250 * US);
	assert_int_equal(delay(10, START + 16000 * US), 200 * US);
}

static void who_computes_from_now_on_is_found_out(void **state)
{
	u64 now = START;
	u32 i;

	(void)state;
	assert_int_equal(delay(1, now += 1 * US), 0);
	assert_int_equal(delay(1, now += 500 * US), 25 * US);
	for (i = 0; i < 11; i++)
		delay(1, now += 500 * US);
	assert_int_equal(delay(1, now += 500 * US), 250 * US);
}

/* As when another thread has asked meanwhile. */
static void no_fault_is_no_gap(void **state)
{
	(void)state;
	assert_int_equal(delay(0, START + 500 * US), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup(name, start)
		test(half_of_the_gap_is_waited_for),
		test(a_short_gap_is_none),
		test(a_long_gap_is_not_waited_for_in_full),
		test(a_fault_that_waits_says_nothing),
		test(nor_does_one_that_asks_and_waits),
		test(what_was_found_before_holds_after_a_wait),
		test(to_lose_the_processor_is_not_to_compute),
		test(who_computes_from_now_on_is_found_out),
		test(no_fault_is_no_gap),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
