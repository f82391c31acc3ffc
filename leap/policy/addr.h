/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_ADDR_H
#define LEAP_POLICY_ADDR_H

#include "deps.h"

bool leap_addr4_parse(const char *text, size_t len, u8 addr[4]);
bool leap_addr6_parse(const char *text, size_t len, u8 addr[16]);

#endif /* LEAP_POLICY_ADDR_H */
