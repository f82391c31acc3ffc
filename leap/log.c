// SPDX-License-Identifier: GPL-2.0
/* The numbers, in the kernel log. */
#include <linux/slab.h>
#include "functions.h"
#include "leap.h"

/* Each line of @text becomes one of the log. */
static void log_lines(char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")))
		if (*line)
			pr_info("%s\n", line);
}

/**
 * swap_info_log - write the session and the counters to the kernel log
 *
 * They are those of /sys/kernel/mm/leap/session and stat. May sleep.
 */
void swap_info_log(void)
{
	/* What fills it wants a page as sysfs has it. */
	char *page = (char *)get_zeroed_page(GFP_KERNEL);
	ssize_t len;

	if (!page) {
		pr_err("no memory to log the numbers; try again\n");
		return;
	}
	if (!leap_session_show(page))
		strscpy(page, "no session", PAGE_SIZE);
	log_lines(page);
	len = leap_stats_show(leap_stats_all, page);
	len += leap_map_show(page, len);
	leap_stats_show_faults(page, len);
	log_lines(page);
	free_page((unsigned long)page);
}
EXPORT_SYMBOL_GPL(swap_info_log);
