/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PACE_H
#define LEAP_POLICY_PACE_H

#include "deps.h"

/**
 * struct leap_pace - how much time a program has between its faults
 * @asked: when a fault has asked for pages, in ns; 0 if it had to wait itself, or
 *	another one has since
 * @faults: since then
 * @gap: time between two of them, in ns, as it was found last; 0 if it never was
 */
struct leap_pace {
	u64 asked;
	u32 faults;
	u32 gap;
};

void leap_pace_fault(struct leap_pace *pace, bool waits);
void leap_pace_asked(struct leap_pace *pace, u64 now, bool waits);
u64 leap_pace_delay(const struct leap_pace *pace);

#endif /* LEAP_POLICY_PACE_H */
