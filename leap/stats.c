// SPDX-License-Identifier: GPL-2.0
/* Counters: per CPU, for the module and for each server. */
#include "leap.h"
#include "policy/hist.h"

struct leap_stats __percpu *leap_stats_all;

/**
 * leap_stats_init - the module's own
 *
 * Return: 0 or -ENOMEM.
 */
int leap_stats_init(void)
{
	leap_stats_all = alloc_percpu(struct leap_stats);
	return leap_stats_all ? 0 : -ENOMEM;
}

/** leap_stats_exit - the reverse */
void leap_stats_exit(void)
{
	free_percpu(leap_stats_all);
}

/**
 * leap_stats_add - count something
 * @server: whose, or NULL if nobody's in particular
 * @event: what
 * @nr: how much
 */
void leap_stats_add(struct leap_server *server, enum leap_event event, u64 nr)
{
	this_cpu_add(leap_stats_all->events[event], nr);
	if (server)
		this_cpu_add(server->stats->events[event], nr);
}

/**
 * leap_stats_add_server - count something that is one server's business
 * @server: whose, or NULL if it was the swap device's
 * @event: what
 * @nr: how much
 */
void leap_stats_add_server(struct leap_server *server, enum leap_event event, u64 nr)
{
	if (server)
		this_cpu_add(server->stats->events[event], nr);
}

/**
 * leap_stats_copied - pages have been copied from one server to another
 * @from: who had them
 * @to: who has them, too
 * @nr: how many
 * @rebuild: they stay at the first one; if not, they are going to be freed there
 */
void leap_stats_copied(struct leap_server *from, struct leap_server *to, u64 nr,
		       bool rebuild)
{
	leap_stats_add(rebuild ? to : from,
		       rebuild ? LEAP_REBUILT_PAGES : LEAP_MOVED_PAGES, nr);
	leap_stats_add_server(to, LEAP_STORED_PAGES, nr);
	leap_stats_add_server(to, LEAP_POSTED_STORES, nr);
}

/**
 * leap_stats_latency - note how long a request took
 * @stats: the module's or a server's
 * @op: load or store
 * @ns: from the call to the completion
 */
void leap_stats_latency(struct leap_stats __percpu *stats, enum leap_op op, u64 ns)
{
	this_cpu_inc(stats->hist[op][leap_hist_bucket(ns)]);
}

/**
 * leap_stats_sum - one counter over all CPUs
 * @stats: the module's or a server's
 * @event: which
 *
 * Return: its value.
 */
u64 leap_stats_sum(struct leap_stats __percpu *stats, enum leap_event event)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += per_cpu_ptr(stats, cpu)->events[event];
	return sum;
}

/* How many have come and not gone; the sums are not of the same moment. */
static u64 left(u64 come, u64 gone)
{
	return come > gone ? come - gone : 0;
}

static u64 in_flight(struct leap_stats __percpu *stats, enum leap_event posted,
		     enum leap_event done, enum leap_event failed)
{
	return left(leap_stats_sum(stats, posted),
		    leap_stats_sum(stats, done) + leap_stats_sum(stats, failed));
}

struct name {
	const char *name;
	enum leap_event event;
};

static const struct name names[] = {
	{ "stored_pages", LEAP_STORED_PAGES },
	{ "loaded_pages", LEAP_LOADED_PAGES },
	{ "freed_pages", LEAP_FREED_PAGES },
	{ "failed_stores", LEAP_FAILED_STORES },
	{ "failed_loads", LEAP_FAILED_LOADS },
	{ "refused_stores", LEAP_REFUSED_STORES },
	{ "stored_bytes", LEAP_STORED_BYTES },
	{ "loaded_bytes", LEAP_LOADED_BYTES },
	{ "recalled_slabs", LEAP_RECALLED_SLABS },
	{ "moved_pages", LEAP_MOVED_PAGES },
	{ "corrupt_pages", LEAP_CORRUPT_PAGES },
	{ "retried_loads", LEAP_RETRIED_LOADS },
	{ "rebuilt_pages", LEAP_REBUILT_PAGES },
};

/**
 * leap_stats_show - all counters, one "key value" line each
 * @stats: the module's or a server's
 * @buf: a page of sysfs
 *
 * Return: bytes written.
 */
ssize_t leap_stats_show(struct leap_stats __percpu *stats, char *buf)
{
	ssize_t len = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n", names[i].name,
				     leap_stats_sum(stats, names[i].event));
	len += sysfs_emit_at(buf, len, "remote_pages %llu\n",
			     left(leap_stats_sum(stats, LEAP_STORED_PAGES),
				  leap_stats_sum(stats, LEAP_FREED_PAGES)));
	len += sysfs_emit_at(buf, len, "inflight_stores %llu\n",
			     in_flight(stats, LEAP_POSTED_STORES,
				       LEAP_STORED_PAGES, LEAP_FAILED_STORES));
	len += sysfs_emit_at(buf, len, "inflight_loads %llu\n",
			     in_flight(stats, LEAP_POSTED_LOADS,
				       LEAP_LOADED_PAGES, LEAP_FAILED_LOADS));
	return len;
}

/**
 * leap_stats_show_faults - the counters of the prefetcher, likewise
 * @buf: a page of sysfs
 * @at: where to go on in it
 *
 * Return: bytes written.
 */
ssize_t leap_stats_show_faults(char *buf, int at)
{
	static const struct name counters[] = {
		{ "faults", LEAP_FAULTS },
		{ "misses", LEAP_MISSES },
		{ "prefetch_hits", LEAP_PREFETCH_HITS },
		{ "prefetch_late", LEAP_PREFETCH_LATE },
		{ "prefetch_issued", LEAP_PREFETCH_ISSUED },
		{ "prefetch_unused", LEAP_PREFETCH_UNUSED },
	};
	ssize_t len = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		len += sysfs_emit_at(buf, at + len, "%s %llu\n", counters[i].name,
				     leap_stats_sum(leap_stats_all,
						    counters[i].event));
	return len;
}

/**
 * leap_stats_show_hist - one histogram in one line
 * @stats: the module's or a server's
 * @op: load or store
 * @buf: a page of sysfs
 *
 * Return: bytes written.
 */
ssize_t leap_stats_show_hist(struct leap_stats __percpu *stats, enum leap_op op,
			     char *buf)
{
	ssize_t len = 0;
	int i, cpu;

	for (i = 0; i < LEAP_HIST_BUCKETS; i++) {
		u64 sum = 0;

		for_each_possible_cpu(cpu)
			sum += per_cpu_ptr(stats, cpu)->hist[op][i];
		len += sysfs_emit_at(buf, len, "%llu%c", sum,
				     i + 1 < LEAP_HIST_BUCKETS ? ' ' : '\n');
	}
	return len;
}
