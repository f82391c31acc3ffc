// SPDX-License-Identifier: GPL-2.0
/*
 * Errors on demand: /sys/kernel/debug/leap/fail_{load,store,map}, with the
 * usual knobs of Documentation/fault-injection/. A load or store that is hit ends
 * with -EIO as if its completion had said so; fail_map is for pages that cannot
 * be mapped for an RDMA device.
 */
#include <linux/debugfs.h>
#include <linux/fault-inject.h>
#include "leap.h"

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
static struct dentry *dir;
static struct fault_attr attrs[LEAP_FAULT_POINTS] = {
	[LEAP_FAIL_LOAD] = FAULT_ATTR_INITIALIZER,
	[LEAP_FAIL_STORE] = FAULT_ATTR_INITIALIZER,
	[LEAP_FAIL_MAP] = FAULT_ATTR_INITIALIZER,
};

/** leap_fault_init - make the knobs */
void leap_fault_init(void)
{
	dir = debugfs_create_dir("leap", NULL);
	fault_create_debugfs_attr("fail_load", dir, &attrs[LEAP_FAIL_LOAD]);
	fault_create_debugfs_attr("fail_store", dir, &attrs[LEAP_FAIL_STORE]);
	fault_create_debugfs_attr("fail_map", dir, &attrs[LEAP_FAIL_MAP]);
}

/** leap_fault_exit - the reverse */
void leap_fault_exit(void)
{
	debugfs_remove_recursive(dir);
}

/**
 * leap_fault_armed - may this fail?
 * @point: what
 *
 * Return: false if leap_fault() is going to say no.
 */
bool leap_fault_armed(enum leap_fault_point point)
{
	return attrs[point].probability;
}

/**
 * leap_fault - shall this fail?
 * @point: what
 *
 * Return: true if it shall.
 */
bool leap_fault(enum leap_fault_point point)
{
	/* A task's fail-nth is for allocations alone. */
	return leap_fault_armed(point) && should_fail(&attrs[point], 1);
}
#else
void leap_fault_init(void)
{
}

void leap_fault_exit(void)
{
}

bool leap_fault_armed(enum leap_fault_point point)
{
	return false;
}

bool leap_fault(enum leap_fault_point point)
{
	return false;
}
#endif
