/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_ERRORS_H
#define LEAP_POLICY_ERRORS_H

#include "deps.h"

const char *leap_strerror(int err);

#endif /* LEAP_POLICY_ERRORS_H */
