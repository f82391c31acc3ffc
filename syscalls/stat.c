// SPDX-License-Identifier: GPL-2.0
/* leapctl stat: takes the numbers and asks stat_text.c or stat_json.c to print. */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "leapctl.h"

#define NS_PER_S	1000000000L

/* Longest interval, a day, in seconds. */
#define INTERVAL_MAX	86400.0

/**
 * snapshot_take - read everything that stat shows
 * @s: filled in; snapshot_free() gives its memory back, also after a failure
 *
 * Return: 0 or a negative errno value.
 */
int snapshot_take(struct snapshot *s)
{
	struct timespec now;
	int ret;

	memset(s, 0, sizeof(*s));
	clock_gettime(CLOCK_MONOTONIC, &now);
	s->seconds = now.tv_sec + (double)now.tv_nsec / NS_PER_S;
	ret = leap_session(&s->session);
	if (ret)
		return ret;
	ret = leap_totals(&s->totals);
	if (ret)
		return ret;
	ret = leap_prefetch(&s->prefetch);
	if (ret)
		return ret;
	ret = leap_servers(&s->servers);
	if (ret < 0)
		return ret;
	s->nr_servers = ret;
	ret = leap_processes(&s->processes);
	if (ret < 0)
		return ret;
	s->nr_processes = ret;
	return 0;
}

/**
 * snapshot_free - give the memory of a snapshot back
 */
void snapshot_free(struct snapshot *s)
{
	free(s->servers);
	free(s->processes);
	memset(s, 0, sizeof(*s));
}

/* A counter that went back belongs to a module that was loaded anew. */
static uint64_t grown(uint64_t then, uint64_t now)
{
	return now >= then ? now - then : now;
}

static void hist_grown(const struct leap_hist *then, const struct leap_hist *now,
		       struct leap_hist *diff)
{
	for (int i = 0; i < LEAP_HIST_BUCKETS; i++)
		diff->bucket[i] = grown(then->bucket[i], now->bucket[i]);
}

/**
 * rates - what happened between two snapshots
 * @diff: the counters' growth; numbers that are no counters are those of @now
 * @seconds: the time between the two, above 0
 */
void rates(const struct snapshot *then, const struct snapshot *now,
	   struct leap_numbers *diff, double *seconds)
{
	const struct leap_stat *a = &then->totals.stat, *b = &now->totals.stat;

	diff->stat = *b;
	diff->stat.stored_pages = grown(a->stored_pages, b->stored_pages);
	diff->stat.loaded_pages = grown(a->loaded_pages, b->loaded_pages);
	diff->stat.freed_pages = grown(a->freed_pages, b->freed_pages);
	diff->stat.failed_stores = grown(a->failed_stores, b->failed_stores);
	diff->stat.failed_loads = grown(a->failed_loads, b->failed_loads);
	diff->stat.refused_stores = grown(a->refused_stores, b->refused_stores);
	diff->stat.stored_bytes = grown(a->stored_bytes, b->stored_bytes);
	diff->stat.loaded_bytes = grown(a->loaded_bytes, b->loaded_bytes);
	diff->stat.recalled_slabs = grown(a->recalled_slabs, b->recalled_slabs);
	diff->stat.moved_pages = grown(a->moved_pages, b->moved_pages);
	diff->stat.corrupt_pages = grown(a->corrupt_pages, b->corrupt_pages);
	diff->stat.retried_loads = grown(a->retried_loads, b->retried_loads);
	diff->stat.rebuilt_pages = grown(a->rebuilt_pages, b->rebuilt_pages);
	diff->stat.backup_written_pages = grown(a->backup_written_pages, b->backup_written_pages);
	diff->stat.backup_read_pages = grown(a->backup_read_pages, b->backup_read_pages);
	diff->stat.failed_backups = grown(a->failed_backups, b->failed_backups);
	hist_grown(&then->totals.load, &now->totals.load, &diff->load);
	hist_grown(&then->totals.store, &now->totals.store, &diff->store);
	*seconds = fmax(now->seconds - then->seconds, 1e-9);
}

static int show_once(bool json)
{
	struct snapshot s;
	int ret = snapshot_take(&s);

	if (ret)
		ret = explain(ret, "cannot read the numbers");
	else if (json)
		ret = json_line(stdout, NULL, &s);
	else
		text_all(stdout, &s);
	snapshot_free(&s);
	return ret;
}

/* Sleeps to points in time, so that the work in between does not add up. */
static void sleep_until(struct timespec *next, double interval)
{
	double whole = floor(interval);

	next->tv_sec += whole;
	next->tv_nsec += (interval - whole) * NS_PER_S;
	if (next->tv_nsec >= NS_PER_S) {
		next->tv_sec++;
		next->tv_nsec -= NS_PER_S;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

/* Until a signal ends it, or nobody reads any more. */
static int watch(double interval, bool json)
{
	struct snapshot then, now;
	struct timespec next;
	unsigned int lines = 0;
	int ret;

	clock_gettime(CLOCK_MONOTONIC, &next);
	ret = snapshot_take(&then);
	while (!ret) {
		sleep_until(&next, interval);
		ret = snapshot_take(&now);
		if (ret) {
			snapshot_free(&now);
			break;
		}
		if (json)
			ret = json_line(stdout, &then, &now);
		else
			text_line(stdout, &then, &now, lines++);
		snapshot_free(&then);
		then = now;
		if (ret || fflush(stdout))
			break;
	}
	snapshot_free(&then);
	return ret < 0 ? explain(ret, "cannot read the numbers") : EXIT_FAILURE;
}

static bool parse_interval(const char *text, double *interval)
{
	char *end;

	*interval = strtod(text, &end);
	if (end != text && !*end && *interval >= 0.001 && *interval <= INTERVAL_MAX)
		return true;
	fprintf(stderr, "leapctl: an interval is 0.001 to %.0f seconds, not '%s'\n",
		INTERVAL_MAX, text);
	return false;
}

/**
 * stat_command - leapctl stat [-i SECONDS] [--json]
 */
int stat_command(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' }, {}
	};
	double interval = 0;
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "+i:", options, NULL)) != -1) {
		if (opt == 'j')
			json = true;
		else if (opt != 'i' || !parse_interval(optarg, &interval))
			return usage_error(cmd);
	}
	if (argc != optind)
		return usage_error(cmd);
	return interval > 0 ? watch(interval, json) : show_once(json);
}
