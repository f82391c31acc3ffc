/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PACE_H
#define LEAP_POLICY_PACE_H

#include "deps.h"

/**
 * struct leap_pace - how much time a program has between its faults
 * @last: when the last fault was, in ns; 0 if it had to wait
 * @least: the shortest time between two since a fault has asked for pages, in ns; 0 if
 *	there was none
 * @gap: what that was before, in ns; 0 if it never was
 */
struct leap_pace {
	u64 last;
	u32 least;
	u32 gap;
};

void leap_pace_fault(struct leap_pace *pace, u64 now, bool waits);
void leap_pace_asked(struct leap_pace *pace);
u64 leap_pace_delay(const struct leap_pace *pace);

#endif /* LEAP_POLICY_PACE_H */
