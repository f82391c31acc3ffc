/* SPDX-License-Identifier: GPL-2.0 */
/* For the unit tests alone; not installed and not in libleap.so. */
#ifndef LIBLEAP_PRIV_H
#define LIBLEAP_PRIV_H

/* The folder that is read and written; LEAP_SYSFS unless a test sets it. */
extern const char *leap_sysfs_root;

#endif /* LIBLEAP_PRIV_H */
