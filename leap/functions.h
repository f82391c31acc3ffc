/* SPDX-License-Identifier: GPL-2.0 */
/* What leap.ko offers to other kernel code. */
#ifndef LEAP_FUNCTIONS_H
#define LEAP_FUNCTIONS_H

#include <linux/types.h>

int set_process_id(pid_t pid);
pid_t get_process_id(void);
int set_custom_prefetch(int on);
int get_custom_prefetch(void);
int init_swap_trend(int size);
int get_swap_trend(void);
int prefetch_buffer_init(int pages);
int get_prefetch_buffer(void);
int activate_prefetch_buffer(int on);
int get_prefetch_buffer_active(void);
void swap_info_log(void);

#endif /* LEAP_FUNCTIONS_H */
