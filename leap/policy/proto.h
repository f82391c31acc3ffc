/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PROTO_H
#define LEAP_POLICY_PROTO_H

#include "deps.h"
#include "../uapi/leap_proto.h"

/* Page sizes that Linux has: 4 KiB to 256 KiB. */
#define LEAP_PAGE_SHIFT_MIN	12
#define LEAP_PAGE_SHIFT_MAX	18

/*
 * The messages of uapi/leap_proto.h in the CPU's byte order. The names of the
 * fields are those of the wire, and so is their meaning.
 *
 * @version is set by decoding, also if it fails with -EPROTOTYPE; encoding
 * ignores it and writes LEAP_PROTO_VERSION.
 */
struct leap_hello_info {
	u16 version;
	u8 role;
	u8 page_shift;
	u8 slab_shift;
	u8 flags;
	u16 queues;
	u16 depth;
	u8 client_id[LEAP_CLIENT_ID_LEN];
	u64 token;
};

struct leap_welcome_info {
	u16 version;
	u8 page_shift;
	u8 slab_shift;
	u16 queues;
	u16 depth;
	u32 flags;
	u64 token;
	u64 capacity;
};

/* @text is NUL-terminated printable ASCII once decoded. */
struct leap_refusal_info {
	u16 version;
	u16 code;
	char text[LEAP_REFUSAL_TEXT];
};

struct leap_msg_info {
	u16 type;
	u16 status;
	u64 seq;
	u64 addr;
	u64 capacity;
	u32 slab;
	u32 rkey;
	u32 used;
	u32 seconds;
	u8 bytes[LEAP_NONCE_LEN];
};

void leap_hello_encode(const struct leap_hello_info *info,
		       struct leap_hello *wire);
int leap_hello_decode(const void *data, size_t len,
		      struct leap_hello_info *info);

void leap_welcome_encode(const struct leap_welcome_info *info,
			 struct leap_welcome *wire);
int leap_welcome_decode(const void *data, size_t len,
			struct leap_welcome_info *info);

void leap_refusal_encode(const struct leap_refusal_info *info,
			 struct leap_refusal *wire);
int leap_refusal_decode(const void *data, size_t len,
			struct leap_refusal_info *info);
int leap_refusal_errno(u16 code);

void leap_msg_encode(const struct leap_msg_info *info, struct leap_msg *wire);
int leap_msg_decode(const void *data, size_t len, struct leap_msg_info *info);

#endif /* LEAP_POLICY_PROTO_H */
