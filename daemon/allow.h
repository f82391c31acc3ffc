/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAPD_ALLOW_H
#define LEAPD_ALLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Most networks on the list. */
#define ALLOW_MAX	64

/**
 * struct network - addresses that begin alike
 * @family: AF_INET or AF_INET6
 * @bits: how many bits of an address count
 * @addr: one of them, in network order
 */
struct network {
	sa_family_t family;
	unsigned int bits;
	uint8_t addr[16];
};

bool allow_parse(const char *text, struct network *network);
bool allow_match(const struct network *list, size_t nr,
		 const struct sockaddr *peer);
bool allow_leads_to(const uint8_t gid[16], const struct sockaddr *peer);

#endif /* LEAPD_ALLOW_H */
