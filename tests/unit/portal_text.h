/* SPDX-License-Identifier: GPL-2.0 */
/* A portal as text again, so that tests can compare what went in and out. */
#ifndef PORTAL_TEXT_H
#define PORTAL_TEXT_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <arpa/inet.h>

#include "leap/policy/portal.h"

__attribute__((format(printf, 2, 3)))
static inline void portal_text_add(char text[LEAP_PORTAL_MAX],
				   const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text + used, LEAP_PORTAL_MAX - used, format, args);
	va_end(args);
	if (len < 0 || used + len >= LEAP_PORTAL_MAX)
		abort();
}

static inline void portal_text(const struct leap_portal *portal,
			       char text[LEAP_PORTAL_MAX])
{
	bool dram = portal->transport == LEAP_PORTAL_DRAM;

	*text = '\0';
	portal_text_add(text, "%s://%u", dram ? "dram" : "rdma", portal->nr_servers);
	for (u32 i = 0; i < portal->nr_servers; i++) {
		const struct leap_portal_server *server = &portal->servers[i];
		char addr[INET6_ADDRSTRLEN];

		if (dram) {
			portal_text_add(text, ",%llu",
					(unsigned long long)server->bytes);
			continue;
		}
		if (!inet_ntop(server->family, server->addr, addr, sizeof(addr)))
			abort();
		portal_text_add(text, server->family == AF_INET ? ",%s:%u" : ",[%s]:%u",
				addr, server->port);
	}
	portal_text_add(text, "?timeout_ms=%u", portal->timeout_ms);
	if (portal->slab_shift)
		portal_text_add(text, "&slab=%lu", 1UL << portal->slab_shift);
	if (portal->replicas > 1)
		portal_text_add(text, "&replicas=%u", portal->replicas);
	if (portal->backup)
		portal_text_add(text, "&backup=disk");
	if (portal->verify_given)
		portal_text_add(text, "&verify=%d", portal->verify);
	if (*portal->key)
		portal_text_add(text, "&key=%s", portal->key);
}

#endif /* PORTAL_TEXT_H */
