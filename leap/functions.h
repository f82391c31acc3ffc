/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What leap.ko offers to other kernel code, beside the functions that the
 * kernel itself has in <linux/leap.h>.
 */
#ifndef LEAP_FUNCTIONS_H
#define LEAP_FUNCTIONS_H

void swap_info_log(void);

#endif /* LEAP_FUNCTIONS_H */
