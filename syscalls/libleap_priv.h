/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of libleap share; not installed and not in libleap.so. */
#ifndef LIBLEAP_PRIV_H
#define LIBLEAP_PRIV_H

#define API	__attribute__((visibility("default")))

/* The folder that is read and written; LEAP_SYSFS unless a test sets it. */
extern const char *leap_sysfs_root;

int leap_read_own(const char *name, char **text);

#endif /* LIBLEAP_PRIV_H */
