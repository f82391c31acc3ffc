/* SPDX-License-Identifier: GPL-2.0 */
/* What leap.ko offers to other kernel code. */
#ifndef LEAP_FUNCTIONS_H
#define LEAP_FUNCTIONS_H

#include <linux/types.h>

int set_process_id(pid_t pid);
pid_t get_process_id(void);
void swap_info_log(void);

#endif /* LEAP_FUNCTIONS_H */
