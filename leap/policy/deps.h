/* SPDX-License-Identifier: GPL-2.0 */
/*
 * All that policy code may use from its surroundings: names that the kernel
 * has, and that userspace gets from here. The rest of leap/policy/ includes
 * only this, its own headers and leap/uapi/, and so it is the same source in
 * leap.ko, leapd, leapctl and the tests. It needs no memory, lock or clock.
 */
#ifndef LEAP_POLICY_DEPS_H
#define LEAP_POLICY_DEPS_H

#ifdef __KERNEL__

#include <linux/array_size.h>
#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/compiler_attributes.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/overflow.h>
#include <linux/socket.h>
#include <linux/sprintf.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#else

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <linux/types.h>
#include <sys/socket.h>

/* As in <stdint.h>, by the names that the compiler has for these types. */
typedef __UINT8_TYPE__ u8;
typedef __UINT16_TYPE__ u16;
typedef __UINT32_TYPE__ u32;
typedef __UINT64_TYPE__ u64;
typedef __INT32_TYPE__ s32;
typedef __INT64_TYPE__ s64;

#define cpu_to_le16(x)	htole16(x)
#define cpu_to_le32(x)	htole32(x)
#define cpu_to_le64(x)	htole64(x)
#define le16_to_cpu(x)	le16toh(x)
#define le32_to_cpu(x)	le32toh(x)
#define le64_to_cpu(x)	le64toh(x)

#define check_add_overflow(a, b, sum)		__builtin_add_overflow(a, b, sum)
#define check_mul_overflow(a, b, product)	__builtin_mul_overflow(a, b, product)

#define fallthrough	__attribute__((fallthrough))

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Number of the highest bit that is set, the lowest being 1; 0 if none is. */
static inline int fls64(u64 x)
{
	return x ? 64 - __builtin_clzll(x) : 0;
}

#endif /* __KERNEL__ */

#endif /* LEAP_POLICY_DEPS_H */
