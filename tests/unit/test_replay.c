// SPDX-License-Identifier: GPL-2.0
/* leap-replay: its machine, its models on faults known by heart, its files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "leap/uapi/leap_trace.h"
#include "tests/replay/memory.h"
#include "tests/replay/sim.h"

/* A page table begins here, so that the first 512 pages share it. */
#define BASE	(1ULL << 20)

static struct workload w;
static struct sim_result result;

static int start(void **state)
{
	(void)state;
	w = (struct workload){ .name = strdup("test"), .recorded = true };
	return 0;
}

static int end(void **state)
{
	(void)state;
	workload_free(&w);
	return 0;
}

static void add(uint64_t page)
{
	workload_add(&w, &(struct access){ .page = BASE + page });
}

static void add_slot(uint64_t page, uint32_t slot)
{
	workload_add(&w, &(struct access){ .page = BASE + page, .slot = slot });
}

/* On a machine on which only reads take time, and all pages have room. */
static void run(const struct policy *policy)
{
	const struct sim_options o = {
		.latency = 500,
		.page_time = 100,
		.leap = leap_prefetch_defaults,
	};

	sim_run(&w, policy, &o, &result);
}

static void assert_run(const struct policy *policy, uint64_t misses,
		       uint64_t used, uint64_t read_ahead)
{
	run(policy);
	assert_int_equal(result.misses, misses);
	assert_int_equal(result.hits + result.late, used);
	assert_int_equal(result.read_ahead, read_ahead);
}

static void reads_follow_each_other(void **state)
{
	struct link link = { .latency = 500, .page_time = 100 };

	(void)state;
	assert_int_equal(link_demand(&link, 1000), 1500);
	assert_int_equal(link_demand(&link, 1000), 1600);
	assert_int_equal(link_prefetch(&link, 1000), 0);
	assert_int_equal(link_prefetch(&link, 1000), 1);
	assert_int_equal(link_ready(&link, 1, 1000), 1800);
	assert_int_equal(link_ready(&link, 0, 1000), 1700);
	assert_int_equal(link_demand(&link, 5000), 5500);
	assert_int_equal(link_ready(&link, 1, 5000), 1800);
	free(link.reads);
}

static void a_demand_goes_before_prefetches(void **state)
{
	struct link link = { .latency = 500, .page_time = 100 };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(link_prefetch(&link, 1000), i);
	/* The first has begun, the others wait until the demand is through. */
	assert_int_equal(link_demand(&link, 1050), 1600);
	assert_int_equal(link_ready(&link, 0, 1050), 1500);
	assert_int_equal(link_ready(&link, 1, 1050), 1700);
	assert_int_equal(link_ready(&link, 2, 1050), 1800);
	free(link.reads);
}

static void too_many_prefetches_are_refused(void **state)
{
	struct link link = { .latency = 500, .page_time = 100 };

	(void)state;
	for (size_t i = 0; i < LINK_QUEUE; i++)
		assert_int_equal(link_prefetch(&link, 1000), i);
	assert_int_equal(link_prefetch(&link, 1000), LINK_REFUSED);
	assert_int_not_equal(link_prefetch(&link, 1001), LINK_REFUSED);
	free(link.reads);
}

/* The older half of what was filled is away, in the order of its addresses. */
static void memory_begins_filled(void **state)
{
	struct memory m;

	(void)state;
	w.recorded = false;
	w.local = AREA_PAGES;
	add(0);
	add(AREA_PAGES);
	memory_init(&m, &w);
	assert_int_equal(m.nr_pages, 2 * AREA_PAGES);
	for (uint32_t i = 0; i < AREA_PAGES; i++) {
		assert_int_equal(m.pages[i].state, PAGE_AWAY);
		assert_int_equal(m.pages[i].slot, i + 1);
		assert_int_equal(m.pages[AREA_PAGES + i].state, PAGE_MAPPED);
		assert_int_equal(m.pages[AREA_PAGES + i].slot, 0);
	}
	assert_int_equal(m.oldest, AREA_PAGES);
	assert_int_equal(m.newest, 2 * AREA_PAGES - 1);
	assert_int_equal(memory_find(&m, BASE + 5), 5);
	assert_int_equal(memory_find(&m, BASE - 1), NO_PAGE);
	assert_int_equal(memory_find(&m, BASE + 2 * AREA_PAGES), NO_PAGE);
	assert_int_equal(memory_number(&m, AREA_PAGES + 7), BASE + AREA_PAGES + 7);
	memory_exit(&m);
}

/* A slot is kept while the page is clean; a new one is next to the last. */
static void slots_are_handed_out_in_order(void **state)
{
	struct memory m;

	(void)state;
	w.recorded = false;
	w.local = AREA_PAGES;
	add(0);
	add(AREA_PAGES);
	memory_init(&m, &w);
	memory_add(&m, 3, PAGE_MAPPED);
	memory_remove(&m, 3);
	assert_int_equal(m.pages[3].slot, 4);
	memory_add(&m, 3, PAGE_MAPPED);
	memory_free_slot(&m, 3);
	assert_int_equal(m.slots[4], NO_PAGE);
	memory_remove(&m, 3);
	assert_int_equal(m.pages[3].slot, AREA_PAGES + 1);
	memory_remove(&m, AREA_PAGES);
	assert_int_equal(m.pages[AREA_PAGES].slot, AREA_PAGES + 2);
	memory_exit(&m);
}

static void recorded_pages_are_where_they_were(void **state)
{
	struct memory m;

	(void)state;
	add_slot(7, 1000);
	add_slot(3, 1001);
	add_slot(7, 2000);
	memory_init(&m, &w);
	assert_int_equal(m.pages[7].slot, 1000);
	assert_int_equal(m.slots[1001], 3);
	/* The others are in swap, too, but not between these. */
	for (uint32_t i = 0; i < AREA_PAGES; i++)
		if (i != 3 && i != 7)
			assert_in_range(m.pages[i].slot, 1024, m.nr_slots);
	memory_exit(&m);
}

static void without_prefetching_each_page_is_waited_for(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		add(i);
	assert_run(&policy_none, 100, 0, 0);
	assert_int_equal(result.stall, 100 * 500);
	assert_int_equal(result.time, 100 * 500);
	assert_int_equal(result.p50, 500);
}

/* One miss, then eight hits that are read while the first is waited for. */
static void next_n_reads_the_next_pages(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 90; i++)
		add(i);
	assert_run(&policy_next, 10, 80, 80);
	assert_int_equal(result.time, 10 * (500 + 8 * 100));
}

/* The third fault sees the same delta twice. */
static void stride_wants_two_equal_deltas(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5; i++)
		add(5 * i);
	assert_run(&policy_stride, 3, 2, 8);
}

/* 8 pages around the first fault, 3 of them below it, then 8 from each one on. */
static void the_kernel_reads_upwards(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 5 + 8 * 10; i++)
		add(100 + i);
	assert_run(&policy_vma, 1 + 10, 4 + 70, 7 + 70);
}

static void the_kernel_reads_downwards(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 4 + 8 * 10; i++)
		add(500 - i);
	assert_run(&policy_vma, 1 + 10, 3 + 70, 7 + 70);
}

/* 8 pages, of which 3 are below the mapping, then 4, 2 and 1. */
static void the_kernel_knows_no_strides(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 50; i++)
		add(10 * i);
	assert_run(&policy_vma, 50, 0, 4 + 3 + 1);
}

/* The window of the fault on page 508 would go on beyond its page table. */
static void the_kernel_stays_in_a_page_table(void **state)
{
	(void)state;
	for (uint64_t i = 495; i < 524; i++)
		add(i);
	/* 492-499, 500-507, 508-511, then 512-519 and 520-527 */
	assert_run(&policy_vma, 5, 24, 31);
}

/* Blocks of 8 slots; the first two faults are 1 and 2 slots wide. */
static void the_cluster_is_aligned(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		add_slot(37 * i % 512, 64 + i);
	/* 64; 65 with 64, which is here; 66-67 by no hit, 68-71, 72-79, ... */
	run(&policy_cluster);
	assert_int_equal(result.read_ahead, result.hits + result.late);
	assert_in_range(result.misses, 6, 7);
}

static void places_in_swap_are_no_addresses(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		add_slot(i, 1 + 37 * i % 1000);
	assert_run(&policy_cluster, 100, 0, 0);
}

/* Two ways in one history, and prefetches on misses only. */
static void the_paper_has_one_history(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 200; i++) {
		add(i);
		add(5000 + 3 * i);
	}
	assert_run(&policy_paper, 400, 0, 0);
	run(&policy_leap);
	assert_in_range(result.misses, 6, 8);
}

static void memory_that_is_full_drops_what_is_unused(void **state)
{
	(void)state;
	w.local = 16;
	for (uint64_t i = 0; i < 100; i++)
		add(100 * i % 9973);
	run(&policy_next);
	assert_int_equal(result.misses, 100);
	assert_in_range(result.read_ahead, 200, 800);
}

/* Each thread waits for its own page only. */
/* What was there when it was recorded is there for every prefetcher. */
static void a_page_that_was_there_is_no_miss(void **state)
{
	(void)state;
	add(0);
	add(1);
	w.accesses[1].cached = true;
	add(1);
	assert_run(&policy_none, 2, 0, 0);
	assert_int_equal(result.cached, 1);
	assert_int_equal(result.stall, 1000);
}

/* The same addresses in two processes: two histories, and two pages. */
static void processes_are_kept_apart(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 64; i++)
		for (uint32_t process = 0; process < 2; process++)
			workload_add(&w, &(struct access){
				.page = (BASE + (process ? 511 - 3 * i : 2 * i)) |
					(uint64_t)process << PROCESS_SHIFT,
				.thread = process,
			});
	assert_int_equal(w.processes, 2);
	run(&policy_leap);
	assert_int_equal(result.misses + result.hits + result.late, 128);
	assert_true(result.hits + result.late > 100);
}

/* Each fault says that the page had gone, whatever memory there seemed to be. */
static void a_recording_shows_how_much_memory_there_was(void **state)
{
	unsigned short seed[3] = { 1, 2, 3 };

	(void)state;
	w.local = 100000;
	for (uint64_t i = 0; i < 3 * 1500; i++)
		add(i % 1500);
	run(&policy_leap);
	assert_true(result.hits + result.late > 3 * 1500 - 50);
	/* Prefetched pages that nobody wants have to go, too. */
	for (uint64_t i = 0; i < 3 * 1500; i++)
		w.accesses[i].page = BASE + nrand48(seed) % 1500;
	run(&policy_next);
	assert_true(result.read_ahead > 2 * (result.hits + result.late));
}

static void threads_wait_at_the_same_time(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		workload_add(&w, &(struct access){
			.page = BASE + i,
			.thread = i % 4,
		});
	assert_run(&policy_none, 100, 0, 0);
	assert_int_equal(result.stall, 25 * (500 + 600 + 700 + 800) - 24 * 600);
}

static const struct sim_options usual = {
	.latency = 500000,
	.page_time = 145000,
	.hit_time = 10000,
};

static void run_pattern(const char *name, uint32_t local, bool any_victim)
{
	const struct pattern_options pattern = {
		.pages = 8192, .local = local, .passes = 2, .gap = 1000,
	};
	struct sim_options o = usual;

	o.leap = leap_prefetch_defaults;
	o.any_victim = any_victim;
	workload_free(&w);
	assert_true(pattern_make(name, &pattern, &w));
	sim_run(&w, &policy_leap, &o, &result);
}

static void leap_follows_what_can_be_followed(void **state)
{
	static const char * const patterns[] = {
		"sequential", "stride10", "reverse", "interleave2",
		"interleave4", "threads4", "shared4",
	};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(patterns); i++) {
		uint64_t used;

		run_pattern(patterns[i / 2], 50, i % 2);
		used = result.hits + result.late;
		if (used * 100 < result.read_ahead * 95)
			fail_msg("accuracy of %s", w.name);
		if (used * 100 < (used + result.misses) * 95 && !(i % 2))
			fail_msg("coverage of %s", w.name);
		assert_true(used * 100 >= (used + result.misses) * 90);
	}
}

static void leap_leaves_alone_what_cannot(void **state)
{
	static const char * const patterns[] = { "random", "zipf" };

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_SIZE(patterns); i++) {
		uint64_t useless;

		run_pattern(patterns[i / 4], i & 2 ? 25 : 50, i & 1);
		useless = result.read_ahead - result.hits - result.late;
		assert_true(useless * 50 <= result.read_ahead + result.misses);
	}
}

static char path[] = "/tmp/leap-test-replay.XXXXXX";

static int start_file(void **state)
{
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return start(state);
}

static int end_file(void **state)
{
	unlink(path);
	return end(state);
}

static void a_recording_is_what_was_written(void **state)
{
	struct workload back;

	(void)state;
	w.local = 1234;
	for (uint32_t i = 0; i < 1000; i++)
		workload_add(&w, &(struct access){
			.page = BASE + i * i,
			.gap = 10 * i,
			.thread = i % 3,
			.slot = i % 2 ? 7 * i : 0,
			.write = i % 5 == 0,
			.cached = i % 11 == 0,
		});
	assert_true(trace_save(path, &w));
	assert_true(trace_load(path, &back));
	assert_int_equal(back.nr, w.nr);
	assert_int_equal(back.threads, 3);
	assert_int_equal(back.local, 1234);
	assert_true(back.recorded);
	for (size_t i = 0; i < w.nr; i++) {
		const struct access *a = &w.accesses[i], *b = &back.accesses[i];

		assert_int_equal(a->page, b->page);
		assert_int_equal(a->gap, b->gap);
		assert_int_equal(a->thread, b->thread);
		assert_int_equal(a->slot, b->slot);
		assert_int_equal(a->write, b->write);
		assert_int_equal(a->cached, b->cached);
	}
	workload_free(&back);
}

/* Return: the file was read with this put over it at @offset, then cut. */
static bool load_damaged(long offset, uint32_t value, long length)
{
	struct workload back;
	FILE *file;

	assert_true(trace_save(path, &w));
	file = fopen(path, "r+");
	assert_non_null(file);
	assert_int_equal(fseek(file, offset, SEEK_SET), 0);
	assert_int_equal(fwrite(&value, sizeof(value), 1, file), 1);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(truncate(path, length), 0);
	if (!trace_load(path, &back))
		return false;
	workload_free(&back);
	return true;
}

static void a_damaged_recording_is_refused(void **state)
{
	const long head = sizeof(struct leap_trace_header);
	const long record = sizeof(struct leap_trace_record);

	(void)state;
	for (uint64_t i = 0; i < 10; i++)
		add(i);
	assert_true(load_damaged(head, 5, head + 10 * record));
	assert_true(load_damaged(head, 5, head + 9 * record));
	assert_false(load_damaged(0, 5, head + 10 * record));
	assert_false(load_damaged(8, 2, head + 10 * record));
	assert_false(load_damaged(head, 5, head + 9 * record + 1));
	assert_false(load_damaged(head, 5, head));
	assert_false(load_damaged(head, 5, head - 1));
	assert_false(load_damaged(head, 5, 0));
}

static void a_missing_recording_is_an_error(void **state)
{
	struct workload back;

	(void)state;
	unlink(path);
	assert_false(trace_load(path, &back));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define test(name) cmocka_unit_test_setup_teardown(name, start, end)
#define test_file(name) cmocka_unit_test_setup_teardown(name, start_file, end_file)
		test(reads_follow_each_other),
		test(a_demand_goes_before_prefetches),
		test(too_many_prefetches_are_refused),
		test(memory_begins_filled),
		test(slots_are_handed_out_in_order),
		test(recorded_pages_are_where_they_were),
		test(without_prefetching_each_page_is_waited_for),
		test(next_n_reads_the_next_pages),
		test(stride_wants_two_equal_deltas),
		test(the_kernel_reads_upwards),
		test(the_kernel_reads_downwards),
		test(the_kernel_knows_no_strides),
		test(the_kernel_stays_in_a_page_table),
		test(the_cluster_is_aligned),
		test(places_in_swap_are_no_addresses),
		test(the_paper_has_one_history),
		test(memory_that_is_full_drops_what_is_unused),
		test(a_page_that_was_there_is_no_miss),
		test(processes_are_kept_apart),
		test(a_recording_shows_how_much_memory_there_was),
		test(threads_wait_at_the_same_time),
		test(leap_follows_what_can_be_followed),
		test(leap_leaves_alone_what_cannot),
		test_file(a_recording_is_what_was_written),
		test_file(a_damaged_recording_is_refused),
		test_file(a_missing_recording_is_an_error),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
