// SPDX-License-Identifier: GPL-2.0
/* /sys/kernel/mm/leap/prefetch: the switches and numbers of the prefetcher. */
#include <linux/kobject.h>
#include <linux/sysfs.h>
#include "functions.h"
#include "leap.h"
#include "policy/errors.h"
#include "prefetch.h"

static ssize_t number_show(int number, char *buf)
{
	return sysfs_emit(buf, "%d\n", number);
}

/* A command that takes a number from @min to @max. */
static ssize_t number_store(int (*command)(int number), const char *what,
			    int min, int max, const char *buf, size_t count)
{
	int number;
	int err = kstrtoint(buf, 10, &number);

	if (!err && (number < min || number > max))
		err = -ERANGE;
	if (err) {
		leap_error("%s: not a number from %d to %d: %.*s", what, min,
			   max, (int)strcspn(buf, "\n"), buf);
		return err;
	}
	err = command(number);
	if (err)
		leap_error("%s: %s", what, leap_strerror(err));
	return err ?: count;
}

#define NUMBER(_name, _get, _set, _min, _max)				\
static ssize_t _name##_show(struct kobject *kobj,			\
			    struct kobj_attribute *attr, char *buf)	\
{									\
	return number_show(_get(), buf);				\
}									\
									\
static ssize_t _name##_store(struct kobject *kobj,			\
			     struct kobj_attribute *attr,		\
			     const char *buf, size_t count)		\
{									\
	return number_store(_set, "prefetch " #_name, _min, _max, buf,	\
			    count);					\
}									\
									\
static struct kobj_attribute _name##_attr = __ATTR_RW(_name)

static int get_split(void)
{
	struct leap_prefetch_settings set;

	leap_prefetch_settings_get(&set);
	return set.split;
}

static int set_split(int split)
{
	struct leap_prefetch_settings set;

	leap_prefetch_settings_get(&set);
	set.split = min(split, set.history);
	return leap_prefetch_settings_set(&set);
}

static int get_window(void)
{
	struct leap_prefetch_settings set;

	leap_prefetch_settings_get(&set);
	return set.max_window;
}

static int set_window(int window)
{
	struct leap_prefetch_settings set;

	leap_prefetch_settings_get(&set);
	set.max_window = window;
	return leap_prefetch_settings_set(&set);
}

NUMBER(enabled, get_custom_prefetch, set_custom_prefetch, 0, 1);
NUMBER(history, get_swap_trend, init_swap_trend, 2, LEAP_TREND_SIZE_MAX);
NUMBER(split, get_split, set_split, 1, LEAP_TREND_SIZE_MAX);
NUMBER(window, get_window, set_window, 1, LEAP_WINDOW_MAX);
NUMBER(buffer, get_prefetch_buffer, prefetch_buffer_init, 1, LEAP_PREFETCH_BUFFER_MAX);
NUMBER(buffer_active, get_prefetch_buffer_active, activate_prefetch_buffer, 0, 1);

static int process_on(pid_t pid)
{
	return leap_process_prefetch(pid, true);
}

static int process_off(pid_t pid)
{
	return leap_process_prefetch(pid, false);
}

static ssize_t on_store(struct kobject *kobj, struct kobj_attribute *attr,
			const char *buf, size_t count)
{
	return leap_pid_store(process_on, "prefetch on", buf, count);
}

static ssize_t off_store(struct kobject *kobj, struct kobj_attribute *attr,
			 const char *buf, size_t count)
{
	return leap_pid_store(process_off, "prefetch off", buf, count);
}

static void dump(struct leap_mm *lm, const struct leap_prefetch_counters *count,
		 void *arg)
{
	leap_dump_process(arg, lm, "%d %llu %llu %llu %llu %llu %llu",
			  READ_ONCE(lm->prefetch), count->faults, count->misses,
			  count->hits, count->late, count->issued, count->unused);
}

static ssize_t processes_read(struct file *file, struct kobject *kobj,
			      struct bin_attribute *attr, char *buf, loff_t pos,
			      size_t count)
{
	struct leap_dump to = { .buf = buf, .room = count };

	to.skip = div_u64(pos, LEAP_PROCESS_LINE);
	leap_reader_for_each(dump, &to);
	return to.len;
}

static struct kobj_attribute on_attr = __ATTR_WO(on);
static struct kobj_attribute off_attr = __ATTR_WO(off);
static struct bin_attribute processes_attr = __BIN_ATTR(processes, 0444,
							processes_read, NULL, 0);

static struct attribute *attrs[] = {
	&enabled_attr.attr,
	&history_attr.attr,
	&split_attr.attr,
	&window_attr.attr,
	&buffer_attr.attr,
	&buffer_active_attr.attr,
	&on_attr.attr,
	&off_attr.attr,
	NULL
};

static struct bin_attribute *bin_attrs[] = {
	&processes_attr,
	NULL
};

const struct attribute_group leap_prefetch_group = {
	.name = "prefetch",
	.attrs = attrs,
	.bin_attrs = bin_attrs,
};
