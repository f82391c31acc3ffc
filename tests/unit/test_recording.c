// SPDX-License-Identifier: GPL-2.0
/* leapctl record: from events to the records of a file. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "syscalls/recording.h"
#include "tests/replay/workload.h"

#define START	1000000
#define SHELL	100
#define AREA_1	(1ULL << 58)

static char path[] = "/tmp/leap-test-recording.XXXXXX";
static struct recording *r;
static struct leap_trace_header head;
static struct leap_trace_record *records;
static size_t nr;

static int begin(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	r = malloc(sizeof(*r));
	if (fd < 0 || !r)
		return -1;
	recording_begin(r, fd, START, 777);
	recording_add(r, SHELL);
	return 0;
}

static int clean(void **state)
{
	(void)state;
	close(r->fd);
	unlink(path);
	free(r);
	free(records);
	records = NULL;
	return 0;
}

static void fault(pid_t tid, uint64_t time, uint64_t page, uint64_t entry,
		  unsigned int kind)
{
	recording_fault(r, &(struct fault_event){
		.time = START + time, .page = page, .entry = entry,
		.kind = kind, .tid = tid, .pid = SHELL,
	});
}

/* Fills @head, @records and @nr. */
static void read_back(void)
{
	off_t size = lseek(r->fd, 0, SEEK_END);

	assert_true(size >= (off_t)sizeof(head));
	assert_int_equal((size - sizeof(head)) % sizeof(*records), 0);
	nr = (size - sizeof(head)) / sizeof(*records);
	records = calloc(nr + 1, sizeof(*records));
	assert_non_null(records);
	assert_int_equal(pread(r->fd, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(pread(r->fd, records, nr * sizeof(*records), sizeof(head)),
			 nr * sizeof(*records));
}

static void finish(void)
{
	assert_int_equal(recording_end(r), 0);
	read_back();
}

static uint32_t wait_of(size_t i)
{
	return le32toh(records[i].wait_ns);
}

static void the_head_says_what_follows(void **state)
{
	(void)state;
	finish();
	assert_memory_equal(&head, "LEAPTRAC", 8);
	assert_int_equal(le32toh(head.version), LEAP_TRACE_VERSION);
	assert_int_equal(1L << le32toh(head.page_shift), sysconf(_SC_PAGESIZE));
	assert_int_equal(le64toh(head.local), 777);
	assert_int_equal(nr, 0);
}

static void a_fault_becomes_a_record(void **state)
{
	(void)state;
	recording_fault(r, &(struct fault_event){
		.time = START + 5, .page = 0x7f1234567, .entry = AREA_1 + 42,
		.kind = LEAP_TRACE_LATE, .write = true, .tid = SHELL, .pid = 99,
	});
	recording_loaded(r, START + 305, AREA_1 + 42, 1);
	finish();
	assert_int_equal(nr, 1);
	assert_int_equal(le64toh(records[0].time), 5);
	assert_int_equal(le64toh(records[0].page), 0x7f1234567 | LEAP_TRACE_WRITE |
			 (uint64_t)LEAP_TRACE_LATE << LEAP_TRACE_KIND_SHIFT);
	assert_int_equal(wait_of(0), 300);
	assert_int_equal(le32toh(records[0].slot), 42);
	assert_int_equal(le32toh(records[0].thread), SHELL);
	assert_int_equal(le32toh(records[0].process), 99);
	assert_int_equal(r->kinds[LEAP_TRACE_LATE], 1);
}

/* Pages that are read ahead, or for others, are nobody's wait. */
static void only_its_own_page_ends_a_wait(void **state)
{
	(void)state;
	fault(SHELL, 0, 1, 50, LEAP_TRACE_MISS);
	recording_loaded(r, START + 10, 49, 1);
	recording_loaded(r, START + 20, 51, 8);
	recording_loaded(r, START + 30, AREA_1 + 50, 1);
	recording_loaded(r, START + 40, 48, 4);		/* a large folio */
	recording_loaded(r, START + 50, 50, 1);
	fault(SHELL, 60, 2, 51, LEAP_TRACE_HIT);
	recording_loaded(r, START + 70, 51, 1);
	finish();
	assert_int_equal(nr, 2);
	assert_int_equal(wait_of(0), 40);
	assert_int_equal(wait_of(1), 0);
}

/* It was there before we saw the fault; a later read of it is another one. */
static void the_next_fault_ends_a_wait(void **state)
{
	(void)state;
	fault(SHELL, 0, 1, 50, LEAP_TRACE_MISS);
	fault(SHELL, 10, 2, 51, LEAP_TRACE_CACHED);
	recording_loaded(r, START + 20, 50, 1);
	fault(SHELL, 30, 3, 52, LEAP_TRACE_MISS);
	recording_loaded(r, START + 35, 52, 1);
	finish();
	assert_int_equal(wait_of(0), 0);
	assert_int_equal(wait_of(1), 0);
	assert_int_equal(wait_of(2), 5);
}

static void threads_wait_side_by_side(void **state)
{
	(void)state;
	for (int i = 1; i <= 40; i++) {
		recording_fork(r, SHELL, SHELL + i);
		fault(SHELL + i, i, i, i, LEAP_TRACE_MISS);
	}
	fault(SHELL, 41, 7, 7, LEAP_TRACE_LATE);	/* waits with thread 7 */
	for (int i = 40; i; i--)
		recording_loaded(r, START + 1000, i, 1);
	finish();
	assert_int_equal(nr, 41);
	for (int i = 0; i <= 40; i++)
		assert_int_equal(wait_of(i), 999 - i);
}

static void only_what_it_starts_is_recorded(void **state)
{
	(void)state;
	fault(1, 0, 1, 1, LEAP_TRACE_MISS);
	recording_fork(r, SHELL, 101);
	recording_fork(r, 101, 102);
	recording_fork(r, 1, 103);
	fault(101, 1, 1, 1, LEAP_TRACE_MISS);
	fault(102, 2, 1, 1, LEAP_TRACE_MISS);
	fault(103, 3, 1, 1, LEAP_TRACE_MISS);
	recording_fork(r, 1, 101);	/* another thread of that id */
	fault(101, 4, 1, 1, LEAP_TRACE_MISS);
	fault(0, 5, 1, 1, LEAP_TRACE_MISS);
	fault(-1, 6, 1, 1, LEAP_TRACE_MISS);
	fault(INT32_MAX, 7, 1, 1, LEAP_TRACE_MISS);
	finish();
	assert_int_equal(nr, 2);
	assert_int_equal(le32toh(records[0].thread), 101);
	assert_int_equal(le32toh(records[1].thread), 102);
}

/* Waits that end after their records were written, and very long ones. */
static void a_long_recording_is_complete(void **state)
{
	const size_t many = 3 * RECORDING_BATCH + 5;

	(void)state;
	recording_fork(r, SHELL, 101);
	fault(101, 0, 12345, 99999, LEAP_TRACE_MISS);
	for (size_t i = 1; i < many; i++) {
		fault(SHELL, 10 * i, i, i, LEAP_TRACE_MISS);
		recording_loaded(r, START + 10 * i + i % 7, i, 1);
	}
	recording_loaded(r, START + (1ULL << 40), 99999, 1);
	finish();
	assert_int_equal(nr, many);
	assert_int_equal(wait_of(0), UINT32_MAX);
	for (size_t i = 1; i < many; i++) {
		assert_int_equal(le64toh(records[i].page), i);
		assert_int_equal(wait_of(i), i % 7);
	}
}

static void a_clock_that_is_behind_is_no_trouble(void **state)
{
	(void)state;
	recording_fault(r, &(struct fault_event){
		.time = START - 5, .entry = 1, .tid = SHELL });
	recording_loaded(r, START - 9, 1, 1);
	finish();
	assert_int_equal(records[0].time, 0);
	assert_int_equal(wait_of(0), 0);
}

static void errors_are_told_at_the_end(void **state)
{
	(void)state;
	close(r->fd);
	r->fd = open("/dev/full", O_WRONLY);
	assert_true(r->fd >= 0);
	for (size_t i = 0; i < 2 * RECORDING_BATCH; i++)
		fault(SHELL, i, i, i, LEAP_TRACE_MISS);
	assert_int_equal(recording_end(r), -ENOSPC);
}

/* Two processes with the same addresses are two address spaces. */
static void leap_replay_reads_it(void **state)
{
	struct workload w;

	(void)state;
	recording_fork(r, SHELL, 200);
	fault(SHELL, 1000, 5, 1, LEAP_TRACE_MISS);
	recording_loaded(r, START + 1500, 1, 1);
	recording_fault(r, &(struct fault_event){
		.time = START + 1600, .page = 5, .entry = 2,
		.kind = LEAP_TRACE_HIT, .tid = 200, .pid = 200, .write = true });
	fault(SHELL, 1700, 6, 3, LEAP_TRACE_HIT);
	finish();
	assert_true(trace_load(path, &w));
	assert_int_equal(w.nr, 3);
	assert_int_equal(w.threads, 2);
	assert_int_equal(w.processes, 2);
	assert_int_equal(w.local, 777);
	assert_int_equal(w.accesses[0].page, 5);
	assert_int_equal(w.accesses[0].gap, 1000);
	assert_int_equal(w.accesses[1].page, 5 | 1ULL << PROCESS_SHIFT);
	assert_int_equal(w.process_of[w.accesses[1].thread], 1);
	assert_true(w.accesses[1].write);
	assert_int_equal(w.accesses[2].page, 6);
	assert_int_equal(w.accesses[2].gap, 200);
	workload_free(&w);
}

#define test(name) cmocka_unit_test_setup_teardown(name, begin, clean)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_head_says_what_follows),
		test(a_fault_becomes_a_record),
		test(only_its_own_page_ends_a_wait),
		test(the_next_fault_ends_a_wait),
		test(threads_wait_side_by_side),
		test(only_what_it_starts_is_recorded),
		test(a_long_recording_is_complete),
		test(a_clock_that_is_behind_is_no_trouble),
		test(errors_are_told_at_the_end),
		test(leap_replay_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
