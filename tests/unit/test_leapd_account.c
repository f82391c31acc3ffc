// SPDX-License-Identifier: GPL-2.0
/* How much leapd lends: limits, reserve, and the sizes of its options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "daemon/account.h"

#define MIB (1ULL << 20)

static struct account fresh(void)
{
	return (struct account){
		.limit = 200 * MIB,
		.reserve = 100 * MIB,
		.slab = 64 * MIB,
	};
}

/* Whole slabs only, however much is left. */
static void capacity_is_whole_slabs(void **state)
{
	struct account a = fresh();

	(void)state;
	assert_int_equal(account_capacity(&a, UINT64_MAX), 192 * MIB);
	assert_int_equal(account_capacity(&a, 100 * MIB + 127 * MIB), 64 * MIB);
}

/* The reserve is left alone, also when less than it is available. */
static void reserve_is_kept(void **state)
{
	struct account a = fresh();

	(void)state;
	assert_int_equal(account_capacity(&a, 50 * MIB), 0);
	assert_int_equal(account_capacity(&a, 163 * MIB), 0);
	assert_int_equal(account_capacity(&a, 164 * MIB), 64 * MIB);
	assert_false(account_lend(&a, 163 * MIB));
	assert_int_equal(a.lent, 0);
}

/* Nor is the margin lent, so that what is called back is not what was just lent. */
static void the_margin_is_kept(void **state)
{
	struct account a = fresh();

	(void)state;
	a.margin = 20 * MIB;
	assert_int_equal(account_capacity(&a, 184 * MIB - 1), 0);
	assert_int_equal(account_capacity(&a, 184 * MIB), 64 * MIB);
	assert_true(account_lend(&a, 184 * MIB));
	account_prepared(&a);
	account_watch(&a, 120 * MIB);
	assert_false(a.shortage);
	account_watch(&a, 100 * MIB);
	assert_false(a.shortage);
}

/* A slab in preparation has not taken its memory yet, but will. */
static void preparation_counts(void **state)
{
	struct account a = fresh();

	(void)state;
	assert_true(account_lend(&a, 228 * MIB));
	assert_int_equal(account_capacity(&a, 228 * MIB), 64 * MIB);
	assert_int_equal(account_capacity(&a, 227 * MIB), 0);
	account_prepared(&a);
	assert_int_equal(account_capacity(&a, 164 * MIB), 64 * MIB);
}

/* No more than the limit, and all of it again when it has come back. */
static void limit_holds(void **state)
{
	struct account a = fresh();
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_true(account_lend(&a, UINT64_MAX));
		account_prepared(&a);
	}
	assert_false(account_lend(&a, UINT64_MAX));
	assert_int_equal(a.lent, 192 * MIB);
	for (i = 0; i < 3; i++) {
		account_return(&a);
		account_returned(&a);
	}
	assert_int_equal(account_capacity(&a, UINT64_MAX), 192 * MIB);
}

/* What got no memory costs nothing. */
static void failure_is_free(void **state)
{
	struct account a = fresh();

	(void)state;
	assert_true(account_lend(&a, 1024 * MIB));
	account_failed(&a);
	assert_int_equal(a.lent, 0);
	assert_int_equal(account_capacity(&a, 164 * MIB), 64 * MIB);
}

/* On its way back it cannot be lent yet, but will be. */
static void return_takes_time(void **state)
{
	struct account a = fresh();

	(void)state;
	assert_true(account_lend(&a, 228 * MIB));
	account_prepared(&a);
	account_return(&a);
	assert_int_equal(account_capacity(&a, 164 * MIB), 64 * MIB);
	assert_int_equal(account_prospect(&a, 164 * MIB), 128 * MIB);
	account_returned(&a);
	assert_int_equal(account_capacity(&a, 228 * MIB), 128 * MIB);
	assert_int_equal(account_prospect(&a, 228 * MIB), 128 * MIB);
}

/* It begins below the reserve and ends above reserve and margin. */
static void a_shortage_ends_later_than_it_begins(void **state)
{
	struct account a = fresh();

	(void)state;
	a.margin = 20 * MIB;
	account_watch(&a, 100 * MIB);
	assert_false(a.shortage);
	account_watch(&a, 100 * MIB - 1);
	assert_true(a.shortage);
	account_watch(&a, 120 * MIB - 1);
	assert_true(a.shortage);
	assert_int_equal(account_capacity(&a, UINT64_MAX), 0);
	assert_false(account_lend(&a, UINT64_MAX));
	account_watch(&a, 120 * MIB);
	assert_false(a.shortage);
	assert_int_equal(account_capacity(&a, UINT64_MAX), 192 * MIB);
	account_watch(&a, 100 * MIB);
	assert_false(a.shortage);
}

/* No more than is needed with what is coming, nor than there is. */
static void as_much_is_called_back_as_is_needed(void **state)
{
	struct account a = fresh();
	int i;

	(void)state;
	a.margin = 20 * MIB;
	assert_int_equal(account_recall(&a, 0, 0), 0);
	for (i = 0; i < 3; i++) {
		assert_true(account_lend(&a, UINT64_MAX));
		account_prepared(&a);
	}
	assert_int_equal(account_recall(&a, 0, 0), 0);
	account_watch(&a, 0);
	assert_int_equal(account_recall(&a, 0, 0), 128 * MIB);
	assert_int_equal(account_recall(&a, 56 * MIB, 0), 64 * MIB);
	assert_int_equal(account_recall(&a, 55 * MIB, 0), 128 * MIB);
	assert_int_equal(account_recall(&a, 0, 64 * MIB), 64 * MIB);
	account_return(&a);
	assert_int_equal(account_recall(&a, 0, 0), 64 * MIB);
	assert_int_equal(account_recall(&a, 0, 64 * MIB), 0);
	a.reserve = 1024 * MIB;
	assert_int_equal(account_recall(&a, 0, 64 * MIB), 64 * MIB);
	assert_int_equal(account_recall(&a, 0, 128 * MIB), 0);
}

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "64K", 64 << 10 },
		{ "64k", 64 << 10 }, { "3M", 3 * MIB }, { "2G", 2048 * MIB },
		{ "1T", 1ULL << 40 }, { "16777215T", 16777215ULL << 40 },
	};
	static const char *const bad[] = {
		"", "M", "-1", "+1", " 1", "1 ", "1X", "1MM", "1.5G", "0x10",
		"16777216T", "18446744073709551616",
	};
	uint64_t bytes;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(size_parse(good[i].text, &bytes));
		assert_int_equal(bytes, good[i].bytes);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(size_parse(bad[i], &bytes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_is_whole_slabs),
		cmocka_unit_test(reserve_is_kept),
		cmocka_unit_test(the_margin_is_kept),
		cmocka_unit_test(preparation_counts),
		cmocka_unit_test(limit_holds),
		cmocka_unit_test(failure_is_free),
		cmocka_unit_test(return_takes_time),
		cmocka_unit_test(a_shortage_ends_later_than_it_begins),
		cmocka_unit_test(as_much_is_called_back_as_is_needed),
		cmocka_unit_test(sizes_are_read),
	};

	return cmocka_run_group_tests_name("leapd account", tests, NULL, NULL);
}
