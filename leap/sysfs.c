// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/mm/leap: commands and numbers. What each file means stands in
 * Documentation/sysfs-kernel-mm-leap.
 */
#include <linux/kobject.h>
#include <linux/sched.h>
#include <linux/sysfs.h>
#include "functions.h"
#include "io.h"
#include "policy/errors.h"
#include "prefetch.h"

static struct kobject *leap_kobj;
static struct kobject *servers_kobj;

/**
 * leap_pid_store - a command that takes a pid
 * @command: carries it out; 0 or a negative errno value
 * @what: its name
 * @buf: what was written
 * @count: bytes of it
 *
 * Return: @count or a negative errno value; leap_error() has been called then.
 */
ssize_t leap_pid_store(int (*command)(pid_t pid), const char *what,
		       const char *buf, size_t count)
{
	pid_t pid;
	int err = kstrtoint(buf, 10, &pid);

	if (!err)
		err = command(pid);
	if (err) {
		leap_error("%s %.*s: %s", what, (int)strcspn(buf, "\n"), buf,
			   err == -EINVAL ?
			   "no pid of a program; a kernel thread has no memory to swap" :
			   leap_strerror(err));
		return err;
	}
	return count;
}

static ssize_t attach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return leap_pid_store(set_process_id, "attach", buf, count);
}

static ssize_t detach_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return leap_pid_store(leap_process_detach, "detach", buf, count);
}

static ssize_t destroy_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	bool force = sysfs_streq(buf, "force");
	int err;

	if (!force && !sysfs_streq(buf, "1"))
		return -EINVAL;
	err = leap_session_destroy(force);
	return err ?: count;
}

static ssize_t session_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return leap_session_show(buf);
}

static ssize_t last_error_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return leap_error_show(buf);
}

static ssize_t stat_show(struct kobject *kobj, struct kobj_attribute *attr,
			 char *buf)
{
	ssize_t len = leap_stats_show(leap_stats_all, buf);

	len += leap_map_show(buf, len);
	len += leap_backup_show(buf, len);
	len += leap_stats_show_faults(buf, len);
	return len + leap_reader_show(buf, len);
}

static ssize_t load_hist_show(struct kobject *kobj, struct kobj_attribute *attr,
			      char *buf)
{
	return leap_stats_show_hist(leap_stats_all, LEAP_LOAD, buf);
}

static ssize_t store_hist_show(struct kobject *kobj,
			       struct kobj_attribute *attr, char *buf)
{
	return leap_stats_show_hist(leap_stats_all, LEAP_STORE, buf);
}

/**
 * leap_dump_process - format one line about a process
 * @dump: where; nothing is done if the reader has had it or has no room for it
 * @lm: the process, under the lock of leap_mms
 * @fmt: what follows its pid and name
 */
void leap_dump_process(struct leap_dump *dump, struct leap_mm *lm,
		       const char *fmt, ...)
{
	char comm[TASK_COMM_LEN] = "-";
	char line[LEAP_PROCESS_LINE];
	struct task_struct *task;
	va_list args;
	pid_t pid = 0;
	int len;

	if (dump->skip) {
		dump->skip--;
		return;
	}
	if (dump->len + LEAP_PROCESS_LINE > dump->room)
		return;
	rcu_read_lock();
	task = rcu_dereference(lm->mm->owner);
	if (task) {
		pid = task_tgid_nr(task);
		strscpy(comm, task->comm);
	}
	rcu_read_unlock();
	strreplace(comm, ' ', '_');
	len = scnprintf(line, sizeof(line), "%d %s ", pid, comm);
	va_start(args, fmt);
	len += vscnprintf(line + len, sizeof(line) - len, fmt, args);
	va_end(args);
	memset(line + len, ' ', sizeof(line) - len);
	line[sizeof(line) - 1] = '\n';
	memcpy(dump->buf + dump->len, line, sizeof(line));
	dump->len += sizeof(line);
}

static void dump_process(struct leap_mm *lm, struct leap_dump *dump)
{
	long events[LEAP_MM_EVENTS], remote;
	int i;

	for (i = 0; i < LEAP_MM_EVENTS; i++)
		events[i] = atomic_long_read(&lm->events[i]);
	remote = events[LEAP_MM_STORED] - events[LEAP_MM_FREED];
	leap_dump_process(dump, lm, "%d %ld %ld %ld %ld %ld", lm->attached,
			  events[LEAP_MM_STORED], events[LEAP_MM_LOADED],
			  events[LEAP_MM_FREED], events[LEAP_MM_FAILED],
			  max(remote, 0));
}

static ssize_t processes_read(struct file *file, struct kobject *kobj,
			      struct bin_attribute *attr, char *buf, loff_t pos,
			      size_t count)
{
	struct leap_dump dump = { .buf = buf, .room = count };
	struct leap_mm *lm;
	unsigned long id;

	dump.skip = div_u64(pos, LEAP_PROCESS_LINE);
	xa_lock(&leap_mms);
	xa_for_each(&leap_mms, id, lm)
		dump_process(lm, &dump);
	xa_unlock(&leap_mms);
	return dump.len;
}

static struct kobj_attribute attach_attr = __ATTR_WO(attach);
static struct kobj_attribute detach_attr = __ATTR_WO(detach);
static struct kobj_attribute destroy_attr = __ATTR_WO(destroy);
static struct kobj_attribute session_attr = __ATTR_RO(session);
static struct kobj_attribute last_error_attr = __ATTR_RO(last_error);
static struct kobj_attribute stat_attr = __ATTR_RO(stat);
static struct kobj_attribute load_hist_attr = __ATTR_RO(load_hist);
static struct kobj_attribute store_hist_attr = __ATTR_RO(store_hist);
static struct bin_attribute processes_attr = __BIN_ATTR(processes, 0444,
							processes_read, NULL, 0);

static struct attribute *leap_attrs[] = {
	&attach_attr.attr,
	&detach_attr.attr,
	&destroy_attr.attr,
	&session_attr.attr,
	&last_error_attr.attr,
	&stat_attr.attr,
	&load_hist_attr.attr,
	&store_hist_attr.attr,
	NULL
};

static struct bin_attribute *leap_bin_attrs[] = {
	&processes_attr,
	NULL
};

static const struct attribute_group leap_group = {
	.attrs = leap_attrs,
	.bin_attrs = leap_bin_attrs,
};

/* Servers */

struct server_attribute {
	struct attribute attr;
	ssize_t (*show)(struct leap_server *server, char *buf);
};

static ssize_t server_address(struct leap_server *server, char *buf)
{
	const struct leap_portal_server *addr = &server->addr;

	if (server->session->transport == &leap_dram)
		return sysfs_emit(buf, "%llu\n", addr->bytes);
	if (addr->family == AF_INET6)
		return sysfs_emit(buf, "[%pI6c]:%u\n", addr->addr, addr->port);
	return sysfs_emit(buf, "%pI4:%u\n", addr->addr, addr->port);
}

static ssize_t server_state(struct leap_server *server, char *buf)
{
	return sysfs_emit(buf, "%s\n", leap_health_name(READ_ONCE(server->health.state)));
}

static ssize_t server_stat(struct leap_server *server, char *buf)
{
	bool lends = leap_health_lends(READ_ONCE(server->health.state));
	ssize_t len = leap_stats_show(server->stats, buf);

	len += leap_map_show_server(server, buf, len);
	return len + sysfs_emit_at(buf, len, "free_bytes %llu\nlosses %u\n",
				   lends ? READ_ONCE(server->capacity) : 0,
				   READ_ONCE(server->epoch));
}

static ssize_t server_load_hist(struct leap_server *server, char *buf)
{
	return leap_stats_show_hist(server->stats, LEAP_LOAD, buf);
}

static ssize_t server_store_hist(struct leap_server *server, char *buf)
{
	return leap_stats_show_hist(server->stats, LEAP_STORE, buf);
}

#define SERVER_ATTR(_name) {						\
	.attr = { .name = #_name, .mode = 0444 },			\
	.show = server_##_name,						\
}

static struct server_attribute server_attributes[] = {
	SERVER_ATTR(address),
	SERVER_ATTR(state),
	SERVER_ATTR(stat),
	SERVER_ATTR(load_hist),
	SERVER_ATTR(store_hist),
};

static struct attribute *server_attrs[] = {
	&server_attributes[0].attr,
	&server_attributes[1].attr,
	&server_attributes[2].attr,
	&server_attributes[3].attr,
	&server_attributes[4].attr,
	NULL
};
ATTRIBUTE_GROUPS(server);

static ssize_t server_attr_show(struct kobject *kobj, struct attribute *attr,
				char *buf)
{
	struct leap_server *server = container_of(kobj, struct leap_server, kobj);

	return container_of(attr, struct server_attribute, attr)->show(server, buf);
}

static const struct sysfs_ops server_sysfs_ops = {
	.show = server_attr_show,
};

/* A command that takes a server as the portal names it. */
static ssize_t server_command(int (*command)(const char *text), const char *buf,
			      size_t count)
{
	char *text = kstrndup(buf, count, GFP_KERNEL);
	size_t len;
	int err;

	if (!text)
		return -ENOMEM;
	/* Not @count: what is written may have a NUL in it, and the copy ends there. */
	len = strlen(text);
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	err = command(text);
	kfree(text);
	return err ?: count;
}

static ssize_t add_store(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t count)
{
	return server_command(leap_servers_add, buf, count);
}

static ssize_t remove_store(struct kobject *kobj, struct kobj_attribute *attr,
			    const char *buf, size_t count)
{
	return server_command(leap_servers_remove, buf, count);
}

static struct kobj_attribute add_attr = __ATTR_WO(add);
static struct kobj_attribute remove_attr = __ATTR_WO(remove);

static struct attribute *servers_attrs[] = {
	&add_attr.attr,
	&remove_attr.attr,
	NULL
};

static const struct attribute_group servers_group = {
	.attrs = servers_attrs,
};

/* leap_sysfs_remove_server() waits for this, the server's owner frees it. */
static void server_release(struct kobject *kobj)
{
	complete(&container_of(kobj, struct leap_server, kobj)->kobj_gone);
}

static const struct kobj_type server_type = {
	.release = server_release,
	.sysfs_ops = &server_sysfs_ops,
	.default_groups = server_groups,
};

/**
 * leap_sysfs_add_server - make servers/<n>
 * @server: whose
 *
 * Return: 0 or -ENOMEM.
 */
int leap_sysfs_add_server(struct leap_server *server)
{
	int err;

	init_completion(&server->kobj_gone);
	err = kobject_init_and_add(&server->kobj, &server_type, servers_kobj,
				   "%u", server->index);
	if (err)
		leap_sysfs_remove_server(server);
	return err;
}

/**
 * leap_sysfs_remove_server - the reverse; waits for readers
 * @server: whose
 */
void leap_sysfs_remove_server(struct leap_server *server)
{
	kobject_put(&server->kobj);
	wait_for_completion(&server->kobj_gone);
}

/**
 * leap_sysfs_init - make the folder
 *
 * Return: 0 or -ENOMEM.
 */
int leap_sysfs_init(void)
{
	int err;

	leap_kobj = kobject_create_and_add("leap", mm_kobj);
	if (!leap_kobj)
		return -ENOMEM;
	servers_kobj = kobject_create_and_add("servers", leap_kobj);
	if (!servers_kobj) {
		kobject_put(leap_kobj);
		return -ENOMEM;
	}
	err = sysfs_create_group(leap_kobj, &leap_group);
	if (!err)
		err = sysfs_create_group(servers_kobj, &servers_group);
	if (!err)
		err = sysfs_create_group(leap_kobj, &leap_prefetch_group);
	if (err)
		leap_sysfs_exit();
	return err;
}

/** leap_sysfs_exit - the reverse */
void leap_sysfs_exit(void)
{
	kobject_put(servers_kobj);
	kobject_put(leap_kobj);
}
