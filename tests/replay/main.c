// SPDX-License-Identifier: GPL-2.0
/*
 * leap-replay: which prefetcher would have been the best for this program? Runs
 * recordings and patterns on a model of a machine with remote memory, see sim.c.
 */
#include "replay.h"

#include <err.h>
#include <stdlib.h>

static void load(const struct options *o, size_t i, struct workload *w)
{
	if (!o->recorded[i])
		pattern_make(o->names[i], &o->pattern, w);
	else if (!trace_load(o->names[i], w))
		exit(1);
}

static void run(const struct options *o, const struct workload *w, json_t *list)
{
	struct sim_result result;

	for (size_t i = 0; o->policies[i]; i++) {
		sim_run(w, o->policies[i], &o->sim, &result);
		if (list)
			report_json(list, w, o->policies[i], &result);
		else
			report_table(w, o->policies[i], &result);
	}
}

static void finish_json(json_t *list)
{
	if (json_dumpf(list, stdout, JSON_INDENT(2)) || putchar('\n') == EOF)
		err(1, "cannot write the results");
	json_decref(list);
}

int main(int argc, char **argv)
{
	struct options o;
	struct workload w;
	json_t *list;

	options_parse(argc, argv, &o);
	if (o.save) {
		load(&o, 0, &w);
		return !trace_save(o.save, &w);
	}
	list = o.json ? json_array() : NULL;
	if (!list)
		report_table_head();
	for (size_t i = 0; i < o.nr; i++) {
		load(&o, i, &w);
		run(&o, &w, list);
		workload_free(&w);
	}
	if (list)
		finish_json(list);
	return 0;
}
