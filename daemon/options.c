// SPDX-License-Identifier: GPL-2.0
/* The command line. */
#include "leapd.h"

#include <argp.h>
#include <stdlib.h>

#define DEFAULT_SLAB	(64ULL << 20)

struct options options = {
	.per_client = UINT64_MAX,
	.slab = DEFAULT_SLAB,
	.reserve = UINT64_MAX,
	.recall = RECALL_SECONDS,
	.grace = GRACE_SECONDS,
};

const char *argp_program_version = "leapd 1.0";

enum {
	OPT_MEMORY = 256,
	OPT_PER_CLIENT,
	OPT_SLAB,
	OPT_RESERVE,
	OPT_RECALL,
	OPT_GRACE,
	OPT_KEY,
	OPT_ALLOW,
	OPT_JSON,
};

static const struct argp_option table[] = {
	{ "memory", OPT_MEMORY, "SIZE", 0,
	  "Lend at most this much (default: half of what is available)", 0 },
	{ "per-client", OPT_PER_CLIENT, "SIZE", 0,
	  "Lend at most this much of it to one client (default: all)", 0 },
	{ "slab", OPT_SLAB, "SIZE", 0,
	  "Lend in pieces of this size, a power of two from 2M to 1G (default: 64M)", 0 },
	{ "reserve", OPT_RESERVE, "SIZE", 0,
	  "Lend nothing and call slabs back while less than this is available on this machine (default: a tenth of its memory)", 0 },
	{ "recall", OPT_RECALL, "SECONDS", 0,
	  "Cut a client off that needs longer to give a slab back that is called back (default: 30)", 0 },
	{ "grace", OPT_GRACE, "SECONDS", 0,
	  "Keep the slabs of a client that is cut off, and wants that, for so long (default: 60)", 0 },
	{ "key", OPT_KEY, "FILE", 0,
	  "Lend only to those who know this key, and prove to know it, too", 0 },
	{ "allow", OPT_ALLOW, "ADDRESS[/PREFIX]", 0,
	  "Lend only to this address or network; may be given several times", 0 },
	{ "json", OPT_JSON, NULL, 0,
	  "Print status and events as JSON, one object a line", 0 },
	{ 0 }
};

static void parse_slab(const char *arg, struct argp_state *state)
{
	if (!size_parse(arg, &options.slab) ||
	    options.slab < 1ULL << LEAP_SLAB_SHIFT_MIN ||
	    options.slab > 1ULL << LEAP_SLAB_SHIFT_MAX ||
	    options.slab & (options.slab - 1))
		argp_error(state, "--slab=%s is not a power of two from 2M to 1G", arg);
}

static unsigned int parse_seconds(const char *name, const char *arg,
				  unsigned int least, unsigned int most,
				  struct argp_state *state)
{
	uint64_t seconds;

	if (!size_parse(arg, &seconds) || seconds < least || seconds > most)
		argp_error(state, "--%s=%s is not a number of seconds from %u to %u",
			   name, arg, least, most);
	return (unsigned int)seconds;
}

static void parse_allow(const char *arg, struct argp_state *state)
{
	if (options.nr_allow == ALLOW_MAX)
		argp_error(state, "--allow can be given %d times", ALLOW_MAX);
	if (!allow_parse(arg, &options.allow[options.nr_allow]))
		argp_error(state, "--allow=%s is not an address such as 10.0.0.5, or a network such as 10.0.0.0/24 or fd00::/64", arg);
	options.nr_allow++;
}

static void read_key(const char *path, struct argp_state *state)
{
	const char *why = key_read(path, &options.key);

	if (why)
		argp_error(state, "--key=%s: %s", path, why);
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_MEMORY:
		if (!size_parse(arg, &options.memory) || !options.memory)
			argp_error(state, "--memory=%s is not a size such as 512M or 8G", arg);
		break;
	case OPT_PER_CLIENT:
		if (!size_parse(arg, &options.per_client) || !options.per_client)
			argp_error(state, "--per-client=%s is not a size such as 512M or 8G", arg);
		break;
	case OPT_SLAB:
		parse_slab(arg, state);
		break;
	case OPT_RESERVE:
		if (!size_parse(arg, &options.reserve))
			argp_error(state, "--reserve=%s is not a size such as 512M or 8G", arg);
		break;
	case OPT_RECALL:
		options.recall = parse_seconds("recall", arg, 1, RECALL_SECONDS_MAX, state);
		break;
	case OPT_GRACE:
		options.grace = parse_seconds("grace", arg, 0, GRACE_SECONDS_MAX, state);
		break;
	case OPT_KEY:
		read_key(arg, state);
		break;
	case OPT_ALLOW:
		parse_allow(arg, state);
		break;
	case OPT_JSON:
		options.json = true;
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			options.address = arg;
		else if (state->arg_num == 1)
			options.port = arg;
		else
			argp_error(state, "%s is one argument too many", arg);
		break;
	case ARGP_KEY_END:
		if (state->arg_num < 2)
			argp_error(state, "an address and a port are needed, such as 10.0.0.2 9400");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/**
 * options_parse - fill @options in, or end the program with a line of help
 * @argc: main()'s
 * @argv: main()'s
 */
void options_parse(int argc, char **argv)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse_one,
		.args_doc = "IP PORT",
		.doc = "Lends this machine's memory to machines that run leap.ko.",
	};

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if ((options.memory && options.memory < options.slab) ||
	    options.per_client < options.slab) {
		fprintf(stderr, "leapd: --memory or --per-client is less than one slab; raise it or lower --slab\n");
		exit(2);
	}
}
