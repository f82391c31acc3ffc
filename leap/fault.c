// SPDX-License-Identifier: GPL-2.0
/*
 * Errors on demand: /sys/kernel/debug/leap/{fail_load,fail_store}, with the
 * usual knobs of Documentation/fault-injection/. A request that is hit ends
 * with -EIO as if its completion had said so.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include "leap.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
static struct dentry *dir;
static struct fault_attr attrs[LEAP_OPS] = {
	[LEAP_LOAD] = FAULT_ATTR_INITIALIZER,
	[LEAP_STORE] = FAULT_ATTR_INITIALIZER,
};

/** leap_fault_init - make the knobs */
void leap_fault_init(void)
{
	dir = debugfs_create_dir("leap", NULL);
	fault_create_debugfs_attr("fail_load", dir, &attrs[LEAP_LOAD]);
	fault_create_debugfs_attr("fail_store", dir, &attrs[LEAP_STORE]);
}

/** leap_fault_exit - the reverse */
void leap_fault_exit(void)
{
	debugfs_remove_recursive(dir);
}

/**
 * leap_fault - shall this request fail?
 * @op: what it does
 *
 * Return: true if it shall.
 */
bool leap_fault(enum leap_op op)
{
	return should_fail(&attrs[op], 1);
}
#else
void leap_fault_init(void)
{
}

void leap_fault_exit(void)
{
}

bool leap_fault(enum leap_op op)
{
	return false;
}
#endif
