// SPDX-License-Identifier: GPL-2.0
/* Errors for people: what failed, why, and what to do next. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "leap/policy/errors.h"
#include "leapctl.h"
#include "libleap_priv.h"

/*
 * Without the module the call tells whether it is the module or the kernel's
 * patches that are missing. It does nothing: NULL is no portal.
 */
static const char *missing(void)
{
	if (is_session_create(NULL) == -ENOSYS)
		return "this kernel lacks the Leap patches; boot a kernel built from mm-patches";
	return "Leap is not loaded; run: modprobe leap";
}

/* Failures that never reach the module, whose sentence is then about another. */
static const char *outside_module(int err)
{
	switch (-err) {
	case ENOSYS:
		return missing();
	case ENODEV:
		return access(leap_sysfs_root, F_OK) ? missing() : NULL;
	case EPERM:
	case EACCES:
		return "not permitted; run it as root";
	case ENAMETOOLONG:
		return "the portal is too long; it may have 4095 bytes";
	case ENOMEM:
		return "out of memory";
	}
	return NULL;
}

/**
 * explain - say on stderr what failed and why
 * @err: negative errno value from libleap
 * @what: format of what could not be done
 *
 * The sentence is the module's own if it has seen the failure.
 *
 * Return: EXIT_FAILURE, for the caller to return.
 */
int explain(int err, const char *what, ...)
{
	const char *why = outside_module(err);
	char own[1024] = "";
	va_list args;

	if (!why && !leap_last_error(own, sizeof(own)) && *own)
		why = own;
	if (!why)
		why = leap_strerror(err);
	fputs("leapctl: ", stderr);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fprintf(stderr, ": %s\n", why);
	return EXIT_FAILURE;
}
