/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PACE_H
#define LEAP_POLICY_PACE_H

#include "deps.h"

/**
 * struct leap_pace - how much time a program has between its faults
 * @asked: when a fault has asked for pages, in ns; 0 if it had to wait itself, or
 *	another one has since
 * @faults: since then
 */
struct leap_pace {
	u64 asked;
	u32 faults;
};

void leap_pace_fault(struct leap_pace *pace, bool waits);
u64 leap_pace_delay(struct leap_pace *pace, u64 now, bool waits);

#endif /* LEAP_POLICY_PACE_H */
