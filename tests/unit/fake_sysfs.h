/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A folder that looks like /sys/kernel/mm/leap, for the tests of libleap and
 * leapctl. Include it after cmocka.h.
 */
#ifndef FAKE_SYSFS_H
#define FAKE_SYSFS_H

#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "leap/uapi/leap.h"
#include "syscalls/libleap_priv.h"

static char fake_root[64];

static inline void fake_path(char *path, size_t size, const char *name)
{
	assert_true((size_t)snprintf(path, size, "%s/%s", fake_root, name) < size);
}

static inline void fake_put(const char *name, const char *text, const char *mode)
{
	char path[128];
	FILE *to;

	fake_path(path, sizeof(path), name);
	to = fopen(path, mode);
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
}

static inline void fake_write(const char *name, const char *text)
{
	fake_put(name, text, "w");
}

static inline void fake_add(const char *name, const char *text)
{
	fake_put(name, text, "a");
}

/* What was written to @name since fake_write(); valid until the next call. */
static inline const char *fake_read(const char *name)
{
	static char text[4096];
	char path[128];
	size_t n;
	FILE *from;

	fake_path(path, sizeof(path), name);
	from = fopen(path, "r");
	assert_non_null(from);
	n = fread(text, 1, sizeof(text) - 1, from);
	fclose(from);
	text[n] = '\0';
	return text;
}

static inline void fake_mkdir(const char *name)
{
	char path[128];

	fake_path(path, sizeof(path), name);
	assert_int_equal(mkdir(path, 0755), 0);
}

/* Each counter is @first plus its line, so that no two are alike. */
static inline void fake_numbers(const char *folder, unsigned int first)
{
	static const char *const keys[] = {
		"stored_pages", "loaded_pages", "freed_pages", "failed_stores",
		"failed_loads", "refused_stores", "inflight_stores",
		"inflight_loads", "stored_bytes", "loaded_bytes", "remote_pages",
		"slabs", "slab_bytes", "faults", "misses", "prefetch_hits",
		"prefetch_late", "prefetch_issued", "prefetch_unused",
		"recalled_slabs", "retiring_slabs", "moved_pages", "corrupt_pages",
		"retried_loads", "rebuilt_pages", "backup_written_pages",
		"backup_read_pages", "failed_backups",
	};
	char name[64], text[1024];
	size_t at = 0;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		at += snprintf(text + at, sizeof(text) - at, "%s %zu\n", keys[i],
			       first + i);
	snprintf(name, sizeof(name), "%sstat", folder);
	fake_write(name, text);

	/* 90 loads of 2^12 ns and 10 of 2^20 ns; 7 stores of 2^0 ns */
	for (int store = 0; store < 2; store++) {
		at = 0;
		for (int i = 0; i < LEAP_HIST_BUCKETS; i++)
			at += snprintf(text + at, sizeof(text) - at, "%d%c",
				       store ? 7 * !i : 90 * (i == 12) + 10 * (i == 20),
				       i == LEAP_HIST_BUCKETS - 1 ? '\n' : ' ');
		snprintf(name, sizeof(name), "%s%s", folder,
			 store ? "store_hist" : "load_hist");
		fake_write(name, text);
	}
}

static inline void fake_server(int index, const char *address, const char *state)
{
	char folder[64], name[96];

	snprintf(folder, sizeof(folder), "servers/%d", index);
	fake_mkdir(folder);
	snprintf(name, sizeof(name), "%s/address", folder);
	fake_write(name, address);
	snprintf(name, sizeof(name), "%s/state", folder);
	fake_write(name, state);
	snprintf(name, sizeof(name), "%s/", folder);
	fake_numbers(name, 1000 * (index + 1));
	snprintf(name, sizeof(name), "%s/stat", folder);
	fake_add(name, "free_bytes 1048576\nlosses 3\n");
}

static inline void fake_server_gone(int index)
{
	static const char *const files[] = {
		"/address", "/state", "/stat", "/load_hist", "/store_hist", "",
	};
	char path[128], name[64];

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		snprintf(name, sizeof(name), "servers/%d%s", index, files[i]);
		fake_path(path, sizeof(path), name);
		assert_int_equal(remove(path), 0);
	}
}

static inline void fake_prefetch(void)
{
	fake_mkdir("prefetch");
	fake_write("prefetch/enabled", "1");
	fake_write("prefetch/history", "32");
	fake_write("prefetch/split", "8");
	fake_write("prefetch/window", "8");
	fake_write("prefetch/buffer", "1024");
	fake_write("prefetch/buffer_active", "0");
	fake_write("prefetch/on", "");
	fake_write("prefetch/off", "");
	fake_write("prefetch/processes", "");
}

/* The module is loaded and there is no session. For cmocka's setup. */
static int fake_setup(void **state)
{
	(void)state;
	strcpy(fake_root, "/tmp/leap-unit.XXXXXX");
	if (!mkdtemp(fake_root))
		return -1;
	leap_sysfs_root = fake_root;
	fake_write("attach", "");
	fake_write("detach", "");
	fake_write("destroy", "");
	fake_write("session", "");
	fake_write("processes", "");
	fake_write("last_error", "");
	fake_mkdir("servers");
	fake_write("servers/add", "");
	fake_write("servers/remove", "");
	fake_prefetch();
	fake_numbers("", 100);
	return 0;
}

static int fake_unlink(const char *path, const struct stat *st, int type,
		       struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int fake_teardown(void **state)
{
	(void)state;
	leap_sysfs_root = LEAP_SYSFS;
	return nftw(fake_root, fake_unlink, 8, FTW_DEPTH | FTW_PHYS);
}

#endif /* FAKE_SYSFS_H */
