// SPDX-License-Identifier: GPL-2.0
/* leapctl: creates the session, attaches processes and shows the numbers. */
#include <string.h>

#include "leapctl.h"

static const struct command commands[] = {
	{ "session create", "PORTAL",
	  "create the session that remote pages live in", session_create },
	{ "session show", "[--json]", "show the session and its servers", session_show },
	{ "session add", "SERVER", "let the session use one more server", session_add },
	{ "session remove", "[--no-wait] SERVER",
	  "move what a server has elsewhere and let it go", session_remove },
	{ "session destroy", "[--force]",
	  "bring remote pages home and end the session", session_destroy },
	{ "attach", "PID...",
	  "let processes and their later children swap remotely", attach },
	{ "detach", "PID... | --all",
	  "send processes to the swap device from now on", detach },
	{ "run", "-- CMD [ARG...]", "run a program attached", run },
	{ "record", "[-o FILE] [-b MIB] -- CMD [ARG...]",
	  "run a program attached and write down its faults", record },
	{ "prefetch on", "[--history N] [--split N] [--window N] [--pid PID]",
	  "let Leap read ahead, by the trend of each process", prefetch_on },
	{ "prefetch off", "[--pid PID]", "let the kernel read ahead",
	  prefetch_off },
	{ "prefetch show", "[--pid PID]",
	  "show who reads ahead, and with what success", prefetch_show },
	{ "stat", "[-i SECONDS] [--json]",
	  "show pages, bytes, servers, processes and latencies", stat_command },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(*commands))

static void print_help(FILE *to)
{
	fputs("usage: leapctl COMMAND [ARGUMENT...]\n\n", to);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(to, "  %-15s %-22s %s\n", commands[i].name,
			commands[i].args, commands[i].help);
	fputs("\nSERVER  IP:PORT, or SIZE of a dram:// session\n"
	      "PORTAL  rdma://N,IP:PORT,...[?slab=64M&timeout_ms=5000&key=NAME&verify=1\n"
	      "                                &replicas=2&backup=disk]\n"
	      "        dram://N,SIZE,...[?slab=64M&verify=1]\n"
	      "More in leapctl(8).\n", to);
}

static void print_usage(FILE *to, const struct command *cmd)
{
	fprintf(to, "usage: leapctl %s %s\n", cmd->name, cmd->args);
}

/**
 * usage_error - say how @cmd is used
 *
 * Return: EXIT_USAGE, for the caller to return.
 */
int usage_error(const struct command *cmd)
{
	print_usage(stderr, cmd);
	return EXIT_USAGE;
}

/**
 * no_options - skip the options of a command that has none
 *
 * Return: false if one was given; getopt has said which. Else optind is the
 * first argument.
 */
bool no_options(const struct command *cmd, int argc, char **argv)
{
	static const struct option none[] = { {} };

	if (getopt_long(argc, argv, "+", none, NULL) == -1)
		return true;
	usage_error(cmd);
	return false;
}

/**
 * parse_flag - parse the options of a command that has one, without a value
 * @argc: of @argv
 * @argv: the command's words; afterwards optind is the first that is no option
 * @name: the option's long name
 * @given: set to whether it is there
 *
 * Return: false, with a line on stderr, if there is another option.
 */
bool parse_flag(int argc, char **argv, const char *name, bool *given)
{
	const struct option options[] = { { name, no_argument, NULL, 1 }, {} };
	int opt;

	*given = false;
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) == 1)
		*given = true;
	return opt == -1;
}

/* How many words of @argv are @name: 0 unless all words of @name are there. */
static int words_matched(const char *name, int argc, char **argv)
{
	size_t first = strcspn(name, " ");

	if (argc < 1 || strlen(argv[0]) != first || strncmp(argv[0], name, first))
		return 0;
	if (!name[first])
		return 1;
	return argc > 1 && !strcmp(argv[1], name + first + 1) ? 2 : 0;
}

static int run_command(const struct command *cmd, int argc, char **argv)
{
	char name[64];

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_usage(stdout, cmd);
		return EXIT_SUCCESS;
	}
	snprintf(name, sizeof(name), "leapctl %s", cmd->name);
	argv[0] = name;		/* getopt's messages start with it */
	optind = 0;
	return cmd->run(cmd, argc, argv);
}

/**
 * leapctl - the whole program; main() for the tests too
 *
 * Return: an exit code.
 */
int leapctl(int argc, char **argv)
{
	int words;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_help(stdout);
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < NR_COMMANDS; i++) {
		words = words_matched(commands[i].name, argc - 1, argv + 1);
		if (words)
			return run_command(&commands[i], argc - words, argv + words);
	}
	if (argc > 2 && !strcmp(argv[1], "session"))
		fprintf(stderr, "leapctl: unknown command: session %s\n", argv[2]);
	else if (argc > 1)
		fprintf(stderr, "leapctl: unknown command: %s\n", argv[1]);
	print_help(stderr);
	return EXIT_USAGE;
}
