// SPDX-License-Identifier: GPL-2.0
/* leapctl session create, show, destroy */
#include <inttypes.h>
#include <unistd.h>

#include "leapctl.h"

/**
 * session_create - leapctl session create PORTAL
 *
 * The portal is not looked at here: the kernel knows the grammar.
 */
int session_create(const struct command *cmd, int argc, char **argv)
{
	int err;

	if (!no_options(cmd, argc, argv))
		return EXIT_USAGE;
	if (argc - optind != 1)
		return usage_error(cmd);
	err = is_session_create(argv[optind]);
	return err ? explain(err, "cannot create the session") : EXIT_SUCCESS;
}

/**
 * server_capacity - what a server lends us, and what it would still lend
 *
 * Return: bytes.
 */
uint64_t server_capacity(const struct leap_server *server)
{
	return server->n.stat.slab_bytes + server->free_bytes;
}

/**
 * server_used - what of that holds data
 *
 * Return: bytes.
 */
uint64_t server_used(const struct leap_server *server)
{
	return server->n.stat.remote_pages * sysconf(_SC_PAGESIZE);
}

static void show_server(const struct leap_server *s)
{
	char capacity[32], lent[32], used[32];

	size_text(capacity, sizeof(capacity), server_capacity(s));
	size_text(lent, sizeof(lent), s->n.stat.slab_bytes);
	size_text(used, sizeof(used), server_used(s));
	printf("  %-3d %-24s %-13s %10s %10s %10s %6" PRIu64 " %8" PRIu64 "\n",
	       s->index, s->address, s->state, capacity, lent, used, s->losses,
	       s->n.stat.failed_stores + s->n.stat.failed_loads);
}

static void show(const struct leap_session *session,
		 const struct leap_server *servers, int n)
{
	char slab[32];

	size_text(slab, sizeof(slab), session->slab_bytes);
	printf("portal     %s\n", session->portal);
	printf("transport  %s\n", session->transport);
	printf("slab       %s\n", slab);
	printf("timeout    %" PRIu64 " ms\n", session->timeout_ms);
	if (session->replicas > 1)
		printf("copies     %" PRIu64 " of each page; %" PRIu64 " are missing now\n",
		       session->replicas, session->missing_copies);
	if (session->backup)
		puts("backup     disk");
	if (session->verify)
		puts("checksums  CRC32c of each page");
	printf("servers    %" PRIu64 "\n", session->servers);
	printf("  %-3s %-24s %-13s %10s %10s %10s %6s %8s\n", "", "ADDRESS", "STATE",
	       "CAPACITY", "LENT", "USED", "LOST", "FAILED");
	for (int i = 0; i < n; i++)
		show_server(&servers[i]);
}

/**
 * session_show - leapctl session show [--json]
 */
int session_show(const struct command *cmd, int argc, char **argv)
{
	struct leap_server *servers;
	struct leap_session session;
	bool json;
	int err, n;

	if (!parse_flag(argc, argv, "json", &json) || argc != optind)
		return usage_error(cmd);
	err = leap_session(&session);
	if (err)
		return explain(err, "cannot read the session");
	if (!*session.portal) {
		fputs("leapctl: no session; leapctl session create PORTAL makes one\n",
		      stderr);
		return EXIT_FAILURE;
	}
	n = leap_servers(&servers);
	if (n < 0)
		return explain(n, "cannot read the servers");
	err = EXIT_SUCCESS;
	if (json)
		err = json_session(stdout, &session, servers, n);
	else
		show(&session, servers, n);
	free(servers);
	return err;
}

/**
 * session_destroy - leapctl session destroy [--force]
 */
int session_destroy(const struct command *cmd, int argc, char **argv)
{
	bool force;
	int err;

	if (!parse_flag(argc, argv, "force", &force) || argc != optind)
		return usage_error(cmd);
	err = leap_session_destroy(force);
	return err ? explain(err, "cannot end the session") : EXIT_SUCCESS;
}
