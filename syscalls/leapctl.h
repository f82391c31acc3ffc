/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAPCTL_H
#define LEAPCTL_H

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "libleap.h"

/* Beside EXIT_SUCCESS and EXIT_FAILURE. */
#define EXIT_USAGE	2

/* What env(1) and the shells use. */
#define EXIT_CANNOT_EXEC	126
#define EXIT_NOT_FOUND		127

/* One line of leapctl's table. */
struct command {
	const char *name;	/* one or two words */
	const char *args;
	const char *help;
	/* argv[0] is for messages; the arguments follow. Returns an exit code. */
	int (*run)(const struct command *cmd, int argc, char **argv);
};

/* leapctl.c */
int leapctl(int argc, char **argv);
int usage_error(const struct command *cmd);
bool no_options(const struct command *cmd, int argc, char **argv);
bool parse_flag(int argc, char **argv, const char *name, bool *given);

/* explain.c */
int explain(int err, const char *what, ...) __attribute__((format(printf, 2, 3)));

/* session.c, member.c */
int session_add(const struct command *cmd, int argc, char **argv);
int session_remove(const struct command *cmd, int argc, char **argv);
uint64_t server_capacity(const struct leap_server *server);
uint64_t server_used(const struct leap_server *server);
int session_create(const struct command *cmd, int argc, char **argv);
int session_show(const struct command *cmd, int argc, char **argv);
int session_destroy(const struct command *cmd, int argc, char **argv);

/* process.c */
int attach(const struct command *cmd, int argc, char **argv);
int detach(const struct command *cmd, int argc, char **argv);
int run(const struct command *cmd, int argc, char **argv);
pid_t parse_pid(const char *text);

/* record.c */
int record(const struct command *cmd, int argc, char **argv);

/* prefetch.c */
int prefetch_on(const struct command *cmd, int argc, char **argv);
int prefetch_off(const struct command *cmd, int argc, char **argv);
int prefetch_show(const struct command *cmd, int argc, char **argv);
void prefetch_text(FILE *to, const struct leap_faults *f);

/* stat.c: everything that stat shows, as it was at one moment. */
struct snapshot {
	double seconds;		/* CLOCK_MONOTONIC */
	struct leap_session session;
	struct leap_numbers totals;
	struct leap_prefetch prefetch;
	struct leap_server *servers;
	struct leap_process *processes;
	int nr_servers;
	int nr_processes;
};

int snapshot_take(struct snapshot *s);
void snapshot_free(struct snapshot *s);
void rates(const struct snapshot *then, const struct snapshot *now,
	   struct leap_numbers *diff, double *seconds);
int stat_command(const struct command *cmd, int argc, char **argv);

/* stat_text.c */
void size_text(char *to, size_t room, double bytes);
void text_all(FILE *to, const struct snapshot *s);
void text_line(FILE *to, const struct snapshot *then,
	       const struct snapshot *now, unsigned int lines);

/* stat_json.c */
int json_session(FILE *to, const struct leap_session *s,
		 const struct leap_server *list, int nr);
int json_line(FILE *to, const struct snapshot *then, const struct snapshot *now);

#endif /* LEAPCTL_H */
