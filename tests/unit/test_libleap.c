// SPDX-License-Identifier: GPL-2.0
/* libleap on a fake /sys/kernel/mm/leap. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_sysfs.h"
#include "syscalls/libleap.h"

/* No function of the library may touch errno. */
#define assert_returns(call, want) do {			\
	int ret_;					\
							\
	errno = 4711;					\
	ret_ = (call);					\
	assert_int_equal(errno, 4711);			\
	assert_int_equal(ret_, want);			\
} while (0)

static void commands_write_what_the_kernel_reads(void **state)
{
	(void)state;
	assert_returns(leap_attach(123), 0);
	assert_string_equal(fake_read("attach"), "123");
	assert_returns(leap_detach(2147483647), 0);
	assert_string_equal(fake_read("detach"), "2147483647");
	fake_write("attach", "");
	assert_returns(leap_detach_all(), 0);
	assert_string_equal(fake_read("attach"), "0");
	assert_returns(leap_session_destroy(false), 0);
	assert_string_equal(fake_read("destroy"), "1");
	assert_returns(leap_session_destroy(true), 0);
	assert_string_equal(fake_read("destroy"), "force");
	assert_returns(leap_session_add("[::1]:9400"), 0);
	assert_string_equal(fake_read("servers/add"), "[::1]:9400");
	assert_returns(leap_session_remove("64M"), 0);
	assert_string_equal(fake_read("servers/remove"), "64M");
	fake_write("servers/add", "");
	assert_returns(leap_session_add(""), 0);
	assert_string_equal(fake_read("servers/add"), "\n");
}

/* 0 would detach every process, so it must not get through. */
static void no_pid_reaches_the_kernel_but_a_positive_one(void **state)
{
	static const pid_t bad[] = { 0, -1, -2147483647 - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_returns(leap_attach(bad[i]), -EINVAL);
		assert_returns(leap_detach(bad[i]), -EINVAL);
	}
	assert_string_equal(fake_read("attach"), "");
	assert_string_equal(fake_read("detach"), "");
}

static void a_refused_write_gives_its_errno(void **state)
{
	char path[128];

	(void)state;
	fake_path(path, sizeof(path), "attach");
	assert_int_equal(remove(path), 0);
	assert_int_equal(symlink("/dev/full", path), 0);
	assert_returns(leap_attach(1), -ENOSPC);
}

static void without_the_module_everything_is_enodev(void **state)
{
	struct leap_session session;
	struct leap_prefetch prefetch;
	struct leap_numbers numbers;
	struct leap_process *list;
	char text[16];

	(void)state;
	leap_sysfs_root = "/nonexistent/leap";
	assert_returns(leap_attach(1), -ENODEV);
	assert_returns(leap_detach(1), -ENODEV);
	assert_returns(leap_detach_all(), -ENODEV);
	assert_returns(leap_session_destroy(false), -ENODEV);
	assert_returns(leap_session_add("64M"), -ENODEV);
	assert_returns(leap_session_remove("64M"), -ENODEV);
	assert_returns(leap_session(&session), -ENODEV);
	assert_returns(leap_totals(&numbers), -ENODEV);
	assert_returns(leap_prefetch_on(0), -ENODEV);
	assert_returns(leap_prefetch(&prefetch), -ENODEV);
	assert_returns(leap_processes(&list), -ENODEV);
	assert_returns(leap_last_error(text, sizeof(text)), -ENODEV);
}

/* The machine that runs unit tests has no such call. */
static void a_stock_kernel_says_enosys(void **state)
{
	(void)state;
	assert_returns(is_session_create("dram://1,64M"), -ENOSYS);
}

static void no_session_is_an_empty_portal(void **state)
{
	struct leap_session session;

	(void)state;
	memset(&session, 0x55, sizeof(session));
	assert_returns(leap_session(&session), 0);
	assert_string_equal(session.portal, "");
	assert_int_equal(session.servers, 0);
}

static void session_lines_are_read_in_any_order(void **state)
{
	struct leap_session session;

	(void)state;
	fake_write("session", "servers 2\nnew_key some thing\nslab_bytes 1073741824\n"
		   "portal rdma://2,[::1]:9400,10.0.0.3:9400?backup=disk\n"
		   "timeout_ms 4294967296\ntransport rdma\nmissing_copies 7\nreplicas 3\nbackup disk\nverify 1\n");
	assert_returns(leap_session(&session), 0);
	assert_string_equal(session.portal,
			    "rdma://2,[::1]:9400,10.0.0.3:9400?backup=disk");
	assert_string_equal(session.transport, "rdma");
	assert_int_equal(session.slab_bytes, 1073741824);
	assert_int_equal(session.timeout_ms, 4294967296);
	assert_int_equal(session.servers, 2);
	assert_int_equal(session.replicas, 3);
	assert_int_equal(session.missing_copies, 7);
	assert_true(session.backup);
	assert_true(session.verify);
	fake_write("session", "portal dram://1,64M\nbackup none\nverify 0\n");
	assert_returns(leap_session(&session), 0);
	assert_false(session.backup);
	assert_false(session.verify);
}

static void the_longest_portal_fits(void **state)
{
	static char text[LEAP_PORTAL_MAX + 64];
	struct leap_session session;

	(void)state;
	strcpy(text, "portal ");
	memset(text + 7, 'x', LEAP_PORTAL_MAX - 1);
	strcpy(text + 7 + LEAP_PORTAL_MAX - 1, "\nservers 1\n");
	fake_write("session", text);
	assert_returns(leap_session(&session), 0);
	assert_int_equal(strlen(session.portal), LEAP_PORTAL_MAX - 1);
	assert_int_equal(session.servers, 1);
}

static void each_counter_lands_in_its_field(void **state)
{
	struct leap_numbers n;

	(void)state;
	assert_returns(leap_totals(&n), 0);
	assert_int_equal(n.stat.stored_pages, 100);
	assert_int_equal(n.stat.loaded_pages, 101);
	assert_int_equal(n.stat.freed_pages, 102);
	assert_int_equal(n.stat.failed_stores, 103);
	assert_int_equal(n.stat.failed_loads, 104);
	assert_int_equal(n.stat.refused_stores, 105);
	assert_int_equal(n.stat.inflight_stores, 106);
	assert_int_equal(n.stat.inflight_loads, 107);
	assert_int_equal(n.stat.stored_bytes, 108);
	assert_int_equal(n.stat.loaded_bytes, 109);
	assert_int_equal(n.stat.remote_pages, 110);
	assert_int_equal(n.stat.slabs, 111);
	assert_int_equal(n.stat.slab_bytes, 112);
	assert_int_equal(n.stat.recalled_slabs, 119);
	assert_int_equal(n.stat.retiring_slabs, 120);
	assert_int_equal(n.stat.moved_pages, 121);
	assert_int_equal(n.stat.corrupt_pages, 122);
	assert_int_equal(n.stat.retried_loads, 123);
	assert_int_equal(n.stat.rebuilt_pages, 124);
	assert_int_equal(n.stat.backup_written_pages, 125);
	assert_int_equal(n.stat.backup_read_pages, 126);
	assert_int_equal(n.stat.failed_backups, 127);
	assert_int_equal(n.load.bucket[12], 90);
	assert_int_equal(n.load.bucket[20], 10);
	assert_int_equal(n.store.bucket[0], 7);
	assert_int_equal(n.store.bucket[LEAP_HIST_BUCKETS - 1], 0);
}

/* A newer module may add, an older one may lack. */
static void unknown_and_missing_numbers_do_no_harm(void **state)
{
	struct leap_numbers n;

	(void)state;
	fake_write("stat", "prefetched_pages 5\nstored_pages 99999999999999999999\n"
		   "stored_pages_more 6\nloaded_pages\n");
	fake_write("load_hist", "1 2 3");
	fake_write("store_hist", "");
	memset(&n, 0x55, sizeof(n));
	assert_returns(leap_totals(&n), 0);
	assert_true(n.stat.stored_pages == UINT64_MAX);
	assert_int_equal(n.stat.loaded_pages, 0);
	assert_int_equal(n.stat.slab_bytes, 0);
	assert_int_equal(n.load.bucket[2], 3);
	assert_int_equal(n.load.bucket[3], 0);
	assert_int_equal(n.store.bucket[0], 0);
}

static void servers_come_in_the_portals_order(void **state)
{
	struct leap_server *servers = (void *)1;

	(void)state;
	assert_returns(leap_servers(&servers), 0);
	assert_null(servers);

	fake_server(0, "10.0.0.2:9400\n", "live\n");
	fake_server(1, "[fe80::1]:9400\n", "dead\n");
	assert_returns(leap_servers(&servers), 2);
	assert_string_equal(servers[0].address, "10.0.0.2:9400");
	assert_string_equal(servers[0].state, "live");
	assert_int_equal(servers[0].n.stat.stored_pages, 1000);
	assert_string_equal(servers[1].address, "[fe80::1]:9400");
	assert_string_equal(servers[1].state, "dead");
	assert_int_equal(servers[1].n.stat.slab_bytes, 2012);
	free(servers);
}

/* A place whose server was removed is empty until another one is added. */
static void empty_places_are_passed_over(void **state)
{
	struct leap_server *servers;

	(void)state;
	fake_server(1, "10.0.0.3:9400\n", "draining-reconnecting\n");
	fake_server(63, "10.0.0.4:9400\n", "up\n");
	assert_returns(leap_servers(&servers), 2);
	assert_int_equal(servers[0].index, 1);
	assert_string_equal(servers[0].state, "draining-reconnecting");
	assert_int_equal(servers[0].free_bytes, 1048576);
	assert_int_equal(servers[0].losses, 3);
	assert_int_equal(servers[1].index, 63);
	assert_int_equal(servers[1].n.stat.stored_pages, 64000);
	free(servers);
}

/* The session ends while its servers are read. */
static void a_server_that_is_half_gone_is_left_out(void **state)
{
	struct leap_server *servers;
	char path[128];

	(void)state;
	fake_server(0, "10.0.0.2:9400\n", "live\n");
	fake_server(1, "10.0.0.3:9400\n", "closed\n");
	fake_path(path, sizeof(path), "servers/1/store_hist");
	assert_int_equal(remove(path), 0);
	assert_returns(leap_servers(&servers), 1);
	free(servers);
}

static void processes_are_read_from_padded_lines(void **state)
{
	struct leap_process *list = (void *)1;
	static char text[128 * 4 + 1];

	(void)state;
	assert_returns(leap_processes(&list), 0);
	assert_null(list);

	/* Pid 0 is that of a process that is exiting. */
	snprintf(text, sizeof(text), "%-127s\n%-127s\n%-127s\n%-127s\n",
		 "1 systemd 1 2 3 4 5 6", "0 - 1 2 3 4 5 6",
		 "4194304 tmux:_server 0 18446744073709551615 0 0 0 0",
		 "77 7 1 0 0 0 0 9");
	fake_write("processes", text);
	fake_write("prefetch/processes", "5 gone 1 1 1 1 1 1 1   \n77 7 1 2 3 4 5 6 7  \n");
	assert_returns(leap_processes(&list), 3);
	assert_int_equal(list[0].pid, 1);
	assert_string_equal(list[0].comm, "systemd");
	assert_true(list[0].attached);
	assert_int_equal(list[0].stored, 2);
	assert_int_equal(list[0].loaded, 3);
	assert_int_equal(list[0].freed, 4);
	assert_int_equal(list[0].failed, 5);
	assert_int_equal(list[0].remote, 6);
	assert_int_equal(list[1].pid, 4194304);
	assert_string_equal(list[1].comm, "tmux:_server");
	assert_false(list[1].attached);
	assert_true(list[1].stored == UINT64_MAX);
	assert_string_equal(list[2].comm, "7");
	assert_int_equal(list[2].remote, 9);
	assert_false(list[0].prefetch);
	assert_true(list[2].prefetch);
	assert_int_equal(list[2].faults.faults, 2);
	assert_int_equal(list[2].faults.misses, 3);
	assert_int_equal(list[2].faults.hits, 4);
	assert_int_equal(list[2].faults.late, 5);
	assert_int_equal(list[2].faults.issued, 6);
	assert_int_equal(list[2].faults.unused, 7);
	free(list);
}

static void the_prefetchers_settings_and_counters_are_read(void **state)
{
	struct leap_prefetch p;

	(void)state;
	assert_returns(leap_prefetch(&p), 0);
	assert_true(p.enabled);
	assert_false(p.buffer_active);
	assert_int_equal(p.history, 32);
	assert_int_equal(p.split, 8);
	assert_int_equal(p.window, 8);
	assert_int_equal(p.buffer, 1024);
	assert_int_equal(p.faults.faults, 113);
	assert_int_equal(p.faults.misses, 114);
	assert_int_equal(p.faults.hits, 115);
	assert_int_equal(p.faults.late, 116);
	assert_int_equal(p.faults.issued, 117);
	assert_int_equal(p.faults.unused, 118);
}

static void the_prefetcher_is_switched_for_all_or_one(void **state)
{
	(void)state;
	assert_returns(leap_prefetch_off(0), 0);
	assert_string_equal(fake_read("prefetch/enabled"), "0");
	assert_returns(leap_prefetch_on(0), 0);
	assert_string_equal(fake_read("prefetch/enabled"), "1");
	assert_returns(leap_prefetch_on(12), 0);
	assert_string_equal(fake_read("prefetch/on"), "12");
	assert_returns(leap_prefetch_off(13), 0);
	assert_string_equal(fake_read("prefetch/off"), "13");
	assert_returns(leap_prefetch_off(-1), -EINVAL);
	assert_returns(leap_prefetch_tune("window", 16), 0);
	assert_string_equal(fake_read("prefetch/window"), "16");
}

static void as_many_processes_as_there_can_be(void **state)
{
	const int count = 65534;
	char *text = malloc(count * 128 + 1), *at = text;
	struct leap_process *list;

	(void)state;
	for (int i = 1; i <= count; i++)
		at += sprintf(at, "%7d %-30s 1 1 1 1 1 %-75d\n", i, "x", i);
	fake_write("processes", text);
	free(text);
	assert_returns(leap_processes(&list), count);
	assert_int_equal(list[count - 1].pid, count);
	assert_int_equal(list[count - 1].remote, count);
	free(list);
}

static void a_line_that_is_no_process_is_eproto(void **state)
{
	static const char *const bad[] = {
		"nonsense\n", "\n", "1 x 1 1 1 1 1\n", "1 x 1 1 1 1 1 1\n1\n",
	};
	struct leap_process *list;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		fake_write("processes", bad[i]);
		assert_returns(leap_processes(&list), -EPROTO);
	}
}

static void the_last_error_is_one_line_that_fits(void **state)
{
	char text[16];

	(void)state;
	assert_returns(leap_last_error(text, sizeof(text)), 0);
	assert_string_equal(text, "");
	fake_write("last_error", "no such host\n");
	assert_returns(leap_last_error(text, sizeof(text)), 0);
	assert_string_equal(text, "no such host");
	fake_write("last_error", "a sentence that is longer than the room\n");
	assert_returns(leap_last_error(text, sizeof(text)), 0);
	assert_string_equal(text, "a sentence that");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(commands_write_what_the_kernel_reads),
		TEST(no_pid_reaches_the_kernel_but_a_positive_one),
		TEST(a_refused_write_gives_its_errno),
		TEST(without_the_module_everything_is_enodev),
		TEST(a_stock_kernel_says_enosys),
		TEST(no_session_is_an_empty_portal),
		TEST(session_lines_are_read_in_any_order),
		TEST(the_longest_portal_fits),
		TEST(each_counter_lands_in_its_field),
		TEST(unknown_and_missing_numbers_do_no_harm),
		TEST(servers_come_in_the_portals_order),
		TEST(empty_places_are_passed_over),
		TEST(a_server_that_is_half_gone_is_left_out),
		TEST(processes_are_read_from_padded_lines),
		TEST(as_many_processes_as_there_can_be),
		TEST(the_prefetchers_settings_and_counters_are_read),
		TEST(the_prefetcher_is_switched_for_all_or_one),
		TEST(a_line_that_is_no_process_is_eproto),
		TEST(the_last_error_is_one_line_that_fits),
	};

	return cmocka_run_group_tests_name("libleap", tests, NULL, NULL);
}
