/* SPDX-License-Identifier: GPL-2.0 */
/* The command line of leap-replay and its output. */
#ifndef REPLAY_H
#define REPLAY_H

#include <jansson.h>

#include "sim.h"

/* Most recordings and patterns of one run. */
#define WORKLOADS_MAX	64

/**
 * struct options - as given
 * @names: of patterns or recordings
 * @recorded: which of these are recordings
 * @nr: how many
 * @policies: to compare, NULL at the end
 * @pattern: for patterns
 * @sim: the machine
 * @save: where to write the workload instead of running it, or NULL
 * @json: print for a machine
 */
struct options {
	const char *names[WORKLOADS_MAX];
	bool recorded[WORKLOADS_MAX];
	size_t nr;
	const struct policy *policies[16];
	struct pattern_options pattern;
	struct sim_options sim;
	const char *save;
	bool json;
};

void options_parse(int argc, char **argv, struct options *options);

void report_table_head(void);
void report_table(const struct workload *w, const struct policy *policy,
		  const struct sim_result *r);
void report_json(json_t *list, const struct workload *w,
		 const struct policy *policy, const struct sim_result *r);

#endif /* REPLAY_H */
