// SPDX-License-Identifier: GPL-2.0
/* leapctl stat for programs: one JSON object in one line; leapctl(8) lists it. */
#include <ctype.h>
#include <jansson.h>
#include <string.h>

#include "leap/policy/hist.h"
#include "leapctl.h"

/*
 * A process names itself as it likes, and JSON is UTF-8: bytes of a name that
 * is not are shown as "?".
 */
static json_t *text(const char *from)
{
	json_t *out = json_string(from);
	char *copy;

	if (out)
		return out;
	copy = strdup(from);
	if (!copy)
		return NULL;
	for (char *c = copy; *c; c++)
		if (!isascii((unsigned char)*c))
			*c = '?';
	out = json_string(copy);
	free(copy);
	return out;
}

static json_t *histogram(const struct leap_hist *hist)
{
	json_t *buckets = json_array();

	for (int i = 0; i < LEAP_HIST_BUCKETS; i++)
		json_array_append_new(buckets, json_integer(hist->bucket[i]));
	return json_pack("{s:I, s:I, s:I, s:I, s:o}",
			 "count", (json_int_t)leap_hist_count(hist->bucket),
			 "p50_ns", (json_int_t)leap_hist_permille(hist->bucket, 500),
			 "p90_ns", (json_int_t)leap_hist_permille(hist->bucket, 900),
			 "p99_ns", (json_int_t)leap_hist_permille(hist->bucket, 990),
			 "buckets", buckets);
}

static json_t *numbers(const struct leap_numbers *n)
{
	const struct leap_stat *s = &n->stat;

	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "stored_pages", (json_int_t)s->stored_pages,
			 "loaded_pages", (json_int_t)s->loaded_pages,
			 "freed_pages", (json_int_t)s->freed_pages,
			 "failed_stores", (json_int_t)s->failed_stores,
			 "failed_loads", (json_int_t)s->failed_loads,
			 "refused_stores", (json_int_t)s->refused_stores,
			 "inflight_stores", (json_int_t)s->inflight_stores,
			 "inflight_loads", (json_int_t)s->inflight_loads,
			 "stored_bytes", (json_int_t)s->stored_bytes,
			 "loaded_bytes", (json_int_t)s->loaded_bytes,
			 "remote_pages", (json_int_t)s->remote_pages,
			 "slabs", (json_int_t)s->slabs,
			 "slab_bytes", (json_int_t)s->slab_bytes,
			 "recalled_slabs", (json_int_t)s->recalled_slabs,
			 "retiring_slabs", (json_int_t)s->retiring_slabs,
			 "moved_pages", (json_int_t)s->moved_pages,
			 "corrupt_pages", (json_int_t)s->corrupt_pages,
			 "retried_loads", (json_int_t)s->retried_loads,
			 "rebuilt_pages", (json_int_t)s->rebuilt_pages,
			 "backup_written_pages", (json_int_t)s->backup_written_pages,
			 "backup_read_pages", (json_int_t)s->backup_read_pages,
			 "failed_backups", (json_int_t)s->failed_backups,
			 "load_latency", histogram(&n->load),
			 "store_latency", histogram(&n->store));
}

static json_t *faults(const struct leap_faults *f)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}",
			 "faults", (json_int_t)f->faults,
			 "misses", (json_int_t)f->misses,
			 "hits", (json_int_t)f->hits,
			 "late", (json_int_t)f->late,
			 "issued", (json_int_t)f->issued,
			 "unused", (json_int_t)f->unused);
}

static json_t *prefetch(const struct leap_prefetch *p)
{
	json_t *all = faults(&p->faults);

	json_object_set_new(all, "enabled", json_boolean(p->enabled));
	json_object_set_new(all, "history", json_integer(p->history));
	json_object_set_new(all, "split", json_integer(p->split));
	json_object_set_new(all, "window", json_integer(p->window));
	json_object_set_new(all, "buffer", json_integer(p->buffer));
	json_object_set_new(all, "buffer_active", json_boolean(p->buffer_active));
	return all;
}

static json_t *session(const struct leap_session *s)
{
	if (!*s->portal)
		return json_null();
	return json_pack("{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:s, s:b}",
			 "portal", text(s->portal),
			 "transport", text(s->transport),
			 "slab_bytes", (json_int_t)s->slab_bytes,
			 "timeout_ms", (json_int_t)s->timeout_ms,
			 "servers", (json_int_t)s->servers,
			 "replicas", (json_int_t)s->replicas,
			 "missing_copies", (json_int_t)s->missing_copies,
			 "backup", s->backup ? "disk" : "none",
			 "verify", s->verify);
}

static json_t *servers(const struct snapshot *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->nr_servers; i++) {
		json_t *one = numbers(&s->servers[i].n);

		json_object_set_new(one, "index", json_integer(s->servers[i].index));
		json_object_set_new(one, "address", text(s->servers[i].address));
		json_object_set_new(one, "state", text(s->servers[i].state));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *processes(const struct snapshot *s)
{
	json_t *list = json_array();

	for (int i = 0; i < s->nr_processes; i++) {
		const struct leap_process *p = &s->processes[i];

		json_t *one = json_pack("{s:i, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:b, s:o}",
					"pid", (int)p->pid,
					"comm", text(p->comm),
					"attached", (int)p->attached,
					"stored", (json_int_t)p->stored,
					"loaded", (json_int_t)p->loaded,
					"freed", (json_int_t)p->freed,
					"failed", (json_int_t)p->failed,
					"remote", (json_int_t)p->remote,
					"prefetch", (int)p->prefetch,
					"faults", faults(&p->faults));

		json_array_append_new(list, one);
	}
	return list;
}

/* Latencies are those of the interval alone; the rest is for each second. */
static json_t *interval(const struct snapshot *then, const struct snapshot *now)
{
	struct leap_numbers diff;
	double s;

	rates(then, now, &diff, &s);
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o}",
			 "seconds", s,
			 "stored_pages", diff.stat.stored_pages / s,
			 "loaded_pages", diff.stat.loaded_pages / s,
			 "freed_pages", diff.stat.freed_pages / s,
			 "failed_stores", diff.stat.failed_stores / s,
			 "failed_loads", diff.stat.failed_loads / s,
			 "refused_stores", diff.stat.refused_stores / s,
			 "stored_bytes", diff.stat.stored_bytes / s,
			 "loaded_bytes", diff.stat.loaded_bytes / s,
			 "load_latency", histogram(&diff.load),
			 "store_latency", histogram(&diff.store));
}

static int print(FILE *to, json_t *all)
{
	if (!all || json_dumpf(all, to, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9))) {
		json_decref(all);
		fputs("leapctl: cannot write the numbers as JSON: out of memory, or the output is closed\n",
		      stderr);
		return EXIT_FAILURE;
	}
	json_decref(all);
	return fputc('\n', to) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}

static json_t *member(const struct leap_server *s)
{
	return json_pack("{s:i, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "index", s->index,
			 "address", text(s->address),
			 "state", text(s->state),
			 "capacity_bytes", (json_int_t)server_capacity(s),
			 "lent_bytes", (json_int_t)s->n.stat.slab_bytes,
			 "used_bytes", (json_int_t)server_used(s),
			 "losses", (json_int_t)s->losses,
			 "failed_stores", (json_int_t)s->n.stat.failed_stores,
			 "failed_loads", (json_int_t)s->n.stat.failed_loads,
			 "corrupt_pages", (json_int_t)s->n.stat.corrupt_pages);
}

/**
 * json_session - the session and its servers as one line of JSON
 *
 * Return: 0, or EXIT_FAILURE after saying why.
 */
int json_session(FILE *to, const struct leap_session *s,
		 const struct leap_server *list, int nr)
{
	json_t *all = session(s), *members = json_array();

	for (int i = 0; i < nr; i++)
		json_array_append_new(members, member(&list[i]));
	json_object_set_new(all, "servers", members);
	return print(to, all);
}

/**
 * json_line - everything in a snapshot as one line of JSON
 * @then: the snapshot before it, for the rates, or NULL
 *
 * Return: 0, or EXIT_FAILURE after saying why.
 */
int json_line(FILE *to, const struct snapshot *then, const struct snapshot *now)
{
	json_t *all = json_pack("{s:o, s:o, s:o, s:o, s:o}",
				"session", session(&now->session),
				"total", numbers(&now->totals),
				"prefetch", prefetch(&now->prefetch),
				"servers", servers(now),
				"processes", processes(now));

	if (then && all && json_object_set_new(all, "rates", interval(then, now))) {
		json_decref(all);
		all = NULL;
	}
	return print(to, all);
}
