// SPDX-License-Identifier: GPL-2.0
/* leap.ko: coming and going. */
#include <linux/module.h>
#include <linux/suspend.h>
#include "io.h"
#include "prefetch.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Has a rescuer, because what it does ends stores: reclaim may be waiting for
 * it while no memory is left for another worker. For the same reason its work
 * must not wait for stores, as it would if an allocation began to swap: each of
 * them is in a scope of memalloc_noio_save().
 */
struct workqueue_struct *leap_wq;

static const struct leap_ops ops = {
	.store = leap_io_store,
	.load = leap_io_load,
	.free = leap_map_free,
	.area_add = leap_map_area_add,
	.area_del = leap_map_area_del,
	.session_create = leap_session_create,
	.fault = leap_reader_fault,
	.backup_done = leap_backup_done,
};

/* A hibernated machine would look for its pages in a connection that is gone. */
static int pm_event(struct notifier_block *nb, unsigned long event, void *data)
{
	guard(rcu)();
	if (event != PM_HIBERNATION_PREPARE || !leap_session_peek())
		return NOTIFY_OK;
	pr_err("no hibernation with pages in remote memory; end the session first: leapctl session destroy\n");
	return notifier_from_errno(-EBUSY);
}

static struct notifier_block pm_block = {
	.notifier_call = pm_event,
};

static int __init leap_init(void)
{
	int err = -ENOMEM;

	leap_wq = alloc_workqueue("leap", WQ_MEM_RECLAIM | WQ_UNBOUND, 0);
	if (!leap_wq)
		return -ENOMEM;
	err = leap_stats_init();
	if (err)
		goto destroy_wq;
	err = leap_server_init();
	if (err)
		goto exit_stats;
	err = leap_io_init();
	if (err)
		goto exit_server;
	leap_fault_init();
	leap_prefetch_settings_init();
	err = leap_reader_init();
	if (err)
		goto exit_io;
	err = leap_register_ops(&ops);
	if (err)
		goto exit_reader;
	err = leap_sysfs_init();
	if (err)
		goto unregister;
	err = register_pm_notifier(&pm_block);
	if (err)
		goto exit_sysfs;
	return 0;

exit_sysfs:
	leap_sysfs_exit();
unregister:
	leap_unregister_ops();
exit_reader:
	leap_reader_exit();
	leap_map_areas_exit();
exit_io:
	leap_fault_exit();
	leap_io_exit();
exit_server:
	leap_server_exit();
exit_stats:
	leap_stats_exit();
destroy_wq:
	destroy_workqueue(leap_wq);
	return err;
}

/* A session holds a reference on the module, so there is none here. */
static void __exit leap_exit(void)
{
	unregister_pm_notifier(&pm_block);
	leap_sysfs_exit();
	leap_process_detach_all();
	leap_unregister_ops();
	leap_reader_exit();
	leap_map_areas_exit();
	leap_fault_exit();
	leap_io_exit();
	leap_server_exit();
	leap_stats_exit();
	destroy_workqueue(leap_wq);
	rcu_barrier();
}

module_init(leap_init);
module_exit(leap_exit);

MODULE_DESCRIPTION("Remote memory for swapped pages");
MODULE_LICENSE("GPL");
