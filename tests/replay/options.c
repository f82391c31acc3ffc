// SPDX-License-Identifier: GPL-2.0
/* The command line. */
#include "replay.h"

#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *argp_program_version = "leap-replay 1.0";

enum {
	OPT_LOCAL = 256,
	OPT_PAGES,
	OPT_PASSES,
	OPT_GAP,
	OPT_WRITES,
	OPT_PAGED_OUT,
	OPT_LATENCY,
	OPT_PAGE_TIME,
	OPT_HIT_TIME,
	OPT_VICTIM,
	OPT_HISTORY,
	OPT_SPLIT,
	OPT_STREAMS,
	OPT_WINDOW,
	OPT_AHEAD,
	OPT_NO_BREAKER,
	OPT_SAVE,
	OPT_JSON,
};

static const struct argp_option table[] = {
	{ 0, 0, 0, 0, "What is run:", 1 },
	{ "pattern", 'w', "NAME", 0, "This pattern, or \"all\"; may be given again", 1 },
	{ "policy", 'p', "NAME", 0, "This policy (default: all); may be given again", 1 },
	{ "pages", OPT_PAGES, "N", 0, "Pages of a pattern's program (default: 16384)", 1 },
	{ "passes", OPT_PASSES, "N", 0, "How often a pattern goes through them (default: 2)", 1 },
	{ "gap", OPT_GAP, "NS", 0, "Computing between a pattern's accesses (default: 1000)", 1 },
	{ "writes", OPT_WRITES, "PERCENT", 0, "Accesses of a pattern that change the page (default: 0)", 1 },
	{ "paged-out", OPT_PAGED_OUT, 0, 0, "A pattern's pages are all in swap when it begins", 1 },
	{ 0, 0, 0, 0, "The machine:", 2 },
	{ "local", OPT_LOCAL, "PERCENT", 0,
	  "Pages of a pattern that fit in local memory (default: 50)", 2 },
	{ "victim", OPT_VICTIM, "lru|any", 0,
	  "Which page leaves local memory (default: lru)", 2 },
	{ "latency", OPT_LATENCY, "NS", 0, "Of a remote read (default: 500000)", 2 },
	{ "page-time", OPT_PAGE_TIME, "NS", 0,
	  "From one remote read to the next (default: 145000)", 2 },
	{ "hit-time", OPT_HIT_TIME, "NS", 0, "Of a fault that finds its page (default: 10000)", 2 },
	{ 0, 0, 0, 0, "Leap's settings (default: the module's):", 3 },
	{ "history", OPT_HISTORY, "N", 0, "Faults that are remembered", 3 },
	{ "split", OPT_SPLIT, "N", 0, "The smallest window of the vote is history / N", 3 },
	{ "streams", OPT_STREAMS, "N", 0, "Streams that are told apart", 3 },
	{ "window", OPT_WINDOW, "N", 0, "Most pages of a window", 3 },
	{ "ahead", OPT_AHEAD, "N", 0, "Furthest prefetch, in steps", 3 },
	{ "no-breaker", OPT_NO_BREAKER, 0, 0, "Never stop prefetching", 3 },
	{ 0, 0, 0, 0, "Output:", 4 },
	{ "save", OPT_SAVE, "FILE", 0, "Write the pattern as a recording and run nothing", 4 },
	{ "json", OPT_JSON, 0, 0, "Print one JSON document", 4 },
	{ 0 }
};

static const struct policy *all_policies[] = {
	&policy_none, &policy_next, &policy_stride, &policy_vma, &policy_cluster,
	&policy_paper, &policy_leap_process, &policy_leap_threads, &policy_leap,
};

#define NR_POLICIES	(sizeof(all_policies) / sizeof(*all_policies))

static uint64_t number(struct argp_state *state, const char *arg, uint64_t min,
		       uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(arg, &end, 10);
	if (errno || end == arg || *end || *arg == '-' || value < min ||
	    value > max)
		argp_error(state, "'%s' is not a number from %llu to %llu", arg,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void add_workload(struct argp_state *state, const char *name,
			 bool recorded)
{
	struct options *o = state->input;

	if (o->nr == WORKLOADS_MAX)
		argp_error(state, "'%s' is one workload too many, %d are allowed",
			   name, WORKLOADS_MAX);
	o->recorded[o->nr] = recorded;
	o->names[o->nr++] = name;
}

static void add_pattern(struct argp_state *state, const char *name)
{
	const bool all = !strcmp(name, "all");
	bool found = false;

	for (size_t i = 0; pattern_name(i); i++) {
		if (!all && strcmp(name, pattern_name(i)))
			continue;
		add_workload(state, pattern_name(i), false);
		found = true;
	}
	if (!found)
		argp_error(state, "there is no pattern '%s'; try --help", name);
}

static void add_policy(struct argp_state *state, const char *name)
{
	struct options *o = state->input;
	size_t nr = 0;

	while (o->policies[nr])
		nr++;
	for (size_t i = 0; i < NR_POLICIES; i++) {
		if (strcmp(name, all_policies[i]->name))
			continue;
		if (nr == NR_POLICIES)
			argp_error(state, "the policy '%s' is given again", name);
		o->policies[nr] = all_policies[i];
		return;
	}
	argp_error(state, "there is no policy '%s'; try --help", name);
}

static error_t parse_machine(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case OPT_LOCAL:
		o->pattern.local = number(state, arg, 1, 100);
		return 0;
	case OPT_VICTIM:
		if (strcmp(arg, "lru") && strcmp(arg, "any"))
			argp_error(state, "--victim is lru or any, not '%s'", arg);
		o->sim.any_victim = !strcmp(arg, "any");
		return 0;
	case OPT_LATENCY:
		o->sim.latency = number(state, arg, 0, UINT32_MAX);
		return 0;
	case OPT_PAGE_TIME:
		o->sim.page_time = number(state, arg, 0, UINT32_MAX);
		return 0;
	case OPT_HIT_TIME:
		o->sim.hit_time = number(state, arg, 0, UINT32_MAX);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_leap(int key, char *arg, struct argp_state *state)
{
	struct leap_prefetch_settings *set = &((struct options *)state->input)->sim.leap;

	switch (key) {
	case OPT_HISTORY:
		set->history = number(state, arg, 2, LEAP_TREND_SIZE_MAX);
		return 0;
	case OPT_SPLIT:
		set->split = number(state, arg, 1, LEAP_TREND_SIZE_MAX);
		return 0;
	case OPT_STREAMS:
		set->streams = number(state, arg, 1, LEAP_STREAMS_MAX);
		return 0;
	case OPT_WINDOW:
		set->max_window = number(state, arg, 1, LEAP_WINDOW_MAX);
		return 0;
	case OPT_AHEAD:
		set->max_ahead = number(state, arg, 1, LEAP_AHEAD_MAX);
		return 0;
	case OPT_NO_BREAKER:
		set->breaker = 0;
		return 0;
	}
	return parse_machine(key, arg, state);
}

/* What was not given, and what does not fit together. */
static void complete(struct argp_state *state)
{
	struct options *o = state->input;

	if (!o->nr)
		add_pattern(state, "all");
	for (size_t i = 0; i < NR_POLICIES && !o->policies[i]; i++)
		add_policy(state, all_policies[i]->name);
	if (o->save && (o->nr != 1 || o->recorded[0]))
		argp_error(state, "--save needs one --pattern and no recording");
	if (leap_prefetch_check(&o->sim.leap))
		argp_error(state, "--split is at most --history, and --ahead at least --window");
}

static error_t parse_one(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'w':
		add_pattern(state, arg);
		return 0;
	case 'p':
		add_policy(state, arg);
		return 0;
	case OPT_PAGES:
		o->pattern.pages = number(state, arg, 64, 1 << 24);
		return 0;
	case OPT_PASSES:
		o->pattern.passes = number(state, arg, 1, 1000);
		return 0;
	case OPT_GAP:
		o->pattern.gap = number(state, arg, 0, UINT32_MAX);
		return 0;
	case OPT_WRITES:
		o->pattern.writes = number(state, arg, 0, 100);
		return 0;
	case OPT_PAGED_OUT:
		o->pattern.paged_out = true;
		return 0;
	case OPT_SAVE:
		o->save = arg;
		return 0;
	case OPT_JSON:
		o->json = true;
		return 0;
	case ARGP_KEY_ARG:
		add_workload(state, arg, true);
		return 0;
	case ARGP_KEY_END:
		complete(state);
		return 0;
	}
	return parse_leap(key, arg, state);
}

/* The names that one can choose from, below the options. */
static char *help_filter(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t len;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = open_memstream(&help, &len);
	if (!out)
		return (char *)text;
	fputs("Patterns:", out);
	for (size_t i = 0; pattern_name(i); i++)
		fprintf(out, " %s", pattern_name(i));
	fputs("\n\nPolicies:", out);
	for (size_t i = 0; i < NR_POLICIES; i++)
		fprintf(out, " %s", all_policies[i]->name);
	fclose(out);
	return help;
}

/**
 * options_parse - fill in @options, or end the program with a line of help
 * @argc: main()'s
 * @argv: main()'s
 * @options: to be filled in
 */
void options_parse(int argc, char **argv, struct options *options)
{
	static const struct argp argp = {
		.options = table,
		.parser = parse_one,
		.args_doc = "[RECORDING...]",
		.doc = "Runs recordings of page faults, or patterns, against ways to prefetch.\v",
		.help_filter = help_filter,
	};

	*options = (struct options){
		.pattern = { .pages = 16384, .local = 50, .passes = 2, .gap = 1000 },
		.sim = {
			.latency = 500000,
			.page_time = 145000,
			.hit_time = 10000,
			.leap = leap_prefetch_defaults,
		},
	};
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
