// SPDX-License-Identifier: GPL-2.0
/*
 * libleap: how a program talks to Leap. The files that are read and written
 * here are described in leap/Documentation/sysfs-kernel-mm-leap.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "libleap.h"
#include "libleap_priv.h"

const char *leap_sysfs_root = LEAP_SYSFS;

/* A function that calls something which may set errno puts it back. */

static int open_file(const char *name, int flags)
{
	int saved = errno, fd, ret;
	char *path;

	if (asprintf(&path, "%s/%s", leap_sysfs_root, name) < 0) {
		errno = saved;
		return -ENOMEM;
	}
	fd = open(path, flags | O_CLOEXEC);
	ret = fd < 0 ? -errno : fd;
	free(path);
	errno = saved;
	return ret;
}

static int write_file(const char *name, const char *text)
{
	int saved = errno, fd, ret = 0;

	fd = open_file(name, O_WRONLY);
	if (fd == -ENOENT)
		return -ENODEV;
	if (fd < 0)
		return fd;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	errno = saved;
	return ret;
}

/* The whole file with a NUL behind it in *@text, which the caller frees. */
static int read_file(const char *name, char **text)
{
	int saved = errno, fd, ret = 0;
	size_t len = 0, room = 0;
	char *buf = NULL, *more;
	ssize_t n;

	fd = open_file(name, O_RDONLY);
	if (fd < 0)
		return fd;
	do {
		if (room - len < 2) {
			room = room ? 2 * room : 4096;
			more = realloc(buf, room);
			if (!more) {
				ret = -ENOMEM;
				break;
			}
			buf = more;
		}
		n = read(fd, buf + len, room - len - 1);
		if (n < 0)
			ret = -errno;
		else
			len += n;
	} while (n > 0);
	close(fd);
	errno = saved;
	if (ret) {
		free(buf);
		return ret;
	}
	buf[len] = '\0';
	*text = buf;
	return 0;
}

/* As read_file() for a file that is there whenever the module is. */
int leap_read_own(const char *name, char **text)
{
	int ret = read_file(name, text);

	return ret == -ENOENT ? -ENODEV : ret;
}

static uint64_t number(const char *text, char **end)
{
	int saved = errno;
	uint64_t n = strtoull(text, end, 10);

	errno = saved;
	return n;
}

/* Splits "key value\n" off *@text; false when there is no more. */
static bool next_pair(char **text, char **key, char **value)
{
	char *line = strsep(text, "\n");

	if (!line || !*line)
		return false;
	*key = strsep(&line, " ");
	*value = line ? line : "";
	return true;
}

static void copy_word(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
	to[strcspn(to, "\n")] = '\0';
}

/**
 * is_session_create - create the session that remote pages live in
 * @portal: NUL-terminated URL, at most LEAP_PORTAL_MAX bytes with the NUL
 *
 * Needs CAP_SYS_ADMIN. Return: 0, or one of the values that
 * is_session_create(2) lists.
 */
API int is_session_create(const char *portal)
{
	int saved = errno, ret = 0;

	if (syscall(__NR_is_session_create, portal) < 0)
		ret = -errno;
	errno = saved;
	return ret;
}

/**
 * leap_session_destroy - bring remote pages home and end the session
 * @force: end it even if pages are lost by it; whoever touches one of them
 *	gets SIGBUS
 *
 * Return: 0, -ENOENT (no session), -EIO (pages cannot be read any more; nothing
 * is given up), -EINTR (a signal came; nothing is given up).
 */
API int leap_session_destroy(bool force)
{
	return write_file("destroy", force ? "force" : "1");
}

/* The kernel would not see a write of nothing. */
static int write_server(const char *name, const char *server)
{
	return write_file(name, *server ? server : "\n");
}

/**
 * leap_session_add - one more server for the session
 * @server: as an element of a portal's list: "10.0.0.2:9400", or a size for dram
 *
 * Return: 0, -ENOTCONN (no session), -EEXIST (it is one already), -ENOSPC (there are
 * LEAP_SERVERS_MAX), or one of the values that is_session_create(2) lists.
 */
API int leap_session_add(const char *server)
{
	return write_server("servers/add", server);
}

/**
 * leap_session_remove - begin to remove a server
 * @server: as above
 *
 * It takes nothing new from now on, and goes when what it has is elsewhere; until
 * then leap_servers() has it, in a state that begins with "draining".
 *
 * Return: 0, -ENOTCONN (no session), -ENOENT (no such server), -EBUSY (too few would
 * be left), -EINVAL, -EDESTADDRREQ, -EADDRNOTAVAIL, -EDOM (malformed).
 */
API int leap_session_remove(const char *server)
{
	return write_server("servers/remove", server);
}

/**
 * leap_attach - let pages of a process be stored remotely
 * @pid: the process; children that it forks later, and what they exec, too
 *
 * Return: 0, -ESRCH (no such process), -EINVAL (not above 0, or a kernel
 * thread), -ENOSPC (no room for one more process).
 */
API int leap_attach(pid_t pid)
{
	char text[16];

	if (pid <= 0)
		return -EINVAL;
	snprintf(text, sizeof(text), "%d", pid);
	return write_file("attach", text);
}

/**
 * leap_detach - let a process swap to the swap device from now on
 * @pid: the process; what it stored remotely is still read from there
 *
 * Return: 0, -ESRCH (no such process), -ENOENT (it was not attached), -EINVAL
 * (not above 0).
 */
API int leap_detach(pid_t pid)
{
	char text[16];

	if (pid <= 0)
		return -EINVAL;
	snprintf(text, sizeof(text), "%d", pid);
	return write_file("detach", text);
}

/**
 * leap_detach_all - detach every process
 */
API int leap_detach_all(void)
{
	return write_file("attach", "0");
}

/**
 * leap_session - what the session is
 * @session: filled in; @session->portal is "" without a session
 */
API int leap_session(struct leap_session *session)
{
	char *text, *rest, *key, *value;
	int ret = leap_read_own("session", &text);

	if (ret)
		return ret;
	memset(session, 0, sizeof(*session));
	rest = text;
	while (next_pair(&rest, &key, &value)) {
		if (!strcmp(key, "portal"))
			copy_word(session->portal, sizeof(session->portal), value);
		else if (!strcmp(key, "transport"))
			copy_word(session->transport, sizeof(session->transport), value);
		else if (!strcmp(key, "slab_bytes"))
			session->slab_bytes = number(value, NULL);
		else if (!strcmp(key, "timeout_ms"))
			session->timeout_ms = number(value, NULL);
		else if (!strcmp(key, "servers"))
			session->servers = number(value, NULL);
		else if (!strcmp(key, "replicas"))
			session->replicas = number(value, NULL);
		else if (!strcmp(key, "missing_copies"))
			session->missing_copies = number(value, NULL);
		else if (!strcmp(key, "backup"))
			session->backup = !strcmp(value, "disk");
		else if (!strcmp(key, "verify"))
			session->verify = number(value, NULL);
	}
	free(text);
	return 0;
}

struct key {
	const char *name;
	size_t offset;
};

/* Keys that are not known here are those of a newer module: passed over. */
static int read_keys(const char *name, const struct key *keys, size_t nr,
		     void *to)
{
	char *text, *rest, *key, *value;
	int ret = read_file(name, &text);

	if (ret)
		return ret;
	rest = text;
	while (next_pair(&rest, &key, &value))
		for (size_t i = 0; i < nr; i++)
			if (!strcmp(key, keys[i].name))
				*(uint64_t *)((char *)to + keys[i].offset) =
					number(value, NULL);
	free(text);
	return 0;
}

#define NR_KEYS(keys)	(sizeof(keys) / sizeof(*(keys)))

static int read_stat(const char *name, struct leap_stat *stat)
{
	static const struct key keys[] = {
#define KEY(field)	{ #field, offsetof(struct leap_stat, field) }
		KEY(stored_pages), KEY(loaded_pages), KEY(freed_pages),
		KEY(failed_stores), KEY(failed_loads), KEY(refused_stores),
		KEY(inflight_stores), KEY(inflight_loads), KEY(stored_bytes),
		KEY(loaded_bytes), KEY(remote_pages), KEY(slabs), KEY(slab_bytes),
		KEY(recalled_slabs), KEY(retiring_slabs), KEY(moved_pages),
		KEY(corrupt_pages),
		KEY(retried_loads),
		KEY(rebuilt_pages),
		KEY(backup_written_pages), KEY(backup_read_pages), KEY(failed_backups),
#undef KEY
	};

	memset(stat, 0, sizeof(*stat));
	return read_keys(name, keys, NR_KEYS(keys), stat);
}

static int read_hist(const char *name, struct leap_hist *hist)
{
	char *text, *at, *end;
	int ret = read_file(name, &text);

	if (ret)
		return ret;
	memset(hist, 0, sizeof(*hist));
	at = text;
	for (int i = 0; i < LEAP_HIST_BUCKETS; i++) {
		hist->bucket[i] = number(at, &end);
		if (end == at)
			break;
		at = end;
	}
	free(text);
	return 0;
}

/* @folder is "" or "servers/<n>/". -ENOENT if there is no such server (any more). */
static int read_numbers(const char *folder, struct leap_numbers *n)
{
	char name[64];
	int ret;

	snprintf(name, sizeof(name), "%sstat", folder);
	ret = read_stat(name, &n->stat);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%sload_hist", folder);
	ret = read_hist(name, &n->load);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%sstore_hist", folder);
	return read_hist(name, &n->store);
}

/**
 * leap_totals - the counters and latencies of all servers together
 * @totals: filled in
 */
API int leap_totals(struct leap_numbers *totals)
{
	int ret = read_numbers("", totals);

	return ret == -ENOENT ? -ENODEV : ret;
}

/* 0: all processes. */
static int prefetch_switch(pid_t pid, bool on)
{
	char text[16];

	if (pid < 0)
		return -EINVAL;
	if (!pid)
		return write_file("prefetch/enabled", on ? "1" : "0");
	snprintf(text, sizeof(text), "%d", pid);
	return write_file(on ? "prefetch/on" : "prefetch/off", text);
}

/**
 * leap_prefetch_on - let Leap, not the kernel, read ahead
 * @pid: for this process and the children that it forks later, or 0: for all
 *	that are attached and those that will be
 *
 * Return: 0, -ESRCH (no such process), -ENOENT (it is not attached), -EINVAL
 * (below 0, or a kernel thread).
 */
API int leap_prefetch_on(pid_t pid)
{
	return prefetch_switch(pid, true);
}

/**
 * leap_prefetch_off - let the kernel read ahead
 * @pid: as in leap_prefetch_on()
 *
 * Return: the same.
 */
API int leap_prefetch_off(pid_t pid)
{
	return prefetch_switch(pid, false);
}

/**
 * leap_prefetch_tune - change a setting of the prefetcher
 * @what: "history", "split", "window", "buffer" or "buffer_active", as
 *	leap/Documentation/sysfs-kernel-mm-leap describes them
 * @value: for all processes
 *
 * Return: 0, -ERANGE (the value is out of range).
 */
API int leap_prefetch_tune(const char *what, unsigned long value)
{
	char name[64], text[24];

	snprintf(name, sizeof(name), "prefetch/%s", what);
	snprintf(text, sizeof(text), "%lu", value);
	return write_file(name, text);
}

static int read_setting(const char *what, uint64_t *value)
{
	char name[64], *text;
	int ret;

	snprintf(name, sizeof(name), "prefetch/%s", what);
	ret = leap_read_own(name, &text);
	if (ret)
		return ret;
	*value = number(text, NULL);
	free(text);
	return 0;
}

/**
 * leap_prefetch - the prefetcher's settings and what it has done
 * @prefetch: filled in
 */
API int leap_prefetch(struct leap_prefetch *prefetch)
{
	static const struct key keys[] = {
		{ "faults", offsetof(struct leap_faults, faults) },
		{ "misses", offsetof(struct leap_faults, misses) },
		{ "prefetch_hits", offsetof(struct leap_faults, hits) },
		{ "prefetch_late", offsetof(struct leap_faults, late) },
		{ "prefetch_issued", offsetof(struct leap_faults, issued) },
		{ "prefetch_unused", offsetof(struct leap_faults, unused) },
	};
	uint64_t enabled = 0, active = 0;
	int ret;

	memset(prefetch, 0, sizeof(*prefetch));
	ret = read_setting("enabled", &enabled);
	ret = ret ? ret : read_setting("buffer_active", &active);
	ret = ret ? ret : read_setting("history", &prefetch->history);
	ret = ret ? ret : read_setting("split", &prefetch->split);
	ret = ret ? ret : read_setting("window", &prefetch->window);
	ret = ret ? ret : read_setting("buffer", &prefetch->buffer);
	prefetch->enabled = enabled;
	prefetch->buffer_active = active;
	return ret ? ret : read_keys("stat", keys, NR_KEYS(keys),
				     &prefetch->faults);
}

static int read_server(int index, struct leap_server *server)
{
	static const struct key keys[] = {
		{ "free_bytes", offsetof(struct leap_server, free_bytes) },
		{ "losses", offsetof(struct leap_server, losses) },
	};
	char folder[32], name[64], *text;
	int ret;

	server->index = index;
	snprintf(folder, sizeof(folder), "servers/%d/", index);
	snprintf(name, sizeof(name), "%saddress", folder);
	ret = read_file(name, &text);
	if (ret)
		return ret;
	copy_word(server->address, sizeof(server->address), text);
	free(text);

	snprintf(name, sizeof(name), "%sstate", folder);
	ret = read_file(name, &text);
	if (ret)
		return ret;
	copy_word(server->state, sizeof(server->state), text);
	free(text);
	snprintf(name, sizeof(name), "%sstat", folder);
	ret = read_keys(name, keys, NR_KEYS(keys), server);
	return ret ? ret : read_numbers(folder, &server->n);
}

/**
 * leap_servers - the session's servers by their places
 * @servers: set to an array that the caller frees; NULL if there is none
 *
 * A session that ends while this runs shortens the list, and so does a server that
 * is removed.
 *
 * Return: how many servers, or a negative errno value.
 */
API int leap_servers(struct leap_server **servers)
{
	struct leap_server *list;
	int saved = errno, count = 0, ret = 0;

	list = calloc(LEAP_SERVERS_MAX, sizeof(*list));
	errno = saved;
	if (!list)
		return -ENOMEM;
	for (int i = 0; i < LEAP_SERVERS_MAX; i++) {
		ret = read_server(i, &list[count]);
		if (!ret)
			count++;
		else if (ret != -ENOENT && ret != -ENODEV)
			break;
		else
			ret = 0;
	}
	if (ret) {
		free(list);
		return ret;
	}
	if (!count) {
		free(list);
		list = NULL;
	}
	*servers = list;
	return count;
}

/**
 * leap_last_error - the kernel's sentence about the last command that failed
 * @text: filled in, without a newline; "" if none has failed
 * @size: bytes of @text, above 0; a longer sentence is cut
 *
 * Only the module writes this sentence: after -ENOSYS, -ENODEV, -EPERM or
 * -EACCES, which come from outside it, the sentence is about something else.
 */
API int leap_last_error(char *text, size_t size)
{
	char *own;
	int ret = leap_read_own("last_error", &own);

	if (ret)
		return ret;
	copy_word(text, size, own);
	free(own);
	return 0;
}
