// SPDX-License-Identifier: GPL-2.0
/* leapctl attach, detach, run */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "leapctl.h"

/**
 * parse_pid - read the id of one process
 *
 * The kernel takes pid 0 for "all processes", which must not be what a mistyped
 * or empty variable does.
 *
 * Return: 0 if @text is no pid, which has been said then.
 */
pid_t parse_pid(const char *text)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || end == text || *end || pid <= 0 || pid > INT_MAX) {
		fprintf(stderr, "leapctl: not a process id: '%s'\n", text);
		return 0;
	}
	return pid;
}

/* Every pid is tried, so that one that has just gone does not stop the rest. */
static int for_each_pid(const struct command *cmd, char **texts,
			int (*fn)(pid_t))
{
	int err, code = EXIT_SUCCESS;
	pid_t pid;

	for (char **text = texts; *text; text++)
		if (!parse_pid(*text))
			return usage_error(cmd);
	for (; *texts; texts++) {
		pid = parse_pid(*texts);
		err = fn(pid);
		if (err)
			code = explain(err, "cannot %s process %d", cmd->name, pid);
	}
	return code;
}

/**
 * attach - leapctl attach PID...
 */
int attach(const struct command *cmd, int argc, char **argv)
{
	if (!no_options(cmd, argc, argv))
		return EXIT_USAGE;
	if (argc == optind)
		return usage_error(cmd);
	return for_each_pid(cmd, argv + optind, leap_attach);
}

/**
 * detach - leapctl detach PID... | --all
 */
int detach(const struct command *cmd, int argc, char **argv)
{
	bool all;
	int err;

	if (!parse_flag(argc, argv, "all", &all) ||
	    (all ? argc > optind : argc == optind))
		return usage_error(cmd);
	if (!all)
		return for_each_pid(cmd, argv + optind, leap_detach);
	err = leap_detach_all();
	return err ? explain(err, "cannot detach all processes") : EXIT_SUCCESS;
}

/**
 * run - leapctl run -- CMD [ARG...]
 *
 * The attachment belongs to the process and lasts over exec: nothing of
 * leapctl is left beside the program.
 */
int run(const struct command *cmd, int argc, char **argv)
{
	int err;

	if (!no_options(cmd, argc, argv))
		return EXIT_USAGE;
	if (argc == optind)
		return usage_error(cmd);
	argv += optind;
	err = leap_attach(getpid());
	if (err)
		return explain(err, "cannot attach %s, which was not started", argv[0]);
	execvp(argv[0], argv);
	err = errno;
	fprintf(stderr, "leapctl: cannot run %s: %s\n", argv[0], strerror(err));
	return err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
}
