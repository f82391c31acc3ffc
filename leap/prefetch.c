// SPDX-License-Identifier: GPL-2.0
/* What can be chosen about prefetching; reader.c goes by it. */
#include <linux/export.h>
#include "functions.h"
#include "prefetch.h"

static DEFINE_SPINLOCK(settings_lock);
static struct leap_prefetch_settings settings;
static unsigned int settings_version;

static unsigned int buffer_pages = LEAP_PREFETCH_BUFFER;
static bool buffer_active = true;

/** leap_prefetch_settings_init - before the first fault */
void leap_prefetch_settings_init(void)
{
	settings = leap_prefetch_defaults;
}

/**
 * leap_prefetch_settings_version - have the settings changed?
 *
 * Return: another number each time they have.
 */
unsigned int leap_prefetch_settings_version(void)
{
	return READ_ONCE(settings_version);
}

/**
 * leap_prefetch_settings_get - what holds for all processes
 * @set: filled in
 *
 * Return: what leap_prefetch_settings_version() says of them.
 */
unsigned int leap_prefetch_settings_get(struct leap_prefetch_settings *set)
{
	unsigned int version;

	spin_lock(&settings_lock);
	*set = settings;
	version = settings_version;
	spin_unlock(&settings_lock);
	return version;
}

/**
 * leap_prefetch_settings_set - from now on with other settings
 * @set: all of them
 *
 * Each process forgets what it has learned at its next fault.
 *
 * Return: 0; -ERANGE one of them is out of its range.
 */
int leap_prefetch_settings_set(const struct leap_prefetch_settings *set)
{
	int err = leap_prefetch_check(set);

	if (err)
		return err;
	spin_lock(&settings_lock);
	settings = *set;
	WRITE_ONCE(settings_version, settings_version + 1);
	spin_unlock(&settings_lock);
	return 0;
}

/**
 * init_swap_trend - how much of the past decides
 * @size: deltas between faults that are remembered of each stream, 2 to 64
 *
 * What was learned is forgotten.
 *
 * Return: 0; -ERANGE.
 */
int init_swap_trend(int size)
{
	struct leap_prefetch_settings set;

	if (size < 2 || size > LEAP_TREND_SIZE_MAX)
		return -ERANGE;
	leap_prefetch_settings_get(&set);
	set.history = size;
	set.split = min(set.split, size);
	return leap_prefetch_settings_set(&set);
}
EXPORT_SYMBOL_GPL(init_swap_trend);

/**
 * get_swap_trend - what init_swap_trend() has set
 *
 * Return: deltas.
 */
int get_swap_trend(void)
{
	struct leap_prefetch_settings set;

	leap_prefetch_settings_get(&set);
	return set.history;
}
EXPORT_SYMBOL_GPL(get_swap_trend);

/**
 * prefetch_buffer_init - how many prefetched pages of a process may wait for use
 * @pages: 1 to LEAP_PREFETCH_BUFFER_MAX
 *
 * The oldest ones above that are dropped, if activate_prefetch_buffer() says so.
 * May sleep.
 *
 * Return: 0; -ERANGE; -ENOMEM and some processes have the new number already.
 */
int prefetch_buffer_init(int pages)
{
	int err;

	if (pages < 1 || pages > LEAP_PREFETCH_BUFFER_MAX)
		return -ERANGE;
	err = leap_reader_resize(pages);
	if (!err)
		WRITE_ONCE(buffer_pages, pages);
	return err;
}
EXPORT_SYMBOL_GPL(prefetch_buffer_init);

/**
 * get_prefetch_buffer - what prefetch_buffer_init() has set
 *
 * Return: pages.
 */
int get_prefetch_buffer(void)
{
	return READ_ONCE(buffer_pages);
}
EXPORT_SYMBOL_GPL(get_prefetch_buffer);

/**
 * activate_prefetch_buffer - drop prefetched pages that are not used, or do not
 * @on: 1: when there are too many of them; 0: leave them to the kernel's reclaim
 *
 * Return: 0; -EINVAL @on is neither.
 */
int activate_prefetch_buffer(int on)
{
	if (on != 0 && on != 1)
		return -EINVAL;
	WRITE_ONCE(buffer_active, on);
	return 0;
}
EXPORT_SYMBOL_GPL(activate_prefetch_buffer);

/**
 * get_prefetch_buffer_active - what activate_prefetch_buffer() has set
 *
 * Return: 0 or 1.
 */
int get_prefetch_buffer_active(void)
{
	return READ_ONCE(buffer_active);
}
EXPORT_SYMBOL_GPL(get_prefetch_buffer_active);
