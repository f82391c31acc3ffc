/* SPDX-License-Identifier: GPL-2.0 */
/* What reader.c and reader_list.c share, and nobody else. */
#ifndef LEAP_READER_H
#define LEAP_READER_H

#include <linux/hrtimer.h>
#include <linux/kfifo.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include "leap.h"
#include "policy/pace.h"
#include "policy/prefetch.h"

/* Pages that wait to be read, a power of two. */
#define LEAP_WANTED_MAX	128

/**
 * struct leap_wanted - a page to read
 * @page: its number in the address space
 * @entry: its slot when that was looked for
 */
struct leap_wanted {
	u64 page;
	swp_entry_t entry;
};

/**
 * struct leap_reader - what is known of one process
 * @rcu: frees it
 * @lm: whose; gone if there is another one, or none, by @id
 * @id: of @lm
 * @work: reads what is wanted, drops what was not used
 * @timer: queues @work
 * @retire: ends it when the process is gone
 * @lock: protects all that follows
 * @prefetcher: decides
 * @version: of the settings that @prefetcher has
 * @pace: says when to read
 * @wanted: pages to read
 * @fifo: slots that were prefetched, oldest first
 */
struct leap_reader {
	struct rcu_head rcu;
	struct leap_mm *lm;
	u32 id;
	struct work_struct work;
	struct hrtimer timer;
	struct work_struct retire;
	spinlock_t lock;	/* see the top of reader_list.c */
	struct leap_prefetcher prefetcher;
	unsigned int version;
	struct leap_pace pace;
	DECLARE_KFIFO(wanted, struct leap_wanted, LEAP_WANTED_MAX);
	DECLARE_KFIFO_PTR(fifo, unsigned long);
};

/* reader_list.c */
struct leap_reader *leap_reader_get(struct leap_mm *lm);
void leap_reader_settings(struct leap_reader *r);
void leap_reader_work(struct leap_reader *r);
struct mem_cgroup *leap_reader_memcg(const struct leap_reader *r);

/* reader.c */
void leap_reader_setup(struct leap_reader *r);
void leap_reader_drop(struct leap_reader *r, unsigned int keep);
void leap_reader_forget(struct leap_reader *r);

#endif /* LEAP_READER_H */
