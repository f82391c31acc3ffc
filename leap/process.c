// SPDX-License-Identifier: GPL-2.0
/*
 * Which processes may use remote memory.
 *
 * The kernel keeps a struct leap_mm for each; here its switch is set. It is a
 * property of the memory map, inherited over fork and exec, and freed with it.
 */
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include "functions.h"
#include "leap.h"

/* Serialises attaching and detaching; leap_mm_get() wants that. */
static DEFINE_MUTEX(process_mutex);
static pid_t last_pid;

/* Shall processes prefetch that are attached from now on? */
static bool prefetch_all;

static struct mm_struct *mm_of(pid_t pid)
{
	struct task_struct *task;
	struct mm_struct *mm;

	rcu_read_lock();
	task = get_pid_task(find_vpid(pid), PIDTYPE_PID);
	rcu_read_unlock();
	if (!task)
		return ERR_PTR(-ESRCH);
	mm = get_task_mm(task);
	if (!mm)	/* a kernel thread, or it has exited */
		mm = ERR_PTR(task->flags & PF_KTHREAD ? -EINVAL : -ESRCH);
	put_task_struct(task);
	return mm;
}

/** leap_process_detach_all - from now on all processes use the swap device */
void leap_process_detach_all(void)
{
	struct leap_mm *lm;
	unsigned long id;

	guard(mutex)(&process_mutex);
	xa_lock(&leap_mms);	/* no child inherits meanwhile */
	xa_for_each(&leap_mms, id, lm)
		WRITE_ONCE(lm->attached, false);
	xa_unlock(&leap_mms);
	last_pid = 0;
}

static int attach(pid_t pid)
{
	struct mm_struct *mm = mm_of(pid);
	struct leap_mm *lm;

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	lm = leap_mm_get(mm);
	if (!IS_ERR(lm)) {
		if (!lm->attached)
			WRITE_ONCE(lm->prefetch, prefetch_all);
		WRITE_ONCE(lm->attached, true);
	}
	mmput(mm);
	return PTR_ERR_OR_ZERO(lm);
}

/**
 * set_process_id - let a process swap to remote memory
 * @pid: process id in the caller's pid namespace, or 0 to detach all processes
 *
 * Children that it forks later, and what it or they exec, are attached too.
 * Pages of no process (tmpfs, shared memory) stay on the swap device. May be
 * called for as many processes as wanted. May sleep.
 *
 * Return: 0; -ESRCH no such process, -EINVAL a kernel thread or a negative pid,
 * -ENOSPC 65535 processes are attached, -ENOMEM.
 */
int set_process_id(pid_t pid)
{
	int err;

	might_sleep();
	if (pid < 0)
		return -EINVAL;
	if (!pid) {
		leap_process_detach_all();
		return 0;
	}
	guard(mutex)(&process_mutex);
	err = attach(pid);
	if (!err)
		last_pid = pid;
	return err;
}
EXPORT_SYMBOL_GPL(set_process_id);

/**
 * get_process_id - the pid that set_process_id() last succeeded with
 *
 * Return: the pid; 0 if there is none or all have been detached since.
 */
pid_t get_process_id(void)
{
	return READ_ONCE(last_pid);
}
EXPORT_SYMBOL_GPL(get_process_id);

/* The memory map of a process that is attached, for mmput(). */
static struct mm_struct *attached_mm_of(pid_t pid)
{
	struct mm_struct *mm = mm_of(pid);

	lockdep_assert_held(&process_mutex);
	if (IS_ERR(mm) || (mm->leap && mm->leap->attached))
		return mm;
	mmput(mm);
	return ERR_PTR(-ENOENT);
}

/**
 * leap_process_detach - send one process's pages to the swap device
 * @pid: process id in the caller's pid namespace
 *
 * What it has stored remotely is still read from there. May sleep.
 *
 * Return: 0; -ESRCH no such process, -EINVAL a kernel thread, -ENOENT the
 * process is not attached.
 */
int leap_process_detach(pid_t pid)
{
	struct mm_struct *mm;

	guard(mutex)(&process_mutex);
	mm = attached_mm_of(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	WRITE_ONCE(mm->leap->attached, false);
	mmput(mm);
	return 0;
}

/**
 * set_custom_prefetch - choose who reads ahead
 * @on: 1: Leap, by the trend of each process's faults; 0: the kernel
 *
 * For all processes that are attached, and those that will be. May sleep.
 *
 * Return: 0; -EINVAL @on is neither.
 */
int set_custom_prefetch(int on)
{
	struct leap_mm *lm;
	unsigned long id;

	if (on != 0 && on != 1)
		return -EINVAL;
	guard(mutex)(&process_mutex);
	prefetch_all = on;
	xa_lock(&leap_mms);	/* no child inherits meanwhile */
	xa_for_each(&leap_mms, id, lm)
		WRITE_ONCE(lm->prefetch, on);
	xa_unlock(&leap_mms);
	return 0;
}
EXPORT_SYMBOL_GPL(set_custom_prefetch);

/**
 * get_custom_prefetch - what set_custom_prefetch() has set
 *
 * Return: 0 or 1.
 */
int get_custom_prefetch(void)
{
	return READ_ONCE(prefetch_all);
}
EXPORT_SYMBOL_GPL(get_custom_prefetch);

/**
 * leap_process_prefetch - choose who reads ahead for one process
 * @pid: process id in the caller's pid namespace
 * @on: Leap, not the kernel
 *
 * Holds for the children that it forks later, too. May sleep.
 *
 * Return: 0; -ESRCH no such process, -EINVAL a kernel thread, -ENOENT the
 * process is not attached.
 */
int leap_process_prefetch(pid_t pid, bool on)
{
	struct mm_struct *mm;

	guard(mutex)(&process_mutex);
	mm = attached_mm_of(pid);
	if (IS_ERR(mm))
		return PTR_ERR(mm);
	WRITE_ONCE(mm->leap->prefetch, on);
	mmput(mm);
	return 0;
}
