// SPDX-License-Identifier: GPL-2.0
/* leapctl session add, remove */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "leap/policy/portal.h"
#include "leapctl.h"

/* Between looks at a server that is being removed, in ns. */
#define LOOK_EVERY	100000000L

static volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

/**
 * session_add - leapctl session add SERVER
 *
 * The server is not looked at here: the kernel knows the grammar.
 */
int session_add(const struct command *cmd, int argc, char **argv)
{
	int err;

	if (!no_options(cmd, argc, argv))
		return EXIT_USAGE;
	if (argc - optind != 1)
		return usage_error(cmd);
	err = leap_session_add(argv[optind]);
	return err ? explain(err, "cannot add the server") : EXIT_SUCCESS;
}

/* As the portal of the session names it. */
static bool parse(const struct leap_session *session, const char *text,
		  struct leap_portal_server *server)
{
	enum leap_portal_transport transport = strcmp(session->transport, "dram") ?
					       LEAP_PORTAL_RDMA : LEAP_PORTAL_DRAM;
	struct leap_portal_error error;

	return !leap_portal_parse_server(text, transport, server, &error);
}

static bool is_leaving(const struct leap_server *server)
{
	return !strncmp(server->state, "draining", strlen("draining")) ||
	       !strcmp(server->state, "removed");
}

/*
 * Finds the server in a state on its way out: it is copied to *@found. Returns 1;
 * 0 if it is gone; or a negative errno value.
 */
static int look(const char *name, struct leap_server *found)
{
	struct leap_portal_server wanted, has;
	struct leap_session session;
	struct leap_server *list;
	int ret = leap_session(&session), n;

	if (ret || !parse(&session, name, &wanted))
		return ret;
	n = leap_servers(&list);
	for (int i = 0; i < n && !ret; i++) {
		if (!is_leaving(&list[i]) || !parse(&session, list[i].address, &has) ||
		    !leap_portal_same_server(&wanted, &has))
			continue;
		*found = list[i];
		ret = 1;
	}
	if (n >= 0)
		free(list);
	return n < 0 ? n : ret;
}

/* One line on a terminal, else a line whenever it has changed. */
static void progress(const struct leap_server *s)
{
	static char last[192];
	char now[192], used[32];

	size_text(used, sizeof(used), server_used(s));
	snprintf(now, sizeof(now), "%s: %s in %" PRIu64 " slabs left, %s", s->address,
		 used, s->n.stat.slabs, s->state);
	if (!strcmp(now, last))
		return;
	strcpy(last, now);
	if (isatty(STDOUT_FILENO))
		printf("\r\033[K%s", now);
	else
		puts(now);
	fflush(stdout);
}

static int wait_until_gone(const char *name)
{
	static const struct timespec pause = { .tv_nsec = LOOK_EVERY };
	struct sigaction action = { .sa_handler = interrupt };
	bool shown = false;
	struct leap_server s;
	int ret;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while ((ret = look(name, &s)) > 0 && !interrupted) {
		progress(&s);
		shown = true;
		nanosleep(&pause, NULL);
	}
	if (shown && isatty(STDOUT_FILENO))
		putchar('\n');
	if (ret < 0)
		return explain(ret, "cannot read the servers");
	if (!ret)
		return EXIT_SUCCESS;
	fprintf(stderr, "leapctl: not waiting any more; %s goes when nothing is left on it, see leapctl session show\n",
		name);
	return EXIT_FAILURE;
}

/**
 * session_remove - leapctl session remove [--no-wait] SERVER
 */
int session_remove(const struct command *cmd, int argc, char **argv)
{
	bool no_wait;
	int err;

	if (!parse_flag(argc, argv, "no-wait", &no_wait) || argc - optind != 1)
		return usage_error(cmd);
	err = leap_session_remove(argv[optind]);
	if (err)
		return explain(err, "cannot remove the server");
	return no_wait ? EXIT_SUCCESS : wait_until_gone(argv[optind]);
}
