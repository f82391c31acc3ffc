// SPDX-License-Identifier: GPL-2.0
/* leapctl record */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "leapctl.h"
#include "recording.h"
#include "tracing.h"

#define DEFAULT_FILE	"leap.trace"

/* For each processor, in MiB: some 100000 faults with their reads. */
#define BUFFER_MIB	16
#define BUFFER_MIB_MAX	1024

/* How often the buffers are emptied. */
#define READ_MS		100

/* The program that is recorded, for the handler of signals. */
static pid_t child;

/**
 * struct record - one run
 * @path: of the file
 * @buffer_mib: of trace buffer for each processor
 * @argv: the program
 * @fd: of the file
 * @tracing: where events come from
 * @recording: where they go
 */
struct record {
	const char *path;
	unsigned int buffer_mib;
	char **argv;
	int fd;
	struct tracing *tracing;
	struct recording recording;
};

static bool parse_buffer(const char *text, unsigned int *mib)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (end == text || *end || *text == '-' || !value || value > BUFFER_MIB_MAX) {
		fprintf(stderr, "leapctl: --buffer: not a number from 1 to %d: '%s'\n",
			BUFFER_MIB_MAX, text);
		return false;
	}
	*mib = value;
	return true;
}

/* Says what is wrong if something is. */
static bool parse(const struct command *cmd, int argc, char **argv, struct record *r)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "buffer", required_argument, NULL, 'b' }, {}
	};
	bool good = true;
	int opt;

	while (good && (opt = getopt_long(argc, argv, "+o:b:", options, NULL)) != -1) {
		if (opt == 'o')
			r->path = optarg;
		else
			good = opt == 'b' && parse_buffer(optarg, &r->buffer_mib);
	}
	r->argv = argv + optind;
	if (good && argc > optind)
		return true;
	usage_error(cmd);
	return false;
}

static bool open_file(struct record *r)
{
	struct stat st;

	r->fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (r->fd < 0 || fstat(r->fd, &st)) {
		fprintf(stderr, "leapctl: cannot write %s: %s\n", r->path,
			strerror(errno));
		return false;
	}
	if (S_ISREG(st.st_mode))
		return true;
	fprintf(stderr, "leapctl: cannot record to %s: it is no file\n", r->path);
	close(r->fd);
	return false;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Fails the @argv by its exit status if it is not told to begin. */
static void run_child(char **argv, const int *begin, const int *trouble)
{
	char go;
	int err;

	close(begin[1]);
	if (read(begin[0], &go, 1) != 1)
		_exit(EXIT_FAILURE);
	execvp(argv[0], argv);
	err = errno;
	_exit(write(trouble[1], &err, sizeof(err)) == sizeof(err) ?
	      EXIT_FAILURE : EXIT_USAGE);
}

/* Everything about the child that must be so before its first instruction. */
static int prepare(struct record *r)
{
	int err = leap_attach(child);

	if (!err)
		err = leap_prefetch_on(child);
	if (err)
		return explain(err, "cannot attach %s, which was not started",
			       r->argv[0]);
	recording_add(&r->recording, child);
	err = tracing_start(r->tracing);
	if (!err)
		return EXIT_SUCCESS;
	fprintf(stderr, "leapctl: cannot switch the kernel's events on: %s\n",
		strerror(-err));
	return EXIT_FAILURE;
}

/* Returns an exit code; if it is not 0 the child is gone. */
static int start(struct record *r)
{
	int begin[2], trouble[2], code, err = 0;

	if (pipe2(begin, O_CLOEXEC) || pipe2(trouble, O_CLOEXEC)) {
		perror("leapctl: cannot make a pipe");
		return EXIT_FAILURE;
	}
	child = fork();
	if (!child)
		run_child(r->argv, begin, trouble);
	close(begin[0]);
	close(trouble[1]);
	if (child < 0) {
		perror("leapctl: cannot start a process");
		return EXIT_FAILURE;
	}
	code = prepare(r);
	if (!code && write(begin[1], "", 1) == 1 &&
	    read(trouble[0], &err, sizeof(err)) == sizeof(err)) {
		fprintf(stderr, "leapctl: cannot run %s: %s\n", r->argv[0],
			strerror(err));
		code = err == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC;
	}
	close(begin[1]);
	close(trouble[0]);
	if (code)
		waitpid(child, NULL, 0);
	return code;
}

/* A keyboard's signals reach the program anyway; all end the recording with it. */
static void pass_on(int signal)
{
	if (signal != SIGINT && signal != SIGQUIT)
		kill(child, signal);
}

static void catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = pass_on, .sa_flags = SA_RESTART };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* Until the program ends. Returns its wait status. */
static int follow(struct record *r)
{
	struct pollfd end = { .fd = pidfd_open(child, 0), .events = POLLIN };
	int status = 0, err = 0;
	pid_t ended;

	do {
		poll(&end, 1, READ_MS);
		ended = waitpid(child, &status, WNOHANG);
		if (ended == child)
			tracing_stop(r->tracing);
		err = err ? err : tracing_read(r->tracing, &r->recording);
	} while (!ended);
	if (err)
		fprintf(stderr, "leapctl: cannot read the kernel's events: %s\n",
			strerror(-err));
	close(end.fd);
	return status;
}

static uint64_t lesser(const char *folder, const char *name, uint64_t than)
{
	char path[4200], text[32] = "";
	uint64_t bytes;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return than;
	if (!fgets(text, sizeof(text), file) || sscanf(text, "%" SCNu64, &bytes) != 1)
		bytes = UINT64_MAX;	/* "max" */
	fclose(file);
	return bytes < than ? bytes : than;
}

/* The memory that our cgroup, which the program inherits, has: pages or 0. */
static uint64_t local_pages(void)
{
	char line[4096] = "", folder[4160];
	uint64_t bytes = UINT64_MAX;
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file && fgets(line, sizeof(line), file) && strncmp(line, "0::/", 4))
		;
	if (file)
		fclose(file);
	if (strncmp(line, "0::/", 4))
		return 0;
	line[strcspn(line, "\n")] = '\0';
	snprintf(folder, sizeof(folder), "/sys/fs/cgroup%s", line + 3);
	while (strcmp(folder, "/sys/fs/cgroup")) {
		bytes = lesser(folder, "memory.high", bytes);
		bytes = lesser(folder, "memory.max", bytes);
		*strrchr(folder, '/') = '\0';
	}
	return bytes == UINT64_MAX ? 0 : bytes / sysconf(_SC_PAGESIZE);
}

static void report(const struct record *r, uint64_t lost)
{
	const uint64_t *kinds = r->recording.kinds;

	fprintf(stderr, "leapctl: %" PRIu64 " faults in %s: %" PRIu64 " misses, %"
		PRIu64 " hits, %" PRIu64 " late, %" PRIu64 " cached\n",
		r->recording.written, r->path, kinds[LEAP_TRACE_MISS],
		kinds[LEAP_TRACE_HIT], kinds[LEAP_TRACE_LATE],
		kinds[LEAP_TRACE_CACHED]);
	if (!r->recording.written)
		fprintf(stderr, "leapctl: nothing of %s came back from a server; does "
			"it need more memory than it may have?\n", r->argv[0]);
	if (lost)
		fprintf(stderr, "leapctl: %" PRIu64 " events were lost, so the recording "
			"has gaps; a greater --buffer than %u may hold them\n", lost,
			r->buffer_mib);
}

/* Returns an exit code. */
static int record_all(struct record *r)
{
	int status, err, code;

	/* What we use stays in memory: we may be in the program's cgroup. */
	mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	recording_begin(&r->recording, r->fd, now(), local_pages());
	code = start(r);
	if (code) {
		recording_end(&r->recording);
		unlink(r->path);
		return code;
	}
	catch_signals();
	status = follow(r);
	err = recording_end(&r->recording);
	if (err)
		fprintf(stderr, "leapctl: cannot write %s: %s\n", r->path,
			strerror(-err));
	else
		report(r, tracing_lost(r->tracing));
	if (err)
		return EXIT_FAILURE;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/**
 * record - leapctl record [-o FILE] [-b MIB] -- CMD [ARG...]
 */
int record(const struct command *cmd, int argc, char **argv)
{
	struct record *r = calloc(1, sizeof(*r));
	int code = EXIT_USAGE;

	if (!r) {
		perror("leapctl");
		return EXIT_FAILURE;
	}
	r->path = DEFAULT_FILE;
	r->buffer_mib = BUFFER_MIB;
	if (parse(cmd, argc, argv, r)) {
		code = EXIT_FAILURE;
		r->tracing = tracing_open(r->buffer_mib);
		if (r->tracing && open_file(r)) {
			code = record_all(r);
			close(r->fd);
		}
		if (r->tracing)
			tracing_close(r->tracing);
	}
	free(r);
	return code;
}
