/* SPDX-License-Identifier: GPL-2.0 */
/* prefetch.c, for the other files of leap.ko. */
#ifndef LEAP_PREFETCH_H
#define LEAP_PREFETCH_H

#include "leap.h"
#include "policy/prefetch.h"

/* Prefetched pages of one process that may wait for use, and the most of them. */
#define LEAP_PREFETCH_BUFFER		1024
#define LEAP_PREFETCH_BUFFER_MAX	32768

void leap_prefetch_start(void);
void leap_prefetch_exit(void);
void leap_prefetch_prune(void);
void leap_prefetch_fault_of(struct vm_fault *vmf, swp_entry_t entry,
			    struct folio *folio, bool miss);
void leap_prefetch_settings_get(struct leap_prefetch_settings *set);
int leap_prefetch_settings_set(const struct leap_prefetch_settings *set);
void leap_prefetch_for_each(void (*fn)(struct leap_mm *lm,
				       const struct leap_prefetch_counters *count,
				       void *arg), void *arg);

#endif /* LEAP_PREFETCH_H */
