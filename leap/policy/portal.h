/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAP_POLICY_PORTAL_H
#define LEAP_POLICY_PORTAL_H

#include "deps.h"
#include "../uapi/leap.h"

/* How long a server may take to answer, in milliseconds. */
#define LEAP_TIMEOUT_MS_MIN	100
#define LEAP_TIMEOUT_MS_MAX	600000
#define LEAP_TIMEOUT_MS_DEFAULT	5000

/* Characters in the name of a key. */
#define LEAP_KEY_NAME_MAX	127

enum leap_portal_transport {
	LEAP_PORTAL_RDMA,
	LEAP_PORTAL_DRAM,
};

/**
 * struct leap_portal_server - one element of a portal's list
 * @family: rdma: AF_INET or AF_INET6
 * @port: rdma: 1 to 65535, in host order
 * @addr: rdma: in network order; AF_INET uses the first 4 bytes, the rest is 0
 * @bytes: dram: how much it lends, a multiple of 2 MiB
 */
struct leap_portal_server {
	u16 family;
	u16 port;
	u8 addr[16];
	u64 bytes;
};

/**
 * struct leap_portal - what a portal says. Large: not for the stack.
 * @transport: from the scheme
 * @nr_servers: 1 to LEAP_SERVERS_MAX
 * @slab_shift: log2 of the bytes of a slab, 21 to 30; 0 if it was not given
 * @timeout_ms: LEAP_TIMEOUT_MS_MIN to LEAP_TIMEOUT_MS_MAX
 * @replicas: servers that have a copy of each page, 1 to LEAP_REPLICAS_MAX
 * @key: name of the key in the kernel's keyrings; "" if there is none
 * @backup: the swap device has one more copy of each page
 * @verify: check that pages come back as they were stored
 * @verify_given: the portal says whether to
 * @servers: in the portal's order; zero from @nr_servers on
 */
struct leap_portal {
	enum leap_portal_transport transport;
	u32 nr_servers;
	u32 slab_shift;
	u32 timeout_ms;
	u32 replicas;
	char key[LEAP_KEY_NAME_MAX + 1];
	bool backup;
	bool verify;
	bool verify_given;
	struct leap_portal_server servers[LEAP_SERVERS_MAX];
};

#define LEAP_PORTAL_ERROR_TEXT	160

/**
 * struct leap_portal_error - why a portal was refused
 * @offset: the byte of the portal at which the trouble is
 * @text: one sentence for a person, printable ASCII: what and what to do
 */
struct leap_portal_error {
	u32 offset;
	char text[LEAP_PORTAL_ERROR_TEXT];
};

int leap_portal_parse(const char *text, struct leap_portal *out,
		      struct leap_portal_error *err);
int leap_portal_parse_server(const char *text, enum leap_portal_transport transport,
			     struct leap_portal_server *out,
			     struct leap_portal_error *err);
bool leap_portal_same_server(const struct leap_portal_server *a,
			     const struct leap_portal_server *b);

#endif /* LEAP_POLICY_PORTAL_H */
