// SPDX-License-Identifier: GPL-2.0
/* What is told to people, to machines and to systemd. */
#include "leapd.h"

#include <jansson.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

struct account account;

/* Whoever does not read what we say must not keep us: what has no room is not said. */
static bool has_room(FILE *to)
{
	struct pollfd fd = { .fd = fileno(to), .events = POLLOUT };

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT;
}

/**
 * tell - a line for people
 * @fmt: what it says, without an end of line
 *
 * Any thread. It is left out if nobody takes it just now.
 */
void tell(const char *fmt, ...)
{
	char text[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (has_room(stderr))
		fprintf(stderr, "leapd: %s\n", text);
}

static void print_json(json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (line && has_room(stdout))
		puts(line);
	fflush(stdout);
	free(line);
	json_decref(object);
}

static unsigned long long mib(uint64_t bytes)
{
	return bytes >> 20;
}

/**
 * event - tell that something has happened
 * @client: to whom, or NULL
 * @what: one word
 * @fmt: more
 */
void event(const struct client *client, const char *what, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (options.json)
		print_json(json_pack("{s:s, s:s, s:s}", "event", what, "client",
				     client ? client->name : "", "text", text));
	else
		tell("%s%s%s: %s", client ? client->name : "", client ? " " : "",
		     what, text);
}

static void count(unsigned int *nr_clients, unsigned int *away, uint64_t *used)
{
	const struct client *client;
	const struct slab *slab;

	*nr_clients = 0;
	*away = 0;
	*used = 0;
	LIST_FOREACH(client, &clients, entry) {
		*nr_clients += client->admitted;
		*away += !client->control;
		LIST_FOREACH(slab, &client->slabs, entry)
			*used += slab->used;
	}
}

/** status_tick - once a second */
void status_tick(void)
{
	unsigned int nr_clients, away;
	uint64_t used;

	if (!options.json && !isatty(STDOUT_FILENO))
		return;
	count(&nr_clients, &away, &used);
	if (options.json) {
		print_json(json_pack("{s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:b, s:i, s:i, s:i}",
				     "event", "status", "clients", nr_clients,
				     "clients_away", away,
				     "slabs", (json_int_t)(account.lent / account.slab),
				     "lent_bytes", (json_int_t)account.lent,
				     "used_pages", (json_int_t)used,
				     "capacity_bytes", (json_int_t)slab_capacity(NULL),
				     "shortage", account.shortage,
				     "recalls_pending", recall_pending(),
				     "recalls", recalls.asked,
				     "cut_off", recalls.cut_off));
		return;
	}
	if (!has_room(stdout))
		return;
	printf("\r%u clients, %llu slabs, %llu MiB lent, %llu pages in use, %llu MiB left to lend",
	       nr_clients, (unsigned long long)(account.lent / account.slab),
	       mib(account.lent), (unsigned long long)used, mib(slab_capacity(NULL)));
	if (account.shortage || recall_pending())
		printf("; %s, %u slabs called back", account.shortage ?
		       "memory is short" : "enough memory again", recall_pending());
	fputs("\033[K", stdout);
	fflush(stdout);
}

/** status_ready - clients can connect from now on */
void status_ready(void)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "ready on %s:%s, lending up to %llu MiB in slabs of %llu MiB",
		 options.address, options.port, mib(account.limit),
		 mib(account.slab));
	if (options.json)
		event(NULL, "ready", "%s", text);
	else if (has_room(stdout))
		printf("leapd: %s\n", text);
	fflush(stdout);
	sd_notifyf(0, "READY=1\nSTATUS=%s", text);
}
