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
 *	  |                                                   |
 *	  | == SEND msg(KEY_NONCE) on the control queue ===>  |   with a key only
 *	  | <= SEND msg(KEY_CHALLENGE) =====================  |
 *	  | == SEND msg(KEY_PROOF) ========================>  |
 *	  | <= SEND msg(KEY_ADMIT) =========================  |
 *	  |                                                   |
 *	  | -- CM request: hello(DATA, token) ------------->  |   once per data queue
 *	  | <-- CM accept: welcome -------------------------  |
 *	  | == SEND msg(SLAB_GET) on the control queue ====>  |
 *	  | <= SEND msg(SLAB_GRANT) ========================  |
 *	  | == RDMA WRITE / RDMA READ on the data queues ==>  |   no server code runs
 *	  | == SEND msg(SLAB_USAGE) =======================>  |   how full a slab is
 *	  | <= SEND msg(SLAB_RECALL) =======================  |   the server runs short
 *	  | == SEND msg(SLAB_PUT) =========================>  |
 *	  | <= SEND msg(SLAB_PUT_DONE) =====================  |
 *	  | == SEND msg(BYE), then CM disconnect ==========>  |
 *
 * A client speaks first and the server answers each message that has an
 * answer exactly once. The only messages of a server that nobody has asked for
 * are SLAB_RECALL, with seq 0: at most LEAP_RECALLS_MAX of a client's slabs are
 * called back at a time. So a side never has more than LEAP_CTRL_DEPTH messages
 * under way and the receive queue never runs dry, if the client asks no more
 * than LEAP_CTRL_DEPTH - LEAP_RECALLS_MAX questions at a time.
 *
 * Keys. Either both sides have been given the same key, of LEAP_KEY_MIN to
 * LEAP_KEY_MAX bytes, or none has; whoever has one goes on with nobody who has
 * not proved to know it, and does not send it anywhere. A client with a key sets
 * LEAP_HELLO_KEY, and a server with one LEAP_WELCOME_KEY; a server refuses a
 * hello that does not match (LEAP_REFUSED_KEY), and a client with a key breaks
 * off if the welcome lacks the flag. Then, with HMAC-SHA256 under the key:
 *
 *	KEY_NONCE	32 random bytes of the client, made for this connection
 *	KEY_CHALLENGE	32 random bytes of the server, likewise
 *	KEY_PROOF	the client's HMAC of leap_auth_text(LEAP_AUTH_CLIENT)
 *	KEY_ADMIT	the server's HMAC of leap_auth_text(LEAP_AUTH_SERVER), or
 *			LEAP_STATUS_KEY and zeros: the client's proof is wrong
 *
 * That text, see leap/policy/auth.c, has both nonces, the hello and the welcome,
 * so that nobody can change what was agreed on, the server's address, so that
 * nobody at another one can pass it on, and a label for each side, so that no
 * proof can be sent back to where it comes from. The client proves
 * itself first: a stranger gets nothing out of a server that has to do with the
 * key. Proofs are compared in constant time. Until it has sent KEY_ADMIT the
 * server takes no other message and no data queue, and breaks the connection
 * off after LEAP_HANDSHAKE_SECONDS; until the client has found the proof in
 * KEY_ADMIT right it sends nothing else.
 *
 * Nothing is encrypted, and data queues are opened by the welcome's token: who
 * can read or change packets on the way can read and change pages.
 *
 * Recalls. A server that runs short of memory names slabs in SLAB_RECALL, and
 * the client has so many seconds to move what is in them elsewhere and send
 * SLAB_PUT. If it does not and the server is still short then, the server takes
 * back all that this client has and disconnects it; else the recall is void. It
 * may come again for the same slab, and for one that the client does not have
 * any more, because the SLAB_PUT has crossed it: that is to be ignored. Giving a
 * slab back late, or others than asked for, does no harm.
 *
 * Coming back. A client that has said LEAP_HELLO_KEEP and whose control
 * connection breaks without a BYE keeps its slabs for the server's grace period,
 * while all its connections are gone. It says hello(CONTROL) anew with the same
 * client_id, LEAP_HELLO_KEEP and the token of its last welcome. If the welcome
 * has LEAP_WELCOME_KEPT, it has all its slabs again, by the same numbers,
 * addresses and keys and with every byte, and a new token. (With a key, as soon
 * as it has proved itself.) The old token is good until the client has said
 * something else than SLAB_USAGE: the welcome may have been lost, too. As the last
 * messages may have been lost, it sends SLAB_USAGE for each slab that it knows of
 * before any other message; the server takes the others back when that comes.
 * Without LEAP_WELCOME_KEPT it has nothing, as any new client.
 *
 * The server has destroyed the old queue pairs before it accepts a data queue of
 * a client that is back: no request of before reaches a slab after that.
 *
 * The first two fields of hello, welcome and refusal keep their place and
 * meaning in every version, so that two versions can always tell each other
 * in words why they do not match.
 */
#ifndef _UAPI_LEAP_PROTO_H
#define _UAPI_LEAP_PROTO_H

#include <linux/types.h>

#define LEAP_PROTO_MAGIC	0x5041454cU	/* "LEAP" read as bytes */
#define LEAP_PROTO_VERSION	2

/* Receives that each side keeps posted on the control queue. */
#define LEAP_CTRL_DEPTH		16

/* Slabs of one client that are called back at a time. */
#define LEAP_RECALLS_MAX	8

/* Time for a client to prove that it knows the key. */
#define LEAP_HANDSHAKE_SECONDS	5

/* Bytes of a key, and of what is sent to prove that one knows it. */
#define LEAP_KEY_MIN		16
#define LEAP_KEY_MAX		1024
#define LEAP_NONCE_LEN		32

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

/* Bits of @flags in a hello, CONTROL only. */
enum {
	LEAP_HELLO_KEY		= 1 << 0,	/* I have a key */
	LEAP_HELLO_KEEP		= 1 << 1,	/* keep my slabs if I am cut off */
};

/*
 * Private data of a CM request. 40 bytes: InfiniBand leaves 56 for it.
 * @slab_shift is what the client would like, 0 for the server's own choice.
 * @token is the welcome's for DATA; for CONTROL it is 0, or that of the welcome
 * of an earlier connection whose slabs the client would like to have again.
 */
struct leap_hello {
	__le32	magic;
	__le16	version;
	__u8	role;
	__u8	page_shift;
	__u8	slab_shift;
	__u8	flags;
	__le16	queues;
	__le16	depth;
	__le16	reserved0;
	__u8	client_id[LEAP_CLIENT_ID_LEN];
	__le64	token;
};

/* Bits of @flags in a welcome. */
enum {
	LEAP_WELCOME_KEY	= 1 << 0,	/* prove yourself, and so will I */
	LEAP_WELCOME_KEPT	= 1 << 1,	/* here is what you had */
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
	__le32	flags;
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
	LEAP_REFUSED_ADDRESS	= 8,	/* nothing is lent to that address */
	LEAP_REFUSED_KEY	= 9,	/* one side has a key, the other has none */
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
	LEAP_MSG_KEY_NONCE	= 9,	/* client: my random @bytes */
	LEAP_MSG_KEY_CHALLENGE	= 10,	/* server: my random @bytes */
	LEAP_MSG_KEY_PROOF	= 11,	/* client: @bytes show that I know the key */
	LEAP_MSG_KEY_ADMIT	= 12,	/* server: so do mine; or: yours do not */
	LEAP_MSG_SLAB_RECALL	= 13,	/* server: give it back within @seconds */
};

enum leap_msg_status {
	LEAP_STATUS_OK		= 0,
	LEAP_STATUS_NO_MEMORY	= 1,	/* the server's limit or reserve is reached */
	LEAP_STATUS_NO_SLAB	= 2,	/* no such slab is lent to this client */
	LEAP_STATUS_DEVICE	= 3,	/* the RDMA device refused the registration */
	LEAP_STATUS_KEY		= 4,	/* the client does not know the key */
};

/*
 * Every message on the control queue, 56 bytes. @seq is the asker's number and
 * comes back in the answer. Fields that a type does not use are zero.
 *
 *	type		slab	addr	rkey	used	capacity	seconds	bytes
 *	SLAB_GET	-	-	-	-	-		-	-
 *	SLAB_GRANT	x	x	x	-	x		-	-
 *	SLAB_PUT	x	-	-	-	-		-	-
 *	SLAB_PUT_DONE	x	-	-	-	x		-	-
 *	SLAB_USAGE	x	-	-	x	-		-	-
 *	PING, BYE	-	-	-	-	-		-	-
 *	PONG		-	-	-	-	x		-	-
 *	KEY_*		-	-	-	-	-		-	x
 *	SLAB_RECALL	x	-	-	-	-		x	-
 *
 * SLAB_GRANT, SLAB_PUT_DONE and KEY_ADMIT have a @status. @bytes takes the place
 * of the other fields behind @seq, but for the last eight bytes.
 */
struct leap_msg {
	__le32	magic;
	__le16	type;
	__le16	status;
	__le64	seq;
	union {
		struct {
			__le64	addr;
			__le64	capacity;
			__le32	slab;
			__le32	rkey;
			__le32	used;
			__le32	seconds;
			__le32	reserved[2];
		};
		struct {
			__u8	bytes[LEAP_NONCE_LEN];
			__le32	reserved_bytes[2];
		};
	};
};

#endif /* _UAPI_LEAP_PROTO_H */
