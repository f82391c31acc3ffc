// SPDX-License-Identifier: GPL-2.0
/* leapctl session create, show, destroy */
#include <inttypes.h>

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
 * session_show - leapctl session show
 */
int session_show(const struct command *cmd, int argc, char **argv)
{
	struct leap_server *servers;
	struct leap_session session;
	char slab[32];
	int err, n;

	if (!no_options(cmd, argc, argv))
		return EXIT_USAGE;
	if (argc != optind)
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

	size_text(slab, sizeof(slab), session.slab_bytes);
	printf("portal     %s\n", session.portal);
	printf("transport  %s\n", session.transport);
	printf("slab       %s\n", slab);
	printf("timeout    %" PRIu64 " ms\n", session.timeout_ms);
	if (session.replicas > 1)
		printf("copies     %" PRIu64 " of each page; %" PRIu64 " are missing now\n",
		       session.replicas, session.missing_copies);
	if (session.backup)
		puts("backup     disk");
	printf("servers    %" PRIu64 "\n", session.servers);
	for (int i = 0; i < n; i++)
		printf("  %-3d %-40s %s\n", i, servers[i].address, servers[i].state);
	free(servers);
	return EXIT_SUCCESS;
}

/**
 * session_destroy - leapctl session destroy [--force]
 */
int session_destroy(const struct command *cmd, int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' }, {}
	};
	bool force = false;
	int opt, err;

	while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		if (opt != 'f')
			return usage_error(cmd);
		force = true;
	}
	if (argc != optind)
		return usage_error(cmd);
	err = leap_session_destroy(force);
	return err ? explain(err, "cannot end the session") : EXIT_SUCCESS;
}
