/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libleap: how a program talks to Leap.
 *
 * Every function returns 0 or a count on success and a negative errno value on
 * failure, and leaves errno alone. These values mean the same everywhere:
 *
 *	-ENOSYS		this kernel has no Leap system call
 *	-ENODEV		the module leap is not loaded
 *	-EPERM, -EACCES	CAP_SYS_ADMIN, or root for the files, is missing
 *	-ENOMEM		out of memory
 *
 * leap_last_error() gives the kernel's own sentence about a failed command.
 */
#ifndef LIBLEAP_H
#define LIBLEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "leap/uapi/leap.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What /sys/kernel/mm/leap/session says. @portal is "" without a session. */
struct leap_session {
	char portal[LEAP_PORTAL_MAX];
	char transport[16];
	uint64_t slab_bytes;
	uint64_t timeout_ms;
	uint64_t servers;
	uint64_t replicas;
	uint64_t missing_copies;	/* of pages, to be made up for */
	bool backup;			/* the swap device has a copy, too */
	bool verify;			/* a checksum of each page is kept */
};

/* Counters since the module was loaded: of all servers together or of one. */
struct leap_stat {
	uint64_t stored_pages;
	uint64_t loaded_pages;
	uint64_t freed_pages;
	uint64_t failed_stores;
	uint64_t failed_loads;
	uint64_t refused_stores;
	uint64_t inflight_stores;	/* now */
	uint64_t inflight_loads;	/* now */
	uint64_t stored_bytes;
	uint64_t loaded_bytes;
	uint64_t remote_pages;		/* now */
	uint64_t slabs;			/* now */
	uint64_t slab_bytes;		/* now */
	uint64_t recalled_slabs;	/* that a server has called back */
	uint64_t retiring_slabs;	/* that are to leave their server now */
	uint64_t moved_pages;		/* that went to another server for that */
	uint64_t corrupt_pages;		/* with verify=1: that came back wrong */
	uint64_t retried_loads;		/* that went on to another copy */
	uint64_t rebuilt_pages;		/* that got a copy in place of a lost one */
	uint64_t backup_written_pages;	/* with backup=disk; of all together only */
	uint64_t backup_read_pages;	/* no server could give them */
	uint64_t failed_backups;	/* that the swap device has not taken */
};

/*
 * Faults on swapped pages of processes that prefetch: of all of them or of one.
 * Of the pages that were prefetched (@issued), @hits + @late were used.
 */
struct leap_faults {
	uint64_t faults;
	uint64_t misses;		/* the page had to be read */
	uint64_t hits;			/* it was prefetched, and there */
	uint64_t late;			/* it was prefetched, and on its way */
	uint64_t issued;		/* pages prefetched */
	uint64_t unused;		/* of these, dropped without use */
};

/* What holds for all processes; see leap_prefetch_tune(). */
struct leap_prefetch {
	bool enabled;			/* for processes attached later */
	bool buffer_active;
	uint64_t history;
	uint64_t split;
	uint64_t window;
	uint64_t buffer;
	struct leap_faults faults;	/* since the module was loaded */
};

/* Latencies: bucket[i] counts those of [2^i, 2^(i+1)) nanoseconds. */
struct leap_hist {
	uint64_t bucket[LEAP_HIST_BUCKETS];
};

struct leap_numbers {
	struct leap_stat stat;
	struct leap_hist load;
	struct leap_hist store;
};

struct leap_server {
	int index;
	char address[80];
	char state[32];
	uint64_t free_bytes;		/* that it would still lend */
	uint64_t losses;		/* how often it could not be reached */
	struct leap_numbers n;
};

/* A process that is or was attached and lives. The counters are pages. */
struct leap_process {
	pid_t pid;
	bool attached;
	char comm[64];
	uint64_t stored;
	uint64_t loaded;
	uint64_t freed;
	uint64_t failed;
	uint64_t remote;		/* now */
	bool prefetch;
	struct leap_faults faults;
};

int is_session_create(const char *portal);
int leap_session_destroy(bool force);
int leap_session(struct leap_session *session);
int leap_session_add(const char *server);
int leap_session_remove(const char *server);

int leap_attach(pid_t pid);
int leap_detach(pid_t pid);
int leap_detach_all(void);

int leap_prefetch_on(pid_t pid);
int leap_prefetch_off(pid_t pid);
int leap_prefetch_tune(const char *what, unsigned long value);
int leap_prefetch(struct leap_prefetch *prefetch);

int leap_totals(struct leap_numbers *totals);
int leap_servers(struct leap_server **servers);
int leap_processes(struct leap_process **processes);
int leap_last_error(char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* LIBLEAP_H */
