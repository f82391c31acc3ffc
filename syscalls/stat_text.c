// SPDX-License-Identifier: GPL-2.0
/* leapctl stat for people. */
#include <inttypes.h>

#include "leap/policy/hist.h"
#include "leapctl.h"

/* Lines between two headings of stat -i. */
#define HEADING_EVERY	20

#define MIB		(1024.0 * 1024.0)

/**
 * size_text - bytes with a unit
 * @to: filled in, e.g. "64 MiB" or "1.5 GiB"
 */
void size_text(char *to, size_t room, double bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t unit = 0;

	while (bytes >= 1024 && unit < sizeof(units) / sizeof(*units) - 1) {
		bytes /= 1024;
		unit++;
	}
	snprintf(to, room, "%.4g %s", bytes, units[unit]);
}

/* "-" when nothing was measured. */
static void time_text(char *to, size_t room, uint64_t ns)
{
	if (!ns)
		snprintf(to, room, "-");
	else if (ns < 1000)
		snprintf(to, room, "%" PRIu64 " ns", ns);
	else if (ns < 1000000)
		snprintf(to, room, "%.3g us", ns / 1e3);
	else if (ns < 1000000000)
		snprintf(to, room, "%.3g ms", ns / 1e6);
	else
		snprintf(to, room, "%.3g s", ns / 1e9);
}

static void latency(FILE *to, const char *what, const struct leap_hist *hist)
{
	static const unsigned int permille[] = { 500, 900, 990 };
	char text[32];

	fprintf(to, "  %-7s %12" PRIu64, what, leap_hist_count(hist->bucket));
	for (size_t i = 0; i < sizeof(permille) / sizeof(*permille); i++) {
		time_text(text, sizeof(text),
			  leap_hist_permille(hist->bucket, permille[i]));
		fprintf(to, " %10s", text);
	}
	fputc('\n', to);
}

static void latencies(FILE *to, const struct leap_numbers *n)
{
	fprintf(to, "  %-7s %12s %10s %10s %10s\n", "latency", "count", "p50",
		"p90", "p99");
	latency(to, "load", &n->load);
	latency(to, "store", &n->store);
}

static void numbers(FILE *to, const struct leap_numbers *n)
{
	const struct leap_stat *s = &n->stat;
	char stored[32], loaded[32], slabs[32];

	size_text(stored, sizeof(stored), s->stored_bytes);
	size_text(loaded, sizeof(loaded), s->loaded_bytes);
	size_text(slabs, sizeof(slabs), s->slab_bytes);
	fprintf(to, "  stored  %12" PRIu64 " pages  %s\n", s->stored_pages, stored);
	fprintf(to, "  loaded  %12" PRIu64 " pages  %s\n", s->loaded_pages, loaded);
	fprintf(to, "  freed   %12" PRIu64 " pages\n", s->freed_pages);
	fprintf(to, "  remote  %12" PRIu64 " pages now\n", s->remote_pages);
	fprintf(to, "  slabs   %12" PRIu64 " now    %s\n", s->slabs, slabs);
	fprintf(to, "  under way     %" PRIu64 " stores, %" PRIu64 " loads\n",
		s->inflight_stores, s->inflight_loads);
	fprintf(to, "  failed        %" PRIu64 " stores, %" PRIu64 " loads\n",
		s->failed_stores, s->failed_loads);
	fprintf(to, "  refused       %" PRIu64 " stores\n", s->refused_stores);
	if (s->recalled_slabs)
		fprintf(to, "  called back   %" PRIu64 " slabs, %" PRIu64
			" of them left; %" PRIu64 " pages moved\n",
			s->recalled_slabs, s->retiring_slabs, s->moved_pages);
	if (s->corrupt_pages)
		fprintf(to, "  corrupt       %" PRIu64 " pages\n", s->corrupt_pages);
	if (s->retried_loads || s->rebuilt_pages)
		fprintf(to, "  copies        %" PRIu64 " loads went on to another one; %"
			PRIu64 " pages rebuilt\n", s->retried_loads, s->rebuilt_pages);
	if (s->backup_written_pages || s->failed_backups)
		fprintf(to, "  backup        %" PRIu64 " pages written, %" PRIu64
			" read, %" PRIu64 " failed\n", s->backup_written_pages,
			s->backup_read_pages, s->failed_backups);
	latencies(to, n);
}

static void processes(FILE *to, const struct snapshot *s)
{
	const struct leap_process *p;

	fprintf(to, "\n%8s %-16s %-8s %12s %12s %12s %8s %12s\n", "PID", "COMMAND",
		"ATTACHED", "STORED", "LOADED", "FREED", "FAILED", "REMOTE");
	for (int i = 0; i < s->nr_processes; i++) {
		p = &s->processes[i];
		fprintf(to, "%8d %-16s %-8s %12" PRIu64 " %12" PRIu64 " %12" PRIu64
			" %8" PRIu64 " %12" PRIu64 "\n", p->pid, p->comm,
			p->attached ? "yes" : "no", p->stored, p->loaded,
			p->freed, p->failed, p->remote);
	}
}

/**
 * text_all - everything in a snapshot
 */
void text_all(FILE *to, const struct snapshot *s)
{
	fprintf(to, "session %s\n", *s->session.portal ? s->session.portal : "none");
	numbers(to, &s->totals);
	prefetch_text(to, &s->prefetch.faults);
	for (int i = 0; i < s->nr_servers; i++) {
		fprintf(to, "\nserver %d %s %s\n", s->servers[i].index,
			s->servers[i].address, s->servers[i].state);
		numbers(to, &s->servers[i].n);
	}
	processes(to, s);
}

static void heading(FILE *to)
{
	fprintf(to, "%10s %10s %10s %8s %8s %8s %8s %8s %10s %10s %10s %10s %10s\n",
		"stored/s", "loaded/s", "freed/s", "out", "in", "failed/s",
		"refus/s", "underway", "remote", "load p50", "load p99",
		"store p50", "store p99");
	fprintf(to, "%10s %10s %10s %8s %8s %8s %8s %8s %10s %10s %10s %10s %10s\n",
		"pages", "pages", "pages", "MiB/s", "MiB/s", "pages", "pages",
		"pages", "pages", "", "", "", "");
}

/**
 * text_line - one line of stat -i: what happened between two snapshots
 * @lines: how many lines were printed before this one
 */
void text_line(FILE *to, const struct snapshot *then,
	       const struct snapshot *now, unsigned int lines)
{
	struct leap_numbers diff;
	char load[2][32], store[2][32];
	double s;

	if (lines % HEADING_EVERY == 0)
		heading(to);
	rates(then, now, &diff, &s);
	for (int i = 0; i < 2; i++) {
		unsigned int permille = i ? 990 : 500;

		time_text(load[i], sizeof(load[i]),
			  leap_hist_permille(diff.load.bucket, permille));
		time_text(store[i], sizeof(store[i]),
			  leap_hist_permille(diff.store.bucket, permille));
	}
	fprintf(to, "%10.0f %10.0f %10.0f %8.1f %8.1f %8.0f %8.0f %8" PRIu64
		" %10" PRIu64 " %10s %10s %10s %10s\n",
		diff.stat.stored_pages / s, diff.stat.loaded_pages / s,
		diff.stat.freed_pages / s, diff.stat.stored_bytes / MIB / s,
		diff.stat.loaded_bytes / MIB / s,
		(diff.stat.failed_stores + diff.stat.failed_loads) / s,
		diff.stat.refused_stores / s,
		diff.stat.inflight_stores + diff.stat.inflight_loads,
		diff.stat.remote_pages, load[0], load[1], store[0], store[1]);
}
