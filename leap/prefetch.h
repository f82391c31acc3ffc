/* SPDX-License-Identifier: GPL-2.0 */
/* prefetch.c, reader.c and reader_list.c, for the other files of leap.ko. */
#ifndef LEAP_PREFETCH_H
#define LEAP_PREFETCH_H

#include "leap.h"
#include "policy/prefetch.h"

/* Prefetched pages of one process that may wait for use, and the most of them. */
#define LEAP_PREFETCH_BUFFER		1024
#define LEAP_PREFETCH_BUFFER_MAX	32768

/* prefetch.c */

void leap_prefetch_settings_init(void);
unsigned int leap_prefetch_settings_version(void);
unsigned int leap_prefetch_settings_get(struct leap_prefetch_settings *set);
int leap_prefetch_settings_set(const struct leap_prefetch_settings *set);

/* reader.c */

void leap_reader_fault(struct vm_fault *vmf, swp_entry_t entry,
		       struct folio *folio, bool miss);

/* reader_list.c */

int leap_reader_init(void);
void leap_reader_exit(void);
ssize_t leap_reader_show(char *buf, int at);
int leap_reader_resize(unsigned int pages);
void leap_reader_for_each(void (*fn)(struct leap_mm *lm,
				     const struct leap_prefetch_counters *count,
				     void *arg), void *arg);

#endif /* LEAP_PREFETCH_H */
