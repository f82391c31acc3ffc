// SPDX-License-Identifier: GPL-2.0
/* leapctl on a fake /sys/kernel/mm/leap: exit codes, sentences and numbers. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "fake_sysfs.h"
#include "leap/policy/errors.h"
#include "syscalls/leapctl.h"

#define ARGS_MAX	8

/* So long may one command take on a busy machine. */
#define SECONDS_MAX	30

static char out[65536], err[4096];

static void read_back(FILE *from, char *text, size_t size)
{
	size_t n;

	rewind(from);
	n = fread(text, 1, size - 1, from);
	text[n] = '\0';
	fclose(from);
}

static int words_of(char *line, char **words)
{
	int n = 0;

	while (n < ARGS_MAX - 1 && (words[n] = strsep(&line, " ")))
		n++;
	words[n] = NULL;
	return n;
}

static FILE *to_out, *to_err;

/* In a child, because some commands do not return. Nothing may take long. */
static pid_t leapctl_start(const char *line)
{
	char copy[256], *words[ARGS_MAX];
	pid_t pid;
	int n, code;

	to_out = tmpfile();
	to_err = tmpfile();
	assert_true(to_out && to_err);
	strcpy(copy, line);
	n = words_of(copy, words);
	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	dup2(fileno(to_out), 1);
	dup2(fileno(to_err), 2);
	alarm(SECONDS_MAX);
	code = leapctl(n, words);
	fflush(NULL);
	_exit(code);
}

/* Fills @out and @err; returns the wait status. */
static int leapctl_end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	read_back(to_out, out, sizeof(out));
	read_back(to_err, err, sizeof(err));
	return status;
}

static int leapctl_code(const char *line)
{
	int status = leapctl_end(leapctl_start(line));

	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int lines_in(FILE *file)
{
	char text[4096];
	ssize_t n = pread(fileno(file), text, sizeof(text), 0);
	int lines = 0;

	while (n > 0)
		lines += text[--n] == '\n';
	return lines;
}

/* For a command that goes on for ever: ends it when it has printed so much. */
static void leapctl_lines(const char *line, int lines)
{
	pid_t pid = leapctl_start(line);
	int status;

	for (int ms = 0; ms < 1000 * SECONDS_MAX && lines_in(to_out) < lines; ms++)
		usleep(1000);
	kill(pid, SIGTERM);
	status = leapctl_end(pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static void a_wrong_command_line_is_2_and_says_how(void **state)
{
	static const char *const lines[] = {
		"leapctl", "leapctl sess", "leapctl session", "leapctl session sho",
		"leapctl session create", "leapctl session create a b",
		"leapctl session create --x a", "leapctl session show x",
		"leapctl session add", "leapctl session add a b",
		"leapctl session add --x a", "leapctl session remove",
		"leapctl session remove --no-wait", "leapctl session remove a b",
		"leapctl session show --jso=n",
		"leapctl session destroy 1", "leapctl session destroy --forced",
		"leapctl attach", "leapctl attach x", "leapctl attach 0",
		"leapctl attach -1", "leapctl attach 1x", "leapctl attach 99999999999",
		"leapctl attach 1 x", "leapctl detach", "leapctl detach --all 1",
		"leapctl detach ", "leapctl run", "leapctl run --", "leapctl run -x a",
		"leapctl stat x", "leapctl stat -i", "leapctl stat -i 0",
		"leapctl stat -i -1", "leapctl stat -i 1s", "leapctl stat -i nan",
		"leapctl stat -i 1e9", "leapctl stat --jso=n", "leapctl --json",
		"leapctl prefetch", "leapctl prefetch up", "leapctl prefetch on x",
		"leapctl prefetch on --pid 0", "leapctl prefetch on --history",
		"leapctl prefetch off --window 1", "leapctl prefetch show --split 1",
		"leapctl prefetch on --window x", "leapctl prefetch on --window -1",
		"leapctl record", "leapctl record --", "leapctl record -o",
		"leapctl record -x a", "leapctl record -b 0 true",
		"leapctl record -b 1x true", "leapctl record --buffer -1 true",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (leapctl_code(lines[i]) != EXIT_USAGE)
			fail_msg("not refused: %s", lines[i]);
		assert_says(err, "usage: leapctl");
		assert_string_equal(out, "");
	}
	assert_string_equal(fake_read("attach"), "");
	assert_string_equal(fake_read("detach"), "");
	assert_string_equal(fake_read("destroy"), "");
	assert_string_equal(fake_read("prefetch/enabled"), "1");
	assert_string_equal(fake_read("prefetch/window"), "8");
	assert_string_equal(fake_read("servers/add"), "");
	assert_string_equal(fake_read("servers/remove"), "");
}

static void help_is_no_error(void **state)
{
	(void)state;
	assert_int_equal(leapctl_code("leapctl --help"), 0);
	assert_says(out, "session create");
	assert_int_equal(leapctl_code("leapctl session destroy --help"), 0);
	assert_string_equal(out, "usage: leapctl session destroy [--force]\n");
	assert_int_equal(leapctl_code("leapctl run -h"), 0);
	assert_string_equal(err, "");
}

static void commands_reach_the_kernel(void **state)
{
	(void)state;
	assert_int_equal(leapctl_code("leapctl attach 123"), 0);
	assert_string_equal(fake_read("attach"), "123");
	assert_int_equal(leapctl_code("leapctl detach -- 45"), 0);
	assert_string_equal(fake_read("detach"), "45");
	fake_write("attach", "");
	assert_int_equal(leapctl_code("leapctl detach --all"), 0);
	assert_string_equal(fake_read("attach"), "0");
	assert_int_equal(leapctl_code("leapctl session destroy"), 0);
	assert_string_equal(fake_read("destroy"), "1");
	assert_int_equal(leapctl_code("leapctl session destroy --force"), 0);
	assert_string_equal(fake_read("destroy"), "force");
	assert_int_equal(leapctl_code("leapctl session add 10.0.0.4:9400"), 0);
	assert_string_equal(fake_read("servers/add"), "10.0.0.4:9400");
	assert_int_equal(leapctl_code("leapctl session remove --no-wait 10.0.0.2:9400"), 0);
	assert_string_equal(fake_read("servers/remove"), "10.0.0.2:9400");
	assert_int_equal(leapctl_code("leapctl prefetch off"), 0);
	assert_string_equal(fake_read("prefetch/enabled"), "0");
	assert_int_equal(leapctl_code("leapctl prefetch on --history 16 --window 4"), 0);
	assert_string_equal(fake_read("prefetch/enabled"), "1");
	assert_string_equal(fake_read("prefetch/history"), "16");
	assert_string_equal(fake_read("prefetch/window"), "4");
	assert_string_equal(fake_read("prefetch/split"), "8");
	assert_int_equal(leapctl_code("leapctl prefetch on --pid 12"), 0);
	assert_string_equal(fake_read("prefetch/on"), "12");
	assert_int_equal(leapctl_code("leapctl prefetch off --pid 13"), 0);
	assert_string_equal(fake_read("prefetch/off"), "13");
	assert_string_equal(out, "");
	assert_string_equal(err, "");
}

static void a_stock_kernel_is_named_as_such(void **state)
{
	(void)state;
	assert_int_equal(leapctl_code("leapctl session create dram://1,64M"), 1);
	assert_says(err, "leapctl: cannot create the session: this kernel lacks the Leap patches");
	leap_sysfs_root = "/nonexistent/leap";
	assert_int_equal(leapctl_code("leapctl attach 1"), 1);
	assert_says(err, "cannot attach process 1: this kernel lacks the Leap patches");
	assert_int_equal(leapctl_code("leapctl stat"), 1);
	assert_says(err, "this kernel lacks the Leap patches");
	assert_int_equal(leapctl_code("leapctl session show"), 1);
	assert_int_equal(leapctl_code("leapctl run -- true"), 1);
	assert_says(err, "cannot attach true, which was not started");
}

static void refuse(const char *name)
{
	char path[128];

	fake_path(path, sizeof(path), name);
	assert_int_equal(remove(path), 0);
	assert_int_equal(symlink("/dev/full", path), 0);
}

static void the_kernels_sentence_comes_first(void **state)
{
	(void)state;
	refuse("attach");
	fake_write("last_error", "attach 5: 65534 processes are attached; detach some\n");
	assert_int_equal(leapctl_code("leapctl attach 5"), 1);
	assert_string_equal(err,
		"leapctl: attach 5: 65534 processes are attached; detach some\n");
	/* Also for the second of two, which fail one by one. */
	assert_int_equal(leapctl_code("leapctl attach 5 5"), 1);
	assert_string_equal(err,
		"leapctl: attach 5: 65534 processes are attached; detach some\n"
		"leapctl: attach 5: 65534 processes are attached; detach some\n");
}

static void without_one_the_errno_has_a_sentence(void **state)
{
	(void)state;
	refuse("attach");
	assert_int_equal(leapctl_code("leapctl attach 5"), 1);
	assert_says(err, "leapctl: cannot attach process 5: ");
	assert_says(err, leap_strerror(-ENOSPC));
}

static void run_has_the_status_of_its_command(void **state)
{
	char pid[16];

	(void)state;
	assert_int_equal(leapctl_code("leapctl run -- sh -c exit\t7"), 7);
	assert_int_equal(leapctl_code("leapctl run true"), 0);
	/* The pid that is attached is the one that the command then has. */
	fake_write("attach", "");
	assert_int_equal(leapctl_code("leapctl run -- sh -c echo\t$$"), 0);
	snprintf(pid, sizeof(pid), "%s\n", fake_read("attach"));
	assert_string_equal(out, pid);
	assert_int_equal(leapctl_code("leapctl run -- /nonexistent/x"), 127);
	assert_says(err, "cannot run /nonexistent/x: No such file");
	assert_int_equal(leapctl_code("leapctl run -- /etc/passwd"), 126);
	assert_says(err, "cannot run /etc/passwd: Permission denied");
	/* Options behind the command are the command's. */
	assert_int_equal(leapctl_code("leapctl run echo --json -i"), 0);
	assert_string_equal(out, "--json -i\n");
}

static void nothing_runs_that_is_not_attached(void **state)
{
	(void)state;
	refuse("attach");
	assert_int_equal(leapctl_code("leapctl run -- echo started"), 1);
	assert_string_equal(out, "");
	assert_says(err, "cannot attach echo, which was not started");
}

static void two_servers_and_two_processes(void)
{
	fake_write("session", "portal rdma://2,10.0.0.2:9400,10.0.0.3:9400\n"
		   "transport rdma\nslab_bytes 67108864\ntimeout_ms 5000\nservers 2\n"
		   "replicas 2\nmissing_copies 17\nbackup disk\nverify 1\n");
	fake_server(0, "10.0.0.2:9400\n", "up\n");
	fake_server(1, "10.0.0.3:9400\n", "lost\n");
	fake_write("processes", "12 sort 1 2 3 4 5 6    \n13 caf\xe9 0 7 8 9 10 11  \n");
}

static json_int_t number_at(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("no number %s in the JSON", key);
	return json_integer_value(value);
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *all = json_loads(text, 0, &error);

	if (!all)
		fail_msg("no JSON: %s in %s", error.text, text);
	return all;
}

static void session_show_says_what_there_is(void **state)
{
	(void)state;
	assert_int_equal(leapctl_code("leapctl session show"), 1);
	assert_says(err, "no session; leapctl session create");
	two_servers_and_two_processes();
	assert_int_equal(leapctl_code("leapctl session show"), 0);
	assert_says(out, "portal     rdma://2,10.0.0.2:9400,10.0.0.3:9400\n");
	assert_says(out, "slab       64 MiB\n");
	assert_says(out, "timeout    5000 ms\n");
	assert_says(out, "copies     2 of each page; 17 are missing now\n");
	assert_says(out, "backup     disk\n");
	assert_says(out, "checksums  CRC32c of each page\n");
	assert_says(out, "10.0.0.3:9400");
	assert_says(out, "lost");
	/* Lent are 1012 and 2012 bytes, 1 MiB is free at each; 1010 pages are used. */
	assert_says(out, "  0   10.0.0.2:9400            up             1.001 MiB     1012 B  3.945 MiB      3     2007\n");
}

static void session_show_says_it_in_json(void **state)
{
	json_t *all, *servers;

	(void)state;
	two_servers_and_two_processes();
	assert_int_equal(leapctl_code("leapctl session show --json"), 0);
	all = parse(out);
	assert_int_equal(number_at(all, "slab_bytes"), 67108864);
	servers = json_object_get(all, "servers");
	assert_int_equal(json_array_size(servers), 2);
	servers = json_array_get(servers, 1);
	assert_int_equal(number_at(servers, "index"), 1);
	assert_int_equal(number_at(servers, "capacity_bytes"), 2012 + 1048576);
	assert_int_equal(number_at(servers, "lent_bytes"), 2012);
	assert_int_equal(number_at(servers, "used_bytes"), 2010 * sysconf(_SC_PAGESIZE));
	assert_int_equal(number_at(servers, "losses"), 3);
	assert_int_equal(number_at(servers, "failed_loads"), 2004);
	assert_string_equal(json_string_value(json_object_get(servers, "state")), "lost");
	json_decref(all);
}

/* Starts it, and returns when it waits. */
static pid_t removal(const char *line)
{
	pid_t pid = leapctl_start(line);

	for (int ms = 0; ms < 1000 * SECONDS_MAX && lines_in(to_out) < 1; ms++)
		usleep(1000);
	return pid;
}

static void remove_waits_until_the_server_is_gone(void **state)
{
	pid_t pid;

	(void)state;
	two_servers_and_two_processes();
	fake_write("servers/1/state", "draining\n");
	pid = removal("leapctl session remove 10.0.0.3:9400");
	usleep(300000);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	fake_server_gone(1);
	assert_int_equal(leapctl_end(pid), 0);
	assert_string_equal(out, "10.0.0.3:9400: 7.852 MiB in 2011 slabs left, draining\n");
	assert_string_equal(fake_read("servers/remove"), "10.0.0.3:9400");
	/* One that is as it was has been added anew. */
	assert_int_equal(leapctl_code("leapctl session remove 10.0.0.2:9400"), 0);
	assert_string_equal(out, "");
}

static void remove_can_be_interrupted(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	fake_write("session", "portal rdma://1,[::1]:9400\ntransport rdma\n");
	fake_server(4, "[::1]:9400\n", "draining-lost\n");
	/* It is the same server, however it is written. */
	pid = removal("leapctl session remove [0:0::0:1]:9400");
	kill(pid, SIGINT);
	status = leapctl_end(pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	assert_says(err, "goes when nothing is left on it");
	assert_says(out, "draining-lost");
}

static void a_server_that_is_refused_has_the_kernels_sentence(void **state)
{
	(void)state;
	refuse("servers/add");
	fake_write("last_error", "the session has 64 servers\n");
	assert_int_equal(leapctl_code("leapctl session add 10.0.0.9:9400"), 1);
	assert_string_equal(err, "leapctl: the session has 64 servers\n");
	refuse("servers/remove");
	fake_write("last_error", "");
	assert_int_equal(leapctl_code("leapctl session remove 10.0.0.9:9400"), 1);
	assert_says(err, "leapctl: cannot remove the server: ");
}

static void stat_shows_every_number(void **state)
{
	(void)state;
	assert_int_equal(leapctl_code("leapctl stat"), 0);
	assert_says(out, "session none\n");
	two_servers_and_two_processes();
	assert_int_equal(leapctl_code("leapctl stat"), 0);
	assert_says(out, "session rdma://2,");
	assert_says(out, "server 0 10.0.0.2:9400 up\n");
	assert_says(out, "server 1 10.0.0.3:9400 lost\n");
	/* Totals are 100 to 112, those of the servers 1000 to 1012 and so on. */
	for (int base = 100; base <= 2000; base = base == 100 ? 1000 : base + 1000)
		for (int i = 0; i < 13; i++) {
			char number[16];

			if (i == 8 || i == 9 || i == 12)
				continue;	/* bytes, shown with a unit */
			snprintf(number, sizeof(number), "%d ", base + i);
			assert_says(out, number);
		}
	assert_says(out, "100 pages  108 B\n");
	assert_says(out, "125 pages written, 126 read, 127 failed\n");
	assert_says(out, "sort");
	assert_says(out, "FAILED");
	assert_string_equal(err, "");
}

static void prefetch_show_says_with_what_success(void **state)
{
	(void)state;
	two_servers_and_two_processes();
	fake_write("prefetch/processes", "12 sort 1 110 10 80 20 125 25  \n");
	assert_int_equal(leapctl_code("leapctl prefetch show"), 0);
	assert_says(out, "prefetch   on\n");
	assert_says(out, "process 13 caf");
	assert_int_equal(leapctl_code("leapctl prefetch show --pid 12"), 0);
	assert_says(out, "process 12 sort, prefetch on\n");
	assert_says(out, "accuracy 80.0 %  coverage 90.9 %  timeliness 80.0 %\n");
	assert_null(strstr(out, "process 13"));
	assert_int_equal(leapctl_code("leapctl prefetch show --pid 14"), 1);
	assert_says(err, "process 14 is not attached");
}

static void json_has_every_number(void **state)
{
	json_t *all, *total, *load, *servers, *process;

	(void)state;
	two_servers_and_two_processes();
	assert_int_equal(leapctl_code("leapctl stat --json"), 0);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	all = parse(out);
	assert_int_equal(number_at(json_object_get(all, "session"), "slab_bytes"),
			 67108864);
	total = json_object_get(all, "total");
	assert_int_equal(number_at(total, "stored_pages"), 100);
	assert_int_equal(number_at(total, "refused_stores"), 105);
	assert_int_equal(number_at(total, "slab_bytes"), 112);
	assert_int_equal(number_at(total, "backup_written_pages"), 125);
	assert_int_equal(number_at(total, "backup_read_pages"), 126);
	assert_int_equal(number_at(total, "failed_backups"), 127);
	assert_string_equal(json_string_value(json_object_get(
		json_object_get(all, "session"), "backup")), "disk");
	assert_true(json_is_true(json_object_get(json_object_get(all, "session"), "verify")));
	load = json_object_get(total, "load_latency");
	assert_int_equal(number_at(load, "count"), 100);
	assert_in_range(number_at(load, "p50_ns"), 1 << 12, 1 << 13);
	assert_in_range(number_at(load, "p99_ns"), 1 << 20, 1 << 21);
	assert_int_equal(json_array_size(json_object_get(load, "buckets")),
			 LEAP_HIST_BUCKETS);
	servers = json_object_get(all, "servers");
	assert_int_equal(json_array_size(servers), 2);
	assert_int_equal(number_at(json_array_get(servers, 1), "slab_bytes"), 2012);
	assert_string_equal(json_string_value(json_object_get(
		json_array_get(servers, 1), "state")), "lost");
	process = json_array_get(json_object_get(all, "processes"), 1);
	assert_string_equal(json_string_value(json_object_get(process, "comm")),
			    "caf?");
	assert_true(json_is_false(json_object_get(process, "attached")));
	assert_int_equal(number_at(process, "remote"), 11);
	assert_int_equal(number_at(json_object_get(all, "prefetch"), "unused"), 118);
	assert_null(json_object_get(all, "rates"));
	json_decref(all);
}

static void json_without_a_session(void **state)
{
	json_t *all;

	(void)state;
	assert_int_equal(leapctl_code("leapctl stat --json"), 0);
	all = parse(out);
	assert_true(json_is_null(json_object_get(all, "session")));
	assert_int_equal(json_array_size(json_object_get(all, "servers")), 0);
	json_decref(all);
}

static void an_interval_prints_until_a_signal(void **state)
{
	json_t *all;

	(void)state;
	leapctl_lines("leapctl stat -i 0.01", 6);
	assert_says(out, "stored/s");

	leapctl_lines("leapctl stat --json -i 0.01", 2);
	*strchr(out, '\n') = '\0';
	all = parse(out);
	assert_non_null(json_object_get(json_object_get(all, "rates"), "seconds"));
	json_decref(all);
}

static void an_interval_ends_when_the_module_goes(void **state)
{
	(void)state;
	leap_sysfs_root = "/nonexistent/leap";
	assert_int_equal(leapctl_code("leapctl stat -i 0.01"), 1);
	assert_says(err, "cannot read the numbers");
}

static void rates_are_growth_and_gauges_are_not(void **state)
{
	struct snapshot then = { .seconds = 10 }, now = { .seconds = 12.5 };
	struct leap_numbers diff;
	double seconds;

	(void)state;
	then.totals.stat.stored_pages = 100;
	now.totals.stat.stored_pages = 350;
	then.totals.stat.loaded_pages = 100;	/* loaded anew since */
	now.totals.stat.loaded_pages = 40;
	then.totals.stat.remote_pages = 90;
	now.totals.stat.remote_pages = 80;
	then.totals.load.bucket[3] = 5;
	now.totals.load.bucket[3] = 8;
	rates(&then, &now, &diff, &seconds);
	assert_true(seconds == 2.5);
	assert_int_equal(diff.stat.stored_pages, 250);
	assert_int_equal(diff.stat.loaded_pages, 40);
	assert_int_equal(diff.stat.remote_pages, 80);
	assert_int_equal(diff.load.bucket[3], 3);
}

static void sizes_have_units(void **state)
{
	static const struct {
		double bytes;
		const char *text;
	} cases[] = {
		{ 0, "0 B" }, { 1023, "1023 B" }, { 1024, "1 KiB" },
		{ 64 << 20, "64 MiB" }, { 1.5 * (1 << 30), "1.5 GiB" },
		{ 1e30, "8.882e+14 PiB" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		size_text(text, sizeof(text), cases[i].bytes);
		assert_string_equal(text, cases[i].text);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_wrong_command_line_is_2_and_says_how),
		TEST(help_is_no_error),
		TEST(commands_reach_the_kernel),
		TEST(a_stock_kernel_is_named_as_such),
		TEST(the_kernels_sentence_comes_first),
		TEST(without_one_the_errno_has_a_sentence),
		TEST(run_has_the_status_of_its_command),
		TEST(nothing_runs_that_is_not_attached),
		TEST(session_show_says_what_there_is),
		TEST(session_show_says_it_in_json),
		TEST(remove_waits_until_the_server_is_gone),
		TEST(remove_can_be_interrupted),
		TEST(a_server_that_is_refused_has_the_kernels_sentence),
		TEST(stat_shows_every_number),
		TEST(prefetch_show_says_with_what_success),
		TEST(json_has_every_number),
		TEST(json_without_a_session),
		TEST(an_interval_prints_until_a_signal),
		TEST(an_interval_ends_when_the_module_goes),
		TEST(rates_are_growth_and_gauges_are_not),
		TEST(sizes_have_units),
	};

	return cmocka_run_group_tests_name("leapctl", tests, NULL, NULL);
}
