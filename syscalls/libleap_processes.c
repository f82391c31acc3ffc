// SPDX-License-Identifier: GPL-2.0
/* libleap: the processes that use remote memory. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libleap.h"
#include "libleap_priv.h"

static bool parse_process(const char *line, struct leap_process *p)
{
	int saved = errno, attached = 0, fields;

	memset(p, 0, sizeof(*p));
	fields = sscanf(line, "%d %63s %d %" SCNu64 " %" SCNu64 " %" SCNu64 " %"
			SCNu64 " %" SCNu64, &p->pid, p->comm, &attached,
			&p->stored, &p->loaded, &p->freed, &p->failed, &p->remote);
	p->attached = attached;
	errno = saved;
	return fields == 8;
}

/* Adds what prefetch/processes says; processes come and go in between. */
static int read_faults(struct leap_process *list, int count)
{
	char *text, *rest, *line;
	int saved = errno, on, ret;
	struct leap_faults f;
	pid_t pid;

	ret = leap_read_own("prefetch/processes", &text);
	if (ret)
		return ret;
	rest = text;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (sscanf(line, "%d %*s %d %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64 " %" SCNu64 " %" SCNu64, &pid, &on,
			   &f.faults, &f.misses, &f.hits, &f.late, &f.issued,
			   &f.unused) != 8) {
			ret = -EPROTO;
			break;
		}
		for (int i = 0; i < count; i++) {
			if (list[i].pid != pid)
				continue;
			list[i].prefetch = on;
			list[i].faults = f;
		}
	}
	free(text);
	errno = saved;
	return ret;
}

/**
 * leap_processes - the processes that are or were attached and live
 * @processes: set to an array that the caller frees; NULL if there is none
 *
 * Return: how many processes, -EPROTO if the kernel's list is not understood,
 * or another negative errno value.
 */
API int leap_processes(struct leap_process **processes)
{
	struct leap_process *list = NULL;
	char *text, *rest, *line;
	int saved = errno, ret, count = 0, lines = 0;

	ret = leap_read_own("processes", &text);
	if (ret)
		return ret;
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	if (lines) {
		list = calloc(lines, sizeof(*list));
		errno = saved;
		if (!list)
			ret = -ENOMEM;
	}
	rest = text;
	while (!ret && lines--) {
		line = strsep(&rest, "\n");
		if (!parse_process(line, &list[count]))
			ret = -EPROTO;
		else if (list[count].pid)	/* 0: it is exiting */
			count++;
	}
	free(text);
	if (!ret)
		ret = read_faults(list, count);
	if (ret || !count) {
		free(list);
		list = NULL;
	}
	*processes = list;
	return ret ? ret : count;
}
