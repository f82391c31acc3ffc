// SPDX-License-Identifier: GPL-2.0
/*
 * backup=disk: the swap device has a copy of each page, too.
 *
 * A remote page has a slot on the swap device that nobody else uses, and its copy
 * goes there. Nothing keeps what was in that slot before from being read but the
 * bit that policy/copies.c has for it: set at the end of a store whose write there
 * has succeeded, and cleared when the next store begins or the slot is freed. mm
 * does not know of it, and reads the slot remotely, which is from here.
 *
 *	a store		ends when its requests have and the write has. If the write
 *			has failed, the page is where the servers are, and only
 *			there. If only the write has succeeded, the page is not
 *			remote: mm reads it like any other.
 *	a load		comes here when no server can be asked, be it at first or
 *			after all of them have failed. Prefetches do, too: mm takes
 *			one that has failed for a page that is lost.
 *
 * A load fails where it is noticed, maybe in an interrupt, and to get a bio may
 * sleep. So the read is begun by leap_wq. It then waits for nobody but the device,
 * as the store of a page that has failed does there.
 */
#include <linux/sched/mm.h>
#include "io.h"

/**
 * leap_backup_store - write a copy of what is being stored
 * @lead: the store, which is not over before leap_io_copy_done() for this copy
 *
 * May sleep.
 */
void leap_backup_store(struct leap_io *lead)
{
	leap_backup(lead->folio, true, lead);
}

static void read_work(struct work_struct *work)
{
	struct leap_io *io = container_of(work, struct leap_io, work);
	unsigned int noio = memalloc_noio_save();	/* see leap_wq */

	leap_backup(io->folio, false, io);
	memalloc_noio_restore(noio);
}

/**
 * leap_backup_load - read the copy
 * @io: a load whose spot is on disk; leap_io_done() is called for it
 *
 * Any context.
 */
void leap_backup_load(struct leap_io *io)
{
	INIT_WORK(&io->work, read_work);
	queue_work(leap_wq, &io->work);
}

/**
 * leap_backup_done - &leap_ops.backup_done
 * @private: the request
 * @err: 0 if all bytes have moved
 */
void leap_backup_done(void *private, int err)
{
	struct leap_io *io = private;

	if (io->op == LEAP_LOAD) {
		if (!err)
			leap_stats_add(NULL, LEAP_BACKUP_READ, io->nr);
		leap_io_done(io, err);
		return;
	}
	leap_stats_add(NULL, err ? LEAP_BACKUP_FAILED : LEAP_BACKUP_WRITTEN, io->nr);
	if (err)
		pr_err_ratelimited("the swap device has not taken the copy of %u page(s)\n",
				   io->nr);
	leap_io_copy_done(io, LEAP_COPY_DISK, err);
}

/**
 * leap_backup_show - how many pages, as "key value" lines
 * @buf: a page of sysfs
 * @at: where to go on in it
 *
 * Return: bytes written.
 */
ssize_t leap_backup_show(char *buf, int at)
{
	return sysfs_emit_at(buf, at,
			     "backup_written_pages %llu\nbackup_read_pages %llu\nfailed_backups %llu\n",
			     leap_stats_sum(leap_stats_all, LEAP_BACKUP_WRITTEN),
			     leap_stats_sum(leap_stats_all, LEAP_BACKUP_READ),
			     leap_stats_sum(leap_stats_all, LEAP_BACKUP_FAILED));
}
