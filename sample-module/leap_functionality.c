// SPDX-License-Identifier: GPL-2.0
/*
 * Drives Leap from kernel code: each cmd= calls one of the functions that leap.ko
 * exports. README.md shows how it is used.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include "../leap/functions.h"

static char *cmd = "";
module_param(cmd, charp, 0444);
MODULE_PARM_DESC(cmd, "What to do: init, log, readahead or prefetch");

static char *process_name = "";
module_param(process_name, charp, 0444);
MODULE_PARM_DESC(process_name, "Name (comm) of the processes to attach; with cmd=init");

static int history = 32;
module_param(history, int, 0444);
MODULE_PARM_DESC(history, "Distances between faults that decide on the trend; with cmd=prefetch (default 32)");

static int buffer = 1024;
module_param(buffer, int, 0444);
MODULE_PARM_DESC(buffer, "Prefetched pages of a process that may wait for use; with cmd=prefetch (default 1024)");

/**
 * next_process - find a process by its name
 * @name: the name, at most TASK_COMM_LEN - 1 bytes of which count
 * @after: only processes with a higher pid than this
 *
 * Kernel threads have no memory to swap and are passed over.
 *
 * Return: the lowest such pid in the caller's namespace, 0 if there is none.
 */
static pid_t next_process(const char *name, pid_t after)
{
	char comm[TASK_COMM_LEN];
	struct task_struct *task;
	pid_t pid, found = 0;

	rcu_read_lock();
	for_each_process(task) {
		if (task->flags & PF_KTHREAD)
			continue;
		pid = task_tgid_vnr(task);
		if (pid <= after || (found && pid > found))
			continue;
		get_task_comm(comm, task);
		if (!strncmp(comm, name, TASK_COMM_LEN - 1))
			found = pid;
	}
	rcu_read_unlock();
	return found;
}

/*
 * One walk over the processes for each that is found: attaching may sleep, so
 * it cannot be done during the walk, and a list of pids would need a bound.
 */
static int attach_by_name(void)
{
	pid_t pid = 0;
	int err, attached = 0;

	if (!*process_name) {
		pr_err("cmd=init needs process_name=NAME\n");
		return -EINVAL;
	}
	while ((pid = next_process(process_name, pid))) {
		err = set_process_id(pid);
		if (err == -ESRCH)	/* it has exited since */
			continue;
		if (err) {
			pr_err("cannot attach process %d (%s): error %d; %d are attached\n",
			       pid, process_name, err, attached);
			return err;
		}
		pr_info("attached process %d (%s)\n", pid, process_name);
		attached++;
	}
	if (!attached) {
		pr_err("no process is named \"%s\"; start it first, ps -o pid,comm -A shows the names\n",
		       process_name);
		return -ESRCH;
	}
	return 0;
}

static int log_numbers(void)
{
	pr_info("the process that was attached last is %d\n", get_process_id());
	swap_info_log();
	return 0;
}

static int use_readahead(void)
{
	set_custom_prefetch(0);
	pr_info("the kernel's readahead is in force\n");
	return 0;
}

static int use_prefetch(void)
{
	int err = init_swap_trend(history);

	if (err) {
		pr_err("history=%d is not a number from 2 to 64\n", history);
		return err;
	}
	err = prefetch_buffer_init(buffer);
	if (err) {
		pr_err("buffer=%d is not a number from 1 to 32768, or there is no memory for that many\n",
		       buffer);
		return err;
	}
	activate_prefetch_buffer(1);
	set_custom_prefetch(1);
	pr_info("the prefetcher is in force, with a history of %d and a buffer of %d pages\n",
		get_swap_trend(), get_prefetch_buffer());
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "init", attach_by_name },
	{ "log", log_numbers },
	{ "readahead", use_readahead },
	{ "prefetch", use_prefetch },
};

static int __init leap_functionality_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(cmd, commands[i].name))
			return commands[i].run();
	pr_err("cmd=\"%s\" is not known; use cmd=init process_name=NAME, cmd=log, cmd=readahead or cmd=prefetch\n",
	       cmd);
	return -EINVAL;
}

/* What a command has done stays: processes remain attached. */
static void __exit leap_functionality_exit(void)
{
}

module_init(leap_functionality_init);
module_exit(leap_functionality_exit);
MODULE_DESCRIPTION("Drives Leap from kernel code");
MODULE_LICENSE("GPL");
