// SPDX-License-Identifier: GPL-2.0
/* Every errno that a command may return has a sentence of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "leap/policy/errors.h"

static const int errors[] = {
	ENAMETOOLONG, EINVAL, EPROTONOSUPPORT, ERANGE, EMSGSIZE, EDESTADDRREQ,
	EADDRNOTAVAIL, ENOTUNIQ, ENOPROTOOPT, EDOM, EALREADY, ENOSYS, ENODEV,
	EPERM, EFAULT, ENOMEM, EINTR, EBUSY, ENOENT, ESRCH, EIO, ENXIO,
	ENETUNREACH, EHOSTUNREACH, ECONNREFUSED, ECONNRESET, ENOTCONN,
	ETIMEDOUT, EBADMSG, EPROTO, EPROTOTYPE, EOPNOTSUPP, EACCES, EUSERS,
	ENOSPC, ENOKEY, EKEYREJECTED, EEXIST,
};

static void each_errno_has_its_own_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		assert_string_not_equal(leap_strerror(errors[i]), leap_strerror(0));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(leap_strerror(errors[i]),
						leap_strerror(errors[j]));
	}
}

static void the_sign_does_not_matter(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		assert_ptr_equal(leap_strerror(errors[i]), leap_strerror(-errors[i]));
}

static void unknown_numbers_have_a_sentence_too(void **state)
{
	(void)state;
	assert_string_equal(leap_strerror(0), leap_strerror(ENOTTY));
	assert_string_equal(leap_strerror(0), leap_strerror(-INT32_MAX));
	assert_string_equal(leap_strerror(0), leap_strerror(INT32_MIN));
}

/* It goes behind "leapctl: what failed: " and into one line of a log. */
static void a_sentence_is_one_line_that_says_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		const char *text = leap_strerror(errors[i]);
		size_t len = strlen(text);

		assert_in_range(len, 20, 100);
		assert_int_not_equal(text[len - 1], '.');
		assert_null(strchr(text, '\n'));
		assert_true(strchr(text, ';') || strchr(text, '('));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_errno_has_its_own_sentence),
		cmocka_unit_test(the_sign_does_not_matter),
		cmocka_unit_test(unknown_numbers_have_a_sentence_too),
		cmocka_unit_test(a_sentence_is_one_line_that_says_what_to_do),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
