// SPDX-License-Identifier: GPL-2.0
/* Errors for people: what failed, why, and what to do next. */
#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "leap/policy/errors.h"
#include "leapctl.h"
#include "libleap_priv.h"

/*
 * Did the command end before the module saw it? Its last sentence would then be
 * about another one.
 */
static bool outside_module(int err)
{
	switch (-err) {
	case ENOSYS:
	case EPERM:
	case EFAULT:
	case ENAMETOOLONG:
	case ENOMEM:
		return true;
	case ENODEV:
		return access(leap_sysfs_root, F_OK);
	case EACCES:	/* of a file; root gets it from a server alone */
		return geteuid();
	}
	return false;
}

/*
 * Without the module its files tell nothing, but the call tells whether it is
 * the module or the kernel's patches that are missing. NULL is no portal, so it
 * does nothing.
 */
static const char *sentence(int err)
{
	if (err == -ENODEV && is_session_create(NULL) == -ENOSYS)
		err = -ENOSYS;
	return leap_strerror(err);
}

/**
 * explain - say on stderr what failed and why
 * @err: negative errno value from libleap
 * @what: format of what could not be done
 *
 * If the module has seen the failure its own sentence says it all.
 *
 * Return: EXIT_FAILURE, for the caller to return.
 */
int explain(int err, const char *what, ...)
{
	char own[1024] = "";
	va_list args;

	if (!outside_module(err))
		leap_last_error(own, sizeof(own));
	fputs("leapctl: ", stderr);
	if (*own) {
		fprintf(stderr, "%s\n", own);
		return EXIT_FAILURE;
	}
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fprintf(stderr, ": %s\n", sentence(err));
	return EXIT_FAILURE;
}
