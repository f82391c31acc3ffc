// SPDX-License-Identifier: GPL-2.0
/* Recordings, see leap/uapi/leap_trace.h; plain or compressed by gzip. */
#include "workload.h"

#include <endian.h>
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "leap/uapi/leap_trace.h"

/**
 * struct reader - of one file
 * @w: what was read
 * @ids: of the threads
 * @processes: the id of each thread's process
 * @ends: when each thread's last fault was over, in ns
 */
struct reader {
	struct workload *w;
	uint32_t ids[THREADS_MAX];
	uint32_t processes[THREADS_MAX];
	uint64_t ends[THREADS_MAX];
};

/* Return: THREADS_MAX if there are too many. */
static uint32_t thread_of(struct reader *r, uint32_t id)
{
	uint32_t i;

	for (i = 0; i < r->w->threads; i++)
		if (r->ids[i] == id)
			return i;
	if (i < THREADS_MAX)
		r->ids[i] = id;
	return i;
}

/* An index: that of the process's first thread. */
static uint64_t process_of(struct reader *r, uint32_t thread, uint32_t process)
{
	uint32_t i;

	r->processes[thread] = process;
	for (i = 0; i < thread; i++)
		if (r->processes[i] == process)
			break;
	return i;
}

static bool add_record(struct reader *r, const struct leap_trace_record *rec)
{
	const uint64_t time = le64toh(rec->time), page = le64toh(rec->page);
	const uint32_t thread = thread_of(r, le32toh(rec->thread));
	struct access access = {
		.thread = thread,
		.slot = le32toh(rec->slot),
		.write = page & LEAP_TRACE_WRITE,
		.cached = (page >> LEAP_TRACE_KIND_SHIFT & LEAP_TRACE_KIND_MASK) ==
			  LEAP_TRACE_CACHED,
	};

	if (thread == THREADS_MAX) {
		warnx("the recording has more than %d threads; record fewer",
		      THREADS_MAX);
		return false;
	}
	access.page = (page & ((1ULL << PROCESS_SHIFT) - 1)) |
		      process_of(r, thread, le32toh(rec->process)) << PROCESS_SHIFT;
	if (time > r->ends[thread])
		access.gap = time - r->ends[thread];
	r->ends[thread] = time + le32toh(rec->wait_ns);
	workload_add(r->w, &access);
	return true;
}

static bool header_good(const char *path, const struct leap_trace_header *head)
{
	if (le64toh(head->magic) != LEAP_TRACE_MAGIC) {
		warnx("%s is no recording of faults; make one by: leapctl record",
		      path);
		return false;
	}
	if (le32toh(head->version) != LEAP_TRACE_VERSION) {
		warnx("%s is of version %u, this program reads version %d",
		      path, le32toh(head->version), LEAP_TRACE_VERSION);
		return false;
	}
	return true;
}

static bool read_error(const char *path, gzFile file)
{
	int code;
	const char *text = gzerror(file, &code);

	if (code == Z_OK)
		return false;
	warnx("cannot read %s: %s; is the file complete?", path,
	      code == Z_ERRNO ? strerror(errno) : text);
	return true;
}

static bool read_all(const char *path, gzFile file, struct reader *r)
{
	struct leap_trace_header head = { 0 };
	struct leap_trace_record rec;
	int len;

	gzread(file, &head, sizeof(head));
	if (read_error(path, file) || !header_good(path, &head))
		return false;
	r->w->local = le64toh(head.local);
	while ((len = gzread(file, &rec, sizeof(rec))) == sizeof(rec))
		if (!add_record(r, &rec))
			return false;
	if (read_error(path, file))
		return false;
	if (len || !r->w->nr) {
		warnx("%s ends %s", path, len ? "in the middle of a record" :
		      "before the first record");
		return false;
	}
	return true;
}

/* The file's name without its folder and its endings. */
static char *name_of(const char *path)
{
	static const char *const endings[] = { ".gz", ".trace" };
	const char *slash = strrchr(path, '/');
	char *name = strdup(slash ? slash + 1 : path);

	for (size_t i = 0; name && i < sizeof(endings) / sizeof(*endings); i++) {
		size_t len = strlen(name), end = strlen(endings[i]);

		if (len > end && !strcmp(name + len - end, endings[i]))
			name[len - end] = '\0';
	}
	return name;
}

/**
 * trace_load - read a recording
 * @path: the file
 * @w: what is in it, for workload_free()
 *
 * Return: false if it cannot be read, which was said on stderr; @w is empty.
 */
bool trace_load(const char *path, struct workload *w)
{
	struct reader *r = calloc(1, sizeof(*r));
	gzFile file;
	bool good;

	if (!r)
		err(1, "no memory to read %s", path);
	*w = (struct workload){
		.name = name_of(path),
		.recorded = true,
	};
	r->w = w;
	errno = 0;
	file = gzopen(path, "rb");
	if (!file)
		warn("cannot open %s", path);
	good = file && read_all(path, file, r);
	if (file)
		gzclose(file);
	if (!good)
		workload_free(w);
	free(r);
	return good;
}

/**
 * trace_save - write a workload as if each access had been a fault
 * @path: the file, compressed if its name ends in .gz
 * @w: the workload; all its threads are written in the order they have there
 *
 * Return: false if it cannot be written, which was said on stderr.
 */
bool trace_save(const char *path, const struct workload *w)
{
	const struct leap_trace_header head = {
		.magic = htole64(LEAP_TRACE_MAGIC),
		.version = htole32(LEAP_TRACE_VERSION),
		.page_shift = htole32(12),
		.local = htole64(w->local),
	};
	const size_t len = strlen(path);
	const bool packed = len > 3 && !strcmp(path + len - 3, ".gz");
	uint64_t ends[THREADS_MAX] = { 0 };
	bool good;
	gzFile file = gzopen(path, packed ? "wb" : "wbT");

	if (!file) {
		warn("cannot write %s", path);
		return false;
	}
	good = gzwrite(file, &head, sizeof(head)) == sizeof(head);
	for (size_t i = 0; good && i < w->nr; i++) {
		const struct access *a = &w->accesses[i];
		const uint64_t flags = (a->write ? LEAP_TRACE_WRITE : 0) |
			(a->cached ? (uint64_t)LEAP_TRACE_CACHED << LEAP_TRACE_KIND_SHIFT : 0);
		struct leap_trace_record rec = {
			.time = htole64(ends[a->thread] += a->gap),
			.page = htole64((a->page & ((1ULL << PROCESS_SHIFT) - 1)) | flags),
			.slot = htole32(a->slot),
			.thread = htole32(a->thread),
			.process = htole32(a->page >> PROCESS_SHIFT),
		};

		good = gzwrite(file, &rec, sizeof(rec)) == sizeof(rec);
	}
	if (gzclose(file) != Z_OK || !good) {
		warnx("cannot write %s; is the disk full?", path);
		return false;
	}
	return true;
}
