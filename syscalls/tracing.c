// SPDX-License-Identifier: GPL-2.0
/*
 * Faults, reads and forks, as the kernel traces them. They come through an
 * instance of tracefs that nobody else uses, so that another tracer and this one
 * do not notice each other.
 */
#include "tracing.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tracefs.h>

/* Fields that are read. */
enum field {
	FAULT_PAGE, FAULT_ENTRY, FAULT_KIND, FAULT_WRITE, FAULT_TGID,
	DONE_ENTRY, DONE_NR,
	FORK_PARENT, FORK_CHILD,
	NR_FIELDS
};

enum event { FAULT, DONE, FORK, NR_EVENTS };

static const struct {
	const char *system;
	const char *name;
	const char *filter;
} events[NR_EVENTS] = {
	[FAULT] = { "leap", "leap_fault", NULL },
	[DONE] = { "leap", "leap_done", "op == 0" },	/* loads */
	[FORK] = { "sched", "sched_process_fork", NULL },
};

static const struct {
	enum event event;
	const char *name;
} fields[NR_FIELDS] = {
	[FAULT_PAGE] = { FAULT, "page" },
	[FAULT_ENTRY] = { FAULT, "entry" },
	[FAULT_KIND] = { FAULT, "kind" },
	[FAULT_WRITE] = { FAULT, "write" },
	[FAULT_TGID] = { FAULT, "tgid" },
	[DONE_ENTRY] = { DONE, "entry" },
	[DONE_NR] = { DONE, "nr" },
	[FORK_PARENT] = { FORK, "parent_pid" },
	[FORK_CHILD] = { FORK, "child_pid" },
};

/**
 * struct tracing - the source of events
 * @instance: our buffers
 * @tep: knows the events' layouts
 * @events: those that are read
 * @fields: of these
 * @recording: where they go, while they are being read
 */
struct tracing {
	struct tracefs_instance *instance;
	struct tep_handle *tep;
	struct tep_event *events[NR_EVENTS];
	struct tep_format_field *fields[NR_FIELDS];
	struct recording *recording;
};

static const char *missing(enum event event)
{
	char path[128];

	snprintf(path, sizeof(path), "events/%s/%s/format", events[event].system,
		 events[event].name);
	if (tracefs_file_exists(NULL, path))
		return NULL;
	if (event == FORK)
		return "this kernel has no event sched_process_fork";
	if (access("/sys/module/leap", F_OK))
		return "the module leap is not loaded; modprobe leap loads it";
	return "this module leap traces no faults; leapctl is of another version";
}

/* Says what is wrong if something is. */
static bool can_trace(void)
{
	const char *why = NULL;

	if (geteuid()) {
		fputs("leapctl: only root may record\n", stderr);
		return false;
	}
	if (!tracefs_tracing_dir()) {
		fputs("leapctl: cannot record: there is no tracefs; mount -t tracefs "
		      "tracefs /sys/kernel/tracing, on a kernel that traces\n", stderr);
		return false;
	}
	for (enum event i = 0; i < NR_EVENTS && !why; i++)
		why = missing(i);
	if (why)
		fprintf(stderr, "leapctl: cannot record: %s\n", why);
	return !why;
}

/* How events lie in a page of the buffer. */
static int learn_pages(struct tep_handle *tep)
{
	int size, err;
	char *text = tracefs_instance_file_read(NULL, "events/header_page", &size);

	if (!text)
		return -1;
	tep_set_long_size(tep, sizeof(long));
	tep_set_page_size(tep, getpagesize());
	err = tep_parse_header_page(tep, text, size, sizeof(long));
	free(text);
	return err;
}

/*
 * One by one: tracefs_local_events_system() would read all of a system and the
 * kernel's symbols, which takes more memory than a small program may have.
 */
static void learn_event(struct tep_handle *tep, enum event event)
{
	int size;
	char *text = tracefs_event_file_read(NULL, events[event].system,
					     events[event].name, "format", &size);

	if (text)
		tep_parse_event(tep, text, size, events[event].system);
	free(text);
}

static int find_fields(struct tracing *t)
{
	t->tep = tep_alloc();
	if (!t->tep || learn_pages(t->tep))
		return -1;
	for (enum event i = 0; i < NR_EVENTS; i++) {
		learn_event(t->tep, i);
		t->events[i] = tep_find_event_by_name(t->tep, events[i].system,
						      events[i].name);
		if (!t->events[i])
			return -1;
	}
	for (enum field i = 0; i < NR_FIELDS; i++) {
		t->fields[i] = tep_find_field(t->events[fields[i].event],
					      fields[i].name);
		if (!t->fields[i])
			return -1;
	}
	return 0;
}

/* Before any event is on: its buffers are as large, and of the clock, as asked. */
static int make_instance(struct tracing *t, unsigned int buffer_mib)
{
	char text[32];

	snprintf(text, sizeof(text), "leapctl.%d", getpid());
	t->instance = tracefs_instance_create(text);
	if (!t->instance)
		return -1;
	snprintf(text, sizeof(text), "%u", buffer_mib << 10);
	if (tracefs_instance_file_write(t->instance, "buffer_size_kb", text) < 0 ||
	    tracefs_instance_file_write(t->instance, "trace_clock", "mono") < 0)
		return -1;
	return 0;
}

/**
 * tracing_open - prepare to trace
 * @buffer_mib: MiB of buffer for each processor
 *
 * Return: NULL if that cannot be, which has been said on stderr.
 */
struct tracing *tracing_open(unsigned int buffer_mib)
{
	struct tracing *t;

	if (!can_trace())
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t) {
		perror("leapctl");
		return NULL;
	}
	if (find_fields(t)) {
		fputs("leapctl: cannot record: the kernel's events are not as expected; "
		      "are leapctl and the module of one version?\n", stderr);
	} else if (make_instance(t, buffer_mib)) {
		fprintf(stderr, "leapctl: cannot record: no trace buffer of %u MiB for "
			"each processor: %s; --buffer makes it smaller\n", buffer_mib,
			strerror(errno));
	} else {
		return t;
	}
	tracing_close(t);
	return NULL;
}

static int switch_event(struct tracing *t, enum event event, const char *file,
			const char *text)
{
	return tracefs_event_file_write(t->instance, events[event].system,
					events[event].name, file, text);
}

/**
 * tracing_start - from now on events are kept
 * @t: the source
 *
 * Return: 0, or a negative errno value.
 */
int tracing_start(struct tracing *t)
{
	for (enum event i = 0; i < NR_EVENTS; i++) {
		if (events[i].filter &&
		    switch_event(t, i, "filter", events[i].filter) < 0)
			return -errno;
		if (switch_event(t, i, "enable", "1") < 0)
			return -errno;
	}
	return 0;
}

static uint64_t value(const struct tracing *t, enum field field,
		      const struct tep_record *record)
{
	unsigned long long number = 0;

	tep_read_number_field(t->fields[field], record->data, &number);
	return number;
}

static void take_fault(struct tracing *t, struct tep_record *record)
{
	const struct fault_event fault = {
		.time = record->ts,
		.page = value(t, FAULT_PAGE, record),
		.entry = value(t, FAULT_ENTRY, record),
		.kind = value(t, FAULT_KIND, record),
		.write = value(t, FAULT_WRITE, record),
		.tid = tep_data_pid(t->tep, record),
		.pid = value(t, FAULT_TGID, record),
	};

	recording_fault(t->recording, &fault);
}

static int take_event(struct tep_event *event, struct tep_record *record,
		      int cpu, void *arg)
{
	struct tracing *t = arg;

	(void)cpu;
	if (event->id == t->events[FAULT]->id)
		take_fault(t, record);
	else if (event->id == t->events[DONE]->id)
		recording_loaded(t->recording, record->ts,
				 value(t, DONE_ENTRY, record),
				 value(t, DONE_NR, record));
	else if (event->id == t->events[FORK]->id)
		recording_fork(t->recording, value(t, FORK_PARENT, record),
			       value(t, FORK_CHILD, record));
	return 0;
}

/**
 * tracing_read - hand over the events that there are, oldest first
 * @t: the source
 * @r: where they go
 *
 * Return: 0, or a negative errno value.
 */
int tracing_read(struct tracing *t, struct recording *r)
{
	t->recording = r;
	errno = EIO;
	if (tracefs_iterate_raw_events(t->tep, t->instance, NULL, 0, take_event, t))
		return -errno;
	return 0;
}

/**
 * tracing_stop - no more events are kept
 * @t: the source; what was kept can still be read
 */
void tracing_stop(struct tracing *t)
{
	tracefs_trace_off(t->instance);
}

/* Of a file of lines "name: number". */
static uint64_t number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

/**
 * tracing_lost - events that did not fit in the buffers
 * @t: the source
 *
 * Return: how many, on all processors, of any kind and any process.
 */
uint64_t tracing_lost(struct tracing *t)
{
	uint64_t lost = 0;
	char path[64], *text;

	for (long cpu = 0; cpu < sysconf(_SC_NPROCESSORS_CONF); cpu++) {
		snprintf(path, sizeof(path), "per_cpu/cpu%ld/stats", cpu);
		text = tracefs_instance_file_read(t->instance, path, NULL);
		if (!text)
			continue;
		lost += number_of(text, "\noverrun: ") +
			number_of(text, "\ncommit overrun: ") +
			number_of(text, "\ndropped events: ");
		free(text);
	}
	return lost;
}

/**
 * tracing_close - free all, in the kernel, too
 * @t: not to be used any more
 */
void tracing_close(struct tracing *t)
{
	if (t->instance) {
		for (enum event i = 0; i < NR_EVENTS; i++)
			switch_event(t, i, "enable", "0");
		tracefs_instance_destroy(t->instance);
		tracefs_instance_free(t->instance);
	}
	if (t->tep)
		tep_free(t->tep);
	free(t);
}
