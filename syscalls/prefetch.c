// SPDX-License-Identifier: GPL-2.0
/* leapctl prefetch on, off, show */
#include <errno.h>
#include <inttypes.h>

#include "leapctl.h"

/* The most that any setting can be; the kernel knows better. */
#define SETTING_MAX	65536

struct prefetch_options {
	pid_t pid;
	const char *history;
	const char *split;
	const char *window;
};

/* Says what is wrong if something is. */
static bool parse(const struct command *cmd, int argc, char **argv, bool settings,
		  struct prefetch_options *o)
{
	static const struct option options[] = {
		{ "pid", required_argument, NULL, 'p' },
		{ "history", required_argument, NULL, 'h' },
		{ "split", required_argument, NULL, 's' },
		{ "window", required_argument, NULL, 'w' }, {}
	};
	int opt;

	*o = (struct prefetch_options){};
	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt == 'p')
			o->pid = parse_pid(optarg);
		else if (settings && opt == 'h')
			o->history = optarg;
		else if (settings && opt == 's')
			o->split = optarg;
		else if (settings && opt == 'w')
			o->window = optarg;
		if (opt == '?' || (opt == 'p' ? !o->pid : !settings)) {
			usage_error(cmd);
			return false;
		}
	}
	if (argc == optind)
		return true;
	usage_error(cmd);
	return false;
}

/* Returns an exit code. */
static int tune(const struct command *cmd, const char *what, const char *text)
{
	unsigned long value;
	char *end;
	int err;

	if (!text)
		return EXIT_SUCCESS;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value > SETTING_MAX) {
		fprintf(stderr, "leapctl: --%s: not a number: '%s'\n", what, text);
		return usage_error(cmd);
	}
	err = leap_prefetch_tune(what, value);
	return err ? explain(err, "cannot set %s to %lu", what, value) : EXIT_SUCCESS;
}

/**
 * prefetch_on - leapctl prefetch on [--history N] [--split N] [--window N] [--pid PID]
 */
int prefetch_on(const struct command *cmd, int argc, char **argv)
{
	struct prefetch_options o;
	int code, err;

	if (!parse(cmd, argc, argv, true, &o))
		return EXIT_USAGE;
	/* The split depends on the history, which is why it comes after it. */
	code = tune(cmd, "history", o.history);
	code = code ? code : tune(cmd, "split", o.split);
	code = code ? code : tune(cmd, "window", o.window);
	if (code)
		return code;
	err = leap_prefetch_on(o.pid);
	return err ? explain(err, "cannot switch the prefetcher on") : EXIT_SUCCESS;
}

/**
 * prefetch_off - leapctl prefetch off [--pid PID]
 */
int prefetch_off(const struct command *cmd, int argc, char **argv)
{
	struct prefetch_options o;
	int err;

	if (!parse(cmd, argc, argv, false, &o))
		return EXIT_USAGE;
	err = leap_prefetch_off(o.pid);
	return err ? explain(err, "cannot switch the prefetcher off") : EXIT_SUCCESS;
}

static void percent(FILE *to, const char *what, uint64_t part, uint64_t whole)
{
	if (whole)
		fprintf(to, "  %s %.1f %%", what, 100.0 * part / whole);
	else
		fprintf(to, "  %s -", what);
}

/**
 * prefetch_text - what prefetching has done, for people
 *
 * Accuracy: of what was prefetched, what was used. Coverage: of the pages that
 * had to come, those that were prefetched. Timeliness: of these, those that were
 * there in time.
 */
void prefetch_text(FILE *to, const struct leap_faults *f)
{
	uint64_t used = f->hits + f->late;

	fprintf(to, "  faults  %12" PRIu64 "        %" PRIu64 " misses, %" PRIu64
		" hits, %" PRIu64 " late\n", f->faults, f->misses, f->hits, f->late);
	fprintf(to, "  ahead   %12" PRIu64 " pages  %" PRIu64 " used, %" PRIu64
		" dropped unused\n", f->issued, used, f->unused);
	fputs("  prefetch", to);
	percent(to, "accuracy", used, f->issued);
	percent(to, "coverage", used, used + f->misses);
	percent(to, "timeliness", f->hits, used);
	fputc('\n', to);
}

static void show_settings(const struct leap_prefetch *p)
{
	printf("prefetch   %s\n", p->enabled ? "on" : "off");
	printf("history    %" PRIu64 " faults, the vote begins with 1/%" PRIu64 "\n",
	       p->history, p->split);
	printf("window     %" PRIu64 " pages\n", p->window);
	printf("buffer     %" PRIu64 " pages, %s\n", p->buffer,
	       p->buffer_active ? "the oldest beyond that are dropped" :
	       "not enforced");
	prefetch_text(stdout, &p->faults);
}

/* Of one process, or of all if @pid is 0. Returns how many. */
static int show_processes(const struct leap_process *list, int count, pid_t pid)
{
	int shown = 0;

	for (int i = 0; i < count; i++) {
		if (pid && list[i].pid != pid)
			continue;
		printf("\nprocess %d %s, prefetch %s\n", list[i].pid, list[i].comm,
		       list[i].prefetch ? "on" : "off");
		prefetch_text(stdout, &list[i].faults);
		shown++;
	}
	return shown;
}

/**
 * prefetch_show - leapctl prefetch show [--pid PID]
 */
int prefetch_show(const struct command *cmd, int argc, char **argv)
{
	struct leap_prefetch prefetch;
	struct leap_process *list;
	struct prefetch_options o;
	int err, count, shown;

	if (!parse(cmd, argc, argv, false, &o))
		return EXIT_USAGE;
	err = leap_prefetch(&prefetch);
	if (err)
		return explain(err, "cannot read the prefetcher's settings");
	count = leap_processes(&list);
	if (count < 0)
		return explain(count, "cannot read the processes");
	show_settings(&prefetch);
	shown = show_processes(list, count, o.pid);
	free(list);
	if (!o.pid || shown)
		return EXIT_SUCCESS;
	fprintf(stderr, "leapctl: process %d is not attached\n", o.pid);
	return EXIT_FAILURE;
}
