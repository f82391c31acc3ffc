/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The wire format between leap.ko (the client) and leapd (the server).
 *
 * All integers are little-endian. No code here: leap/policy/proto.c encodes
 * and decodes, and is the same source in the module, the daemon and the tests.
 *
 *	client					server
 *	  | -- CM request, private data: hello(CONTROL) -->  |
 *	  | <-- CM accept, private data: welcome -----------  |   or CM reject: refusal
 *	  | -- CM request: hello(DATA, token) ------------->  |   once per data queue
 *	  | <-- CM accept: welcome -------------------------  |
 *	  | == SEND msg(SLAB_GET) on the control queue ====>  |
 *	  | <= SEND msg(SLAB_GRANT) ========================  |
 *	  | == RDMA WRITE / RDMA READ on the data queues ==>  |   no server code runs
 *	  | == SEND msg(SLAB_USAGE) =======================>  |   how full a slab is
 *	  | == SEND msg(SLAB_PUT) =========================>  |
 *	  | <= SEND msg(SLAB_PUT_DONE) =====================  |
 *	  | == SEND msg(BYE), then CM disconnect ==========>  |
 *
 * A client speaks first and the server answers each message that has an
 * answer exactly once, so a side never has more than LEAP_CTRL_DEPTH messages
 * under way and the receive queue never runs dry.
 *
 * The first two fields of hello, welcome and refusal keep their place and
 * meaning in every version, so that two versions can always tell each other
 * in words why they do not match.
 */
#ifndef _UAPI_LEAP_PROTO_H
#define _UAPI_LEAP_PROTO_H

#include <linux/types.h>

#define LEAP_PROTO_MAGIC	0x5041454cU	/* "LEAP" read as bytes */
#define LEAP_PROTO_VERSION	1

/* Receives that each side keeps posted on the control queue. */
#define LEAP_CTRL_DEPTH		16

/* Smallest and largest slab that can be agreed on: 2 MiB to 1 GiB. */
#define LEAP_SLAB_SHIFT_MIN	21
#define LEAP_SLAB_SHIFT_MAX	30

/* Most data queues of one client, and most requests under way on each. */
#define LEAP_QUEUES_MAX		256
#define LEAP_DEPTH_MAX		1024

#define LEAP_CLIENT_ID_LEN	16
#define LEAP_REFUSAL_TEXT	128

enum leap_role {
	LEAP_ROLE_CONTROL	= 1,
	LEAP_ROLE_DATA		= 2,
};

/*
 * Private data of a CM request. 40 bytes: InfiniBand leaves 56 for it.
 * @slab_shift is what the client would like, 0 for the server's own choice.
 * @token is 0 for CONTROL, and the welcome's for DATA.
 */
struct leap_hello {
	__le32	magic;
	__le16	version;
	__u8	role;
	__u8	page_shift;
	__u8	slab_shift;
	__u8	reserved0;
	__le16	queues;
	__le16	depth;
	__le16	reserved1;
	__u8	client_id[LEAP_CLIENT_ID_LEN];
	__le64	token;
};

/*
 * Private data of a CM accept: what was agreed. @queues and @depth are at
 * most what the hello asked for; @slab_shift is the size that the server
 * lends in. @capacity is in bytes, how much it may lend this client now.
 */
struct leap_welcome {
	__le32	magic;
	__le16	version;
	__u8	page_shift;
	__u8	slab_shift;
	__le16	queues;
	__le16	depth;
	__le32	reserved0;
	__le64	token;
	__le64	capacity;
};

enum leap_refusal_code {
	LEAP_REFUSED_MALFORMED	= 1,	/* not a hello at all */
	LEAP_REFUSED_VERSION	= 2,	/* another protocol version */
	LEAP_REFUSED_PAGE_SIZE	= 3,	/* page sizes differ */
	LEAP_REFUSED_SLAB_SIZE	= 4,	/* the slab size asked for is not lent */
	LEAP_REFUSED_TOKEN	= 5,	/* a data queue of no known client */
	LEAP_REFUSED_FULL	= 6,	/* too many clients or queues */
	LEAP_REFUSED_RESOURCES	= 7,	/* the RDMA device has nothing left */
};

/* Private data of a CM reject; @text is for a person and NUL-terminated. */
struct leap_refusal {
	__le32	magic;
	__le16	version;
	__le16	code;
	char	text[LEAP_REFUSAL_TEXT];
};

enum leap_msg_type {
	LEAP_MSG_SLAB_GET	= 1,	/* client: lend me a slab */
	LEAP_MSG_SLAB_GRANT	= 2,	/* server: here it is, or why not */
	LEAP_MSG_SLAB_PUT	= 3,	/* client: take this slab back */
	LEAP_MSG_SLAB_PUT_DONE	= 4,	/* server: it is zeroed and gone */
	LEAP_MSG_SLAB_USAGE	= 5,	/* client: @used pages of it hold data */
	LEAP_MSG_PING		= 6,	/* client: are you there */
	LEAP_MSG_PONG		= 7,	/* server: yes, and @capacity is left */
	LEAP_MSG_BYE		= 8,	/* client: free all I have, I am leaving */
};

enum leap_msg_status {
	LEAP_STATUS_OK		= 0,
	LEAP_STATUS_NO_MEMORY	= 1,	/* the server's limit or reserve is reached */
	LEAP_STATUS_NO_SLAB	= 2,	/* no such slab is lent to this client */
	LEAP_STATUS_DEVICE	= 3,	/* the RDMA device refused the registration */
};

/*
 * Every message on the control queue, 56 bytes. @seq is the asker's number and
 * comes back in the answer. Fields that a type does not use are zero.
 *
 *	type		slab	addr	rkey	used	capacity
 *	SLAB_GET	-	-	-	-	-
 *	SLAB_GRANT	x	x	x	-	x
 *	SLAB_PUT	x	-	-	-	-
 *	SLAB_PUT_DONE	x	-	-	-	x
 *	SLAB_USAGE	x	-	-	x	-
 *	PING, BYE	-	-	-	-	-
 *	PONG		-	-	-	-	x
 */
struct leap_msg {
	__le32	magic;
	__le16	type;
	__le16	status;
	__le64	seq;
	__le64	addr;
	__le64	capacity;
	__le32	slab;
	__le32	rkey;
	__le32	used;
	__le32	reserved[3];
};

#endif /* _UAPI_LEAP_PROTO_H */
