// SPDX-License-Identifier: GPL-2.0
#include "workload.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

/**
 * workload_add - one more access
 * @w: the program
 * @access: copied
 */
void workload_add(struct workload *w, const struct access *access)
{
	if (w->nr == w->room) {
		w->room = w->room ? 2 * w->room : 4096;
		w->accesses = reallocarray(w->accesses, w->room,
					   sizeof(*w->accesses));
		if (!w->accesses)
			err(1, "no memory for %zu accesses", w->room);
	}
	w->accesses[w->nr++] = *access;
	if (access->thread >= w->threads)
		w->threads = access->thread + 1;
	if (access->page >> PROCESS_SHIFT >= w->processes)
		w->processes = (access->page >> PROCESS_SHIFT) + 1;
	w->process_of[access->thread] = access->page >> PROCESS_SHIFT;
}

/**
 * workload_free - frees what a workload holds
 * @w: empty afterwards
 */
void workload_free(struct workload *w)
{
	free(w->name);
	free(w->accesses);
	memset(w, 0, sizeof(*w));
}
