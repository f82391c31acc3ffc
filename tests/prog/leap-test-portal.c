// SPDX-License-Identifier: GPL-2.0
/*
 * leap-test-portal: calls is_session_create() as somebody would who wants to
 * break it, and compares the errno values with those that is_session_create(2)
 * and leap/policy/portal.h promise. TAP on stdout.
 *
 * Run it as root with the module loaded and without a session. It makes one
 * session, in this machine's own memory, and ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leap/uapi/leap.h"

#define PAGE_SIZE	4096UL
#define LONG_TEXT	10240
#define RACE_CALLS	200	/* each is a line of the kernel log */

/* A portal that could be a session's: whoever gets through is seen. */
#define VALID		"dram://1,64M"

static int tests, failures;

/* The raw call: 0, or the errno value. */
static int create(const char *portal)
{
	return syscall(__NR_is_session_create, portal) ? errno : 0;
}

static void check(bool ok, const char *what, ...) __attribute__((format(printf, 2, 3)));

static void check(bool ok, const char *what, ...)
{
	va_list args;

	tests++;
	failures += !ok;
	printf("%sok %d - ", ok ? "" : "not ", tests);
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
	putchar('\n');
}

static void expect(const char *what, int got, int want)
{
	check(got == want, "%s: %s", what, want ? strerrorname_np(want) : "0");
	if (got != want)
		printf("# got %d (%s)\n", got, got ? strerrorname_np(got) : "0");
}

static ssize_t read_leap(const char *name, char *text, size_t size)
{
	char path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), LEAP_SYSFS "/%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static bool have_session(void)
{
	char text[8];

	return read_leap("session", text, sizeof(text)) > 0;
}

static int destroy(void)
{
	int fd = open(LEAP_SYSFS "/destroy", O_WRONLY), err = 0;

	if (fd < 0 || write(fd, "1", 1) != 1)
		err = errno;
	if (fd >= 0)
		close(fd);
	return err;
}

/* One line of text that ends there. */
static bool has_sentence(void)
{
	char text[1024];
	ssize_t n = read_leap("last_error", text, sizeof(text));

	return n > 1 && strchr(text, '\n') == text + n - 1;
}

static void test_words(void)
{
	static const struct {
		const char *portal;
		int err;
	} cases[] = {
		{ "", EINVAL },
		{ "x", EINVAL },
		{ "://", EPROTONOSUPPORT },
		{ "rdma", EINVAL },
		{ "rdma:", EINVAL },
		{ "rdma:/", EINVAL },
		{ "rdma//1,10.0.0.2:9400", EINVAL },
		{ " rdma://1,10.0.0.2:9400", EINVAL },
		{ "rdma://1,10.0.0.2:9400\n", EINVAL },
		{ "rdma://1,10.0.0.2:9400\t?slab=64M", EINVAL },
		{ "rdma://1,10.0.0.2:\x01", EINVAL },
		{ "rdma://1,10.0.0.2:9400\xff", EINVAL },
		{ "RDMA://1,10.0.0.2:9400", EPROTONOSUPPORT },
		{ "http://1,10.0.0.2:9400", EPROTONOSUPPORT },
		{ "%s%s%n://1", EPROTONOSUPPORT },
		{ "rdma://", ERANGE },
		{ "rdma://,10.0.0.2:9400", ERANGE },
		{ "rdma://0", ERANGE },
		{ "rdma://0,10.0.0.2:9400", ERANGE },
		{ "rdma://-1,10.0.0.2:9400", ERANGE },
		{ "rdma://+1,10.0.0.2:9400", ERANGE },
		{ "rdma://0x1,10.0.0.2:9400", ERANGE },
		{ "rdma://65,10.0.0.2:9400", ERANGE },
		{ "rdma://18446744073709551617,10.0.0.2:9400", ERANGE },
		{ "rdma://99999999999999999999999999,10.0.0.2:9400", ERANGE },
		{ "rdma://10.0.0.2:9400", ERANGE },
		{ "rdma://1", EMSGSIZE },
		{ "rdma://2,10.0.0.2:9400", EMSGSIZE },
		{ "rdma://1,10.0.0.2:9400,10.0.0.3:9400", EMSGSIZE },
		{ "rdma://64,10.0.0.2:9400", EMSGSIZE },
		{ "dram://2,64M", EMSGSIZE },
		{ "rdma://1,", EINVAL },
		{ "rdma://2,10.0.0.2:9400,", EINVAL },
		{ "rdma://2,,10.0.0.2:9400", EINVAL },
		{ "rdma://1,:9400", EDESTADDRREQ },
		{ "rdma://1,server:9400", EDESTADDRREQ },
		{ "rdma://1,10.0.0:9400", EDESTADDRREQ },
		{ "rdma://1,10.0.0.256:9400", EDESTADDRREQ },
		{ "rdma://1,10.0.0.2.5:9400", EDESTADDRREQ },
		{ "rdma://1,10.0.0.-2:9400", EDESTADDRREQ },
		{ "rdma://1,::1:9400", EDESTADDRREQ },
		{ "rdma://1,[::1:9400", EDESTADDRREQ },
		{ "rdma://1,[]:9400", EDESTADDRREQ },
		{ "rdma://1,[::g]:9400", EDESTADDRREQ },
		{ "rdma://1,[1:2:3:4:5:6:7:8:9]:9400", EDESTADDRREQ },
		{ "rdma://1,[fe80::1%eth0]:9400", EDESTADDRREQ },
		{ "rdma://1,10.0.0.2", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:0", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:65536", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:-9400", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:94OO", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:18446744073709561016", EADDRNOTAVAIL },
		{ "rdma://1,[::1]", EADDRNOTAVAIL },
		{ "rdma://1,[::1]9400", EADDRNOTAVAIL },
		{ "rdma://1,10.0.0.2:9400:9400", EADDRNOTAVAIL },
		{ "rdma://2,10.0.0.2:9400,10.0.0.2:9400", ENOTUNIQ },
		{ "rdma://2,[::1]:9400,[0:0::1]:9400", ENOTUNIQ },
		{ "dram://1,0", EDOM },
		{ "dram://1,1", EDOM },
		{ "dram://1,-64M", EDOM },
		{ "dram://1,64X", EDOM },
		{ "dram://1,3M", EDOM },
		{ "dram://1,M", EDOM },
		{ "dram://1,18446744073709551615G", EDOM },
		{ "dram://1,64M?", EINVAL },
		{ "dram://1,64M?&", EINVAL },
		{ "dram://1,64M?slab=64M&", EINVAL },
		{ "dram://1,64M?color=red", ENOPROTOOPT },
		{ "dram://1,64M?=64M", ENOPROTOOPT },
		{ "dram://1,64M?SLAB=64M", ENOPROTOOPT },
		{ "dram://1,64M?slab=64M&slab=64M", EALREADY },
		{ "dram://1,64M?slab", EDOM },
		{ "dram://1,64M?slab=", EDOM },
		{ "dram://1,64M?slab=1M", EDOM },
		{ "dram://1,64M?slab=3M", EDOM },
		{ "dram://1,64M?slab=2G", EDOM },
		{ "dram://1,64M?slab=64M?", EDOM },
		{ "dram://1,64M?timeout_ms=99", EDOM },
		{ "dram://1,64M?timeout_ms=600001", EDOM },
		{ "dram://1,64M?timeout_ms=1e3", EDOM },
	};
	char what[256];
	int err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *to = what;

		for (const char *c = cases[i].portal; *c; c++)
			to += sprintf(to, *c > ' ' && *c <= '~' ? "%c" : "\\x%02x",
				      (unsigned char)*c);
		*to = '\0';
		err = create(cases[i].portal);
		expect(what, err, cases[i].err);
		if (err == cases[i].err && !has_sentence())
			check(false, "%s: no sentence in last_error", what);
	}
}

/* Two pages, the second of which is not there. */
static char *page_before_hole(void)
{
	char *page = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED || munmap(page + PAGE_SIZE, PAGE_SIZE)) {
		printf("Bail out! cannot map a page: %s\n", strerror(errno));
		exit(2);
	}
	return page;
}

static void test_pointers(void)
{
	char *page = page_before_hole(), *end = page + PAGE_SIZE;
	void *closed = mmap(NULL, PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	expect("NULL", create(NULL), EFAULT);
	expect("pointer 1", create((char *)1UL), EFAULT);
	expect("kernel memory", create((char *)0xffff888000000000UL), EFAULT);
	expect("kernel text", create((char *)0xffffffff81000000UL), EFAULT);
	expect("no canonical address", create((char *)0x0000800000000000UL), EFAULT);
	expect("the last byte of the address space", create((char *)UINTPTR_MAX), EFAULT);
	expect("an unmapped page", create(end), EFAULT);
	expect("a page without read permission", create(closed), EFAULT);

	strcpy(end - sizeof(VALID), VALID);
	memset(end - 8, 'x', 8);
	expect("no NUL before an unmapped page", create(end - sizeof(VALID)), EFAULT);
	end[-1] = 'x';
	expect("one byte before an unmapped page", create(end - 1), EFAULT);
	end[-1] = '\0';
	expect("an empty string before an unmapped page", create(end - 1), EINVAL);
	strcpy(end - 4, "abc");
	expect("a string that ends with its page", create(end - 4), EINVAL);
	munmap(page, PAGE_SIZE);
	munmap(closed, PAGE_SIZE);
}

static void test_lengths(void)
{
	char *text = malloc(LONG_TEXT + 1), *page = page_before_hole();

	memset(text, 'x', LONG_TEXT);
	text[LONG_TEXT] = '\0';
	expect("10 KB", create(text), ENAMETOOLONG);
	memcpy(text, "rdma://1,10.0.0.2:9400?", 23);
	expect("10 KB that begin well", create(text), ENAMETOOLONG);
	text[LEAP_PORTAL_MAX] = '\0';
	expect("4096 bytes", create(text), ENAMETOOLONG);
	text[LEAP_PORTAL_MAX - 1] = '\0';
	expect("4095 bytes, an unknown option", create(text), ENOPROTOOPT);
	memset(page, 'x', PAGE_SIZE);
	expect("4096 bytes, no NUL, then no page", create(page), ENAMETOOLONG);
	memset(text, 0xff, LONG_TEXT);
	expect("10 KB of 0xff", create(text), ENAMETOOLONG);
	munmap(page, PAGE_SIZE);
	free(text);
}

/* In a child, which does not get it back. Returns errno of the call. */
static int without_capability(const char *portal)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	uint32_t mask = ~(1U << CAP_SYS_ADMIN);
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (syscall(SYS_capget, &header, data))
			_exit(255);
		data[0].effective &= mask;
		data[0].permitted &= mask;
		if (syscall(SYS_capset, &header, data))
			_exit(255);
		_exit(create(portal));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static void test_capability(void)
{
	expect("no CAP_SYS_ADMIN, a good portal", without_capability(VALID), EPERM);
	expect("no CAP_SYS_ADMIN, a bad portal", without_capability("x"), EPERM);
	expect("no CAP_SYS_ADMIN, a bad pointer", without_capability(NULL), EPERM);
}

static char racing[64];
static bool racing_over;

static void *keep_changing(void *unused)
{
	unsigned int i = 0;

	(void)unused;
	while (!__atomic_load_n(&racing_over, __ATOMIC_RELAXED)) {
		/* Never valid: the number of servers is wrong or is missing. */
		memcpy(racing, i % 2 ? "rdma://2,10.0.0.2:9400" : "dram://?,64M?slab=1G&&",
		       23);
		memset(racing + i % 22, 'x', 22 - i % 22);
		i++;
	}
	return NULL;
}

/* The kernel must look at one copy, whatever happens to the original. */
static void test_race(void)
{
	pthread_t thread;
	int made = 0;

	if (pthread_create(&thread, NULL, keep_changing, NULL)) {
		check(false, "a thread that changes the portal");
		return;
	}
	for (int i = 0; i < RACE_CALLS; i++)
		made += !create(racing);
	__atomic_store_n(&racing_over, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	check(!made, "%d calls while the portal changes", RACE_CALLS);
}

static void test_second_session(void)
{
	check(!have_session(), "no refused call has made a session");
	expect(VALID, create(VALID), 0);
	check(have_session(), "the session is shown");
	expect("a second session", create(VALID), EBUSY);
	check(has_sentence(), "the second one's refusal has a sentence");
	expect("a bad pointer during a session", create(NULL), EFAULT);
	expect("end of the session", destroy(), 0);
	check(!have_session(), "the session is gone");
	expect("end without a session", destroy(), ENOENT);
}

int main(void)
{
	if (geteuid() || access(LEAP_SYSFS "/session", R_OK)) {
		fputs("run it as root, after modprobe leap\n", stderr);
		return 2;
	}
	if (have_session()) {
		fputs("there is a session; leapctl session destroy ends it\n", stderr);
		return 2;
	}
	test_pointers();
	test_lengths();
	test_capability();
	test_words();
	test_race();
	test_second_session();
	printf("1..%d\n", tests);
	return failures ? 1 : 0;
}
