// SPDX-License-Identifier: GPL-2.0
/*
 * Encoding and decoding of what uapi/leap_proto.h defines.
 *
 * A peer is not trusted: a decoder looks at nothing behind @len, and passes on
 * only values that the rest of the code can live with. Before it looks at
 * anything else it checks magic and version, which are at the same place in
 * every version, so that two versions part with the right words.
 *
 * The decoders return
 *
 * * -EPROTO	other magic: this is not Leap
 * * -EPROTOTYPE	another version, which is then known; the rest is zero
 * * -EBADMSG	too short, or something is set that must be zero
 * * -EINVAL	a field is out of range
 *
 * Bytes behind the message are ignored, as InfiniBand pads private data.
 */
#include "proto.h"

static_assert(sizeof(struct leap_hello) == 40, "a hello on the wire");
static_assert(sizeof(struct leap_welcome) == 32, "a welcome on the wire");
static_assert(sizeof(struct leap_refusal) == 136, "a refusal on the wire");
static_assert(sizeof(struct leap_msg) == 56, "a message on the wire");

/* What hello, welcome and refusal begin with. */
struct head {
	__le32 magic;
	__le16 version;
};

#define HEAD_LEN	(offsetof(struct head, version) + sizeof(__le16))

static int check_head(const void *data, size_t len, size_t want, u16 *version)
{
	struct head head;

	if (len < HEAD_LEN)
		return -EBADMSG;
	memcpy(&head, data, HEAD_LEN);
	if (le32_to_cpu(head.magic) != LEAP_PROTO_MAGIC)
		return -EPROTO;
	*version = le16_to_cpu(head.version);
	if (*version != LEAP_PROTO_VERSION)
		return -EPROTOTYPE;
	return len < want ? -EBADMSG : 0;
}

static bool between(u32 value, u32 low, u32 high)
{
	return value >= low && value <= high;
}

static bool sizes_valid(u8 page_shift, u16 queues, u16 depth)
{
	return between(page_shift, LEAP_PAGE_SHIFT_MIN, LEAP_PAGE_SHIFT_MAX) &&
	       between(queues, 1, LEAP_QUEUES_MAX) &&
	       between(depth, 1, LEAP_DEPTH_MAX);
}

static bool slab_shift_valid(u8 slab_shift)
{
	return between(slab_shift, LEAP_SLAB_SHIFT_MIN, LEAP_SLAB_SHIFT_MAX);
}

/**
 * leap_hello_encode - make private data for a CM request
 * @info: what to say, within the ranges of leap_hello_decode()
 * @wire: filled in
 */
void leap_hello_encode(const struct leap_hello_info *info,
		       struct leap_hello *wire)
{
	memset(wire, 0, sizeof(*wire));
	wire->magic = cpu_to_le32(LEAP_PROTO_MAGIC);
	wire->version = cpu_to_le16(LEAP_PROTO_VERSION);
	wire->role = info->role;
	wire->page_shift = info->page_shift;
	wire->slab_shift = info->slab_shift;
	wire->flags = info->flags;
	wire->queues = cpu_to_le16(info->queues);
	wire->depth = cpu_to_le16(info->depth);
	memcpy(wire->client_id, info->client_id, sizeof(wire->client_id));
	wire->token = cpu_to_le64(info->token);
}

/**
 * leap_hello_decode - read the private data of a CM request
 * @data: as received, of any alignment
 * @len: bytes in @data
 * @info: filled in; zero but for @version after an error
 *
 * Accepted are the roles of enum leap_role, pages of 4 to 256 KiB, no wish or
 * LEAP_SLAB_SHIFT_MIN to MAX for slabs, 1 to LEAP_QUEUES_MAX queues, a depth of
 * 1 to LEAP_DEPTH_MAX, no token with LEAP_ROLE_CONTROL without
 * LEAP_HELLO_KEEP, and no flags with LEAP_ROLE_DATA.
 *
 * Return: 0 or one of the errors at the top of this file.
 */
int leap_hello_decode(const void *data, size_t len,
		      struct leap_hello_info *info)
{
	struct leap_hello wire;
	int err;

	memset(info, 0, sizeof(*info));
	err = check_head(data, len, sizeof(wire), &info->version);
	if (err)
		return err;
	memcpy(&wire, data, sizeof(wire));
	if (wire.flags & ~(LEAP_HELLO_KEY | LEAP_HELLO_KEEP) || wire.reserved0)
		return -EBADMSG;
	if (!between(wire.role, LEAP_ROLE_CONTROL, LEAP_ROLE_DATA) ||
	    !sizes_valid(wire.page_shift, le16_to_cpu(wire.queues),
			 le16_to_cpu(wire.depth)))
		return -EINVAL;
	if (wire.slab_shift && !slab_shift_valid(wire.slab_shift))
		return -EINVAL;
	if (wire.role == LEAP_ROLE_DATA ? wire.flags :
	    wire.token && !(wire.flags & LEAP_HELLO_KEEP))
		return -EINVAL;
	info->role = wire.role;
	info->page_shift = wire.page_shift;
	info->slab_shift = wire.slab_shift;
	info->flags = wire.flags;
	info->queues = le16_to_cpu(wire.queues);
	info->depth = le16_to_cpu(wire.depth);
	memcpy(info->client_id, wire.client_id, sizeof(info->client_id));
	info->token = le64_to_cpu(wire.token);
	return 0;
}

/**
 * leap_welcome_encode - make private data for a CM accept
 * @info: what to say, within the ranges of leap_welcome_decode()
 * @wire: filled in
 */
void leap_welcome_encode(const struct leap_welcome_info *info,
			 struct leap_welcome *wire)
{
	memset(wire, 0, sizeof(*wire));
	wire->magic = cpu_to_le32(LEAP_PROTO_MAGIC);
	wire->version = cpu_to_le16(LEAP_PROTO_VERSION);
	wire->page_shift = info->page_shift;
	wire->slab_shift = info->slab_shift;
	wire->queues = cpu_to_le16(info->queues);
	wire->depth = cpu_to_le16(info->depth);
	wire->flags = cpu_to_le32(info->flags);
	wire->token = cpu_to_le64(info->token);
	wire->capacity = cpu_to_le64(info->capacity);
}

/**
 * leap_welcome_decode - read the private data of a CM accept
 * @data: as received, of any alignment
 * @len: bytes in @data
 * @info: filled in; zero but for @version after an error
 *
 * Accepted are the sizes of leap_hello_decode(), a slab size being a must. That
 * they are not more than was asked for is the caller's to check.
 *
 * Return: 0 or one of the errors at the top of this file.
 */
int leap_welcome_decode(const void *data, size_t len,
			struct leap_welcome_info *info)
{
	struct leap_welcome wire;
	int err;

	memset(info, 0, sizeof(*info));
	err = check_head(data, len, sizeof(wire), &info->version);
	if (err)
		return err;
	memcpy(&wire, data, sizeof(wire));
	if (le32_to_cpu(wire.flags) & ~(LEAP_WELCOME_KEY | LEAP_WELCOME_KEPT))
		return -EBADMSG;
	if (!slab_shift_valid(wire.slab_shift) ||
	    !sizes_valid(wire.page_shift, le16_to_cpu(wire.queues),
			 le16_to_cpu(wire.depth)))
		return -EINVAL;
	info->page_shift = wire.page_shift;
	info->slab_shift = wire.slab_shift;
	info->queues = le16_to_cpu(wire.queues);
	info->depth = le16_to_cpu(wire.depth);
	info->flags = le32_to_cpu(wire.flags);
	info->token = le64_to_cpu(wire.token);
	info->capacity = le64_to_cpu(wire.capacity);
	return 0;
}

/**
 * leap_refusal_encode - make private data for a CM reject
 * @info: what to say, the text NUL-terminated
 * @wire: filled in
 */
void leap_refusal_encode(const struct leap_refusal_info *info,
			 struct leap_refusal *wire)
{
	memset(wire, 0, sizeof(*wire));
	wire->magic = cpu_to_le32(LEAP_PROTO_MAGIC);
	wire->version = cpu_to_le16(LEAP_PROTO_VERSION);
	wire->code = cpu_to_le16(info->code);
	memcpy(wire->text, info->text,
	       strnlen(info->text, sizeof(wire->text) - 1));
}

/**
 * leap_refusal_decode - read the private data of a CM reject
 * @data: as received, of any alignment
 * @len: bytes in @data
 * @info: filled in; zero but for @version after an error
 *
 * Accepted are the codes of enum leap_refusal_code. The text goes to logs and
 * terminals, so whatever is not printable ASCII in it becomes a '?'.
 *
 * Return: 0 or one of the errors at the top of this file, which also says that
 * a text without an end is -EBADMSG.
 */
int leap_refusal_decode(const void *data, size_t len,
			struct leap_refusal_info *info)
{
	struct leap_refusal wire;
	size_t i;
	int err;

	memset(info, 0, sizeof(*info));
	err = check_head(data, len, sizeof(wire), &info->version);
	if (err)
		return err;
	memcpy(&wire, data, sizeof(wire));
	if (!memchr(wire.text, '\0', sizeof(wire.text)))
		return -EBADMSG;
	if (!between(le16_to_cpu(wire.code), LEAP_REFUSED_MALFORMED,
		     LEAP_REFUSED_KEY))
		return -EINVAL;
	info->code = le16_to_cpu(wire.code);
	for (i = 0; wire.text[i]; i++)
		info->text[i] = wire.text[i] >= ' ' && wire.text[i] <= '~' ?
				wire.text[i] : '?';
	return 0;
}

/**
 * leap_refusal_errno - the error that a refusal is for the client
 * @code: one of enum leap_refusal_code
 *
 * Return: negative errno value that leap_strerror() explains.
 */
int leap_refusal_errno(u16 code)
{
	switch (code) {
	case LEAP_REFUSED_VERSION:
		return -EPROTOTYPE;
	case LEAP_REFUSED_PAGE_SIZE:
	case LEAP_REFUSED_SLAB_SIZE:
		return -EOPNOTSUPP;
	case LEAP_REFUSED_TOKEN:
	case LEAP_REFUSED_ADDRESS:
		return -EACCES;
	case LEAP_REFUSED_KEY:
		return -ENOKEY;
	case LEAP_REFUSED_FULL:
		return -EUSERS;
	case LEAP_REFUSED_RESOURCES:
		return -ENOSPC;
	}
	return -EPROTO;
}

enum {
	USES_SLAB	= 1 << 0,
	USES_ADDR	= 1 << 1,
	USES_RKEY	= 1 << 2,
	USES_USED	= 1 << 3,
	USES_CAPACITY	= 1 << 4,
	USES_STATUS	= 1 << 5,
	USES_SECONDS	= 1 << 6,
	USES_BYTES	= 1 << 7,
};

/* Which fields a type of message has; the table in uapi/leap_proto.h. */
static const u8 msg_fields[] = {
	[LEAP_MSG_SLAB_GET]	 = 0,
	[LEAP_MSG_SLAB_GRANT]	 = USES_SLAB | USES_ADDR | USES_RKEY |
				   USES_CAPACITY | USES_STATUS,
	[LEAP_MSG_SLAB_PUT]	 = USES_SLAB,
	[LEAP_MSG_SLAB_PUT_DONE] = USES_SLAB | USES_CAPACITY | USES_STATUS,
	[LEAP_MSG_SLAB_USAGE]	 = USES_SLAB | USES_USED,
	[LEAP_MSG_PING]		 = 0,
	[LEAP_MSG_PONG]		 = USES_CAPACITY,
	[LEAP_MSG_BYE]		 = 0,
	[LEAP_MSG_KEY_NONCE]	 = USES_BYTES,
	[LEAP_MSG_KEY_CHALLENGE] = USES_BYTES,
	[LEAP_MSG_KEY_PROOF]	 = USES_BYTES,
	[LEAP_MSG_KEY_ADMIT]	 = USES_BYTES | USES_STATUS,
	[LEAP_MSG_SLAB_RECALL]	 = USES_SLAB | USES_SECONDS,
};

static u8 fields_set(const struct leap_msg_info *info)
{
	return (info->slab ? USES_SLAB : 0) | (info->addr ? USES_ADDR : 0) |
	       (info->rkey ? USES_RKEY : 0) | (info->used ? USES_USED : 0) |
	       (info->capacity ? USES_CAPACITY : 0) |
	       (info->status ? USES_STATUS : 0) |
	       (info->seconds ? USES_SECONDS : 0);
}

static bool has_bytes(u16 type)
{
	return type < ARRAY_SIZE(msg_fields) && msg_fields[type] & USES_BYTES;
}

/**
 * leap_msg_encode - make a message for the control queue
 * @info: what to say; fields that the type does not use are 0
 * @wire: filled in
 */
void leap_msg_encode(const struct leap_msg_info *info, struct leap_msg *wire)
{
	memset(wire, 0, sizeof(*wire));
	wire->magic = cpu_to_le32(LEAP_PROTO_MAGIC);
	wire->type = cpu_to_le16(info->type);
	wire->status = cpu_to_le16(info->status);
	wire->seq = cpu_to_le64(info->seq);
	if (has_bytes(info->type)) {
		memcpy(wire->bytes, info->bytes, sizeof(wire->bytes));
		return;
	}
	wire->addr = cpu_to_le64(info->addr);
	wire->capacity = cpu_to_le64(info->capacity);
	wire->slab = cpu_to_le32(info->slab);
	wire->rkey = cpu_to_le32(info->rkey);
	wire->used = cpu_to_le32(info->used);
	wire->seconds = cpu_to_le32(info->seconds);
}

/* What is behind the sequence number. */
static void decode_body(const struct leap_msg *wire, struct leap_msg_info *info)
{
	if (has_bytes(info->type)) {
		memcpy(info->bytes, wire->bytes, sizeof(info->bytes));
		return;
	}
	info->addr = le64_to_cpu(wire->addr);
	info->capacity = le64_to_cpu(wire->capacity);
	info->slab = le32_to_cpu(wire->slab);
	info->rkey = le32_to_cpu(wire->rkey);
	info->used = le32_to_cpu(wire->used);
	info->seconds = le32_to_cpu(wire->seconds);
}

/**
 * leap_msg_decode - read a message of the control queue
 * @data: as received, of any alignment
 * @len: bytes in @data
 * @info: filled in; undefined after an error
 *
 * Accepted are the types of enum leap_msg_type, the statuses of enum
 * leap_msg_status in an answer that can fail, and 0 in unused fields.
 *
 * Return: 0 or one of the errors at the top of this file, but -EPROTOTYPE: the
 * version was agreed on before.
 */
int leap_msg_decode(const void *data, size_t len, struct leap_msg_info *info)
{
	struct leap_msg wire;

	if (len < sizeof(wire))
		return -EBADMSG;
	memcpy(&wire, data, sizeof(wire));
	if (le32_to_cpu(wire.magic) != LEAP_PROTO_MAGIC)
		return -EPROTO;
	memset(info, 0, sizeof(*info));
	info->type = le16_to_cpu(wire.type);
	info->status = le16_to_cpu(wire.status);
	info->seq = le64_to_cpu(wire.seq);
	if (!between(info->type, LEAP_MSG_SLAB_GET, LEAP_MSG_SLAB_RECALL) ||
	    info->status > LEAP_STATUS_KEY)
		return -EINVAL;
	decode_body(&wire, info);
	if (fields_set(info) & ~msg_fields[info->type] ||
	    wire.reserved[0] || wire.reserved[1])
		return -EBADMSG;
	return 0;
}
