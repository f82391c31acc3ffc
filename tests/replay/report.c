// SPDX-License-Identifier: GPL-2.0
/* Results for people and for machines. */
#include "replay.h"

#include <inttypes.h>
#include <stdio.h>

static double percent(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * part / whole : 0;
}

static uint64_t used(const struct sim_result *r)
{
	return r->hits + r->late;
}

/* Of the pages that were prefetched, those that were used. */
static double accuracy(const struct sim_result *r)
{
	return percent(used(r), r->read_ahead);
}

/* Of the pages that were needed, those that were prefetched. */
static double coverage(const struct sim_result *r)
{
	return percent(used(r), used(r) + r->misses);
}

/* Of the pages that were read, those that were of no use. */
static double pollution(const struct sim_result *r)
{
	return percent(r->read_ahead - used(r), r->read_ahead + r->misses);
}

/* Of the prefetched pages that were used, those that were there in time. */
static double timeliness(const struct sim_result *r)
{
	return percent(r->hits, used(r));
}

/** report_table_head - what the columns are */
void report_table_head(void)
{
	printf("%-14s %-14s %8s %8s %7s %7s %7s %7s %9s %9s %9s\n", "workload",
	       "policy", "misses", "prefetch", "accur%", "cover%", "pollu%",
	       "timely%", "stall s", "p50 us", "p99 us");
}

/**
 * report_table - one line
 * @w: the program
 * @policy: who prefetched
 * @r: how it went
 */
void report_table(const struct workload *w, const struct policy *policy,
		  const struct sim_result *r)
{
	printf("%-14s %-14s %8" PRIu64 " %8" PRIu64
	       " %7.1f %7.1f %7.1f %7.1f %9.3f %9.1f %9.1f\n",
	       w->name, policy->name, r->misses, r->read_ahead, accuracy(r),
	       coverage(r), pollution(r), timeliness(r), r->stall / 1e9,
	       r->p50 / 1e3, r->p99 / 1e3);
	fflush(stdout);
}

/**
 * report_json - one object
 * @list: array that it is added to
 * @w: the program
 * @policy: who prefetched
 * @r: how it went
 */
void report_json(json_t *list, const struct workload *w,
		 const struct policy *policy, const struct sim_result *r)
{
	json_t *object = json_pack(
		"{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:I}",
		"workload", w->name, "policy", policy->name,
		"accesses", (json_int_t)r->accesses,
		"misses", (json_int_t)r->misses,
		"hits", (json_int_t)r->hits,
		"late", (json_int_t)r->late,
		"cached", (json_int_t)r->cached,
		"prefetched", (json_int_t)r->read_ahead,
		"accuracy", accuracy(r) / 100, "coverage", coverage(r) / 100,
		"pollution", pollution(r) / 100,
		"timeliness", timeliness(r) / 100,
		"stall_ns", (json_int_t)r->stall, "time_ns", (json_int_t)r->time,
		"p50_ns", (json_int_t)r->p50, "p99_ns", (json_int_t)r->p99);

	json_array_append_new(list, object);
}
