// SPDX-License-Identifier: GPL-2.0
/* The listener, the connection manager's events, and the loop around it all. */
#include "leapd.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* Connections that may wait to be looked at. */
#define BACKLOG	64

static int epoll_fd = -1;
static bool stopping;
static bool device_gone;
static struct rdma_cm_id *listener;
static struct rdma_event_channel *channel;

/**
 * loop_add - wait for something
 * @source: what
 *
 * Return: 0, or -1 with errno set.
 */
int loop_add(struct source *source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = source };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, source->fd, &event);
}

/**
 * loop_remove - wait for it no more
 * @source: what
 */
void loop_remove(struct source *source)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

/**
 * loop_seconds - the time, which nobody can set
 *
 * Return: seconds since some moment.
 */
time_t loop_seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

/* What is needed of an event after it has been acknowledged. */
struct cm_event {
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id;
	struct rdma_conn_param param;
	unsigned char data[UINT8_MAX];
};

static void dispatch(const struct cm_event *event)
{
	switch (event->type) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		client_request(event->id, &event->param);
		break;
	case RDMA_CM_EVENT_ESTABLISHED:
		client_established(event->id->context);
		break;
	case RDMA_CM_EVENT_CONNECT_ERROR:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_REJECTED:
	case RDMA_CM_EVENT_DISCONNECTED:
		client_disconnected(event->id);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		tell("the RDMA device is gone; start leapd again when it is back");
		stopping = true;
		device_gone = true;
		break;
	default:
		break;
	}
}

/*
 * One event at a time: handling one may destroy ids that others are about, and
 * destroying an id takes its events out of the channel.
 */
static void cm_ready(struct source *source)
{
	struct rdma_cm_event *event;
	struct cm_event copy = { 0 };

	(void)source;
	if (rdma_get_cm_event(channel, &event))
		return;
	copy.type = event->event;
	copy.id = event->id;
	copy.param = event->param.conn;
	if (copy.type == RDMA_CM_EVENT_CONNECT_REQUEST && copy.param.private_data)
		memcpy(copy.data, copy.param.private_data,
		       copy.param.private_data_len);
	copy.param.private_data = copy.data;
	rdma_ack_cm_event(event);
	dispatch(&copy);
}

static void signal_ready(struct source *source)
{
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		stopping = true;
}

static void timer_ready(struct source *source)
{
	uint64_t ticks;

	if (read(source->fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;
	client_tick(loop_seconds());
	recall_tick(loop_seconds());
	slab_tick(loop_seconds());
	status_tick();
}

static struct source cm_source = { .fd = -1, .ready = cm_ready };
static struct source signal_source = { .fd = -1, .ready = signal_ready };
static struct source timer_source = { .fd = -1, .ready = timer_ready };

static int complain(const char *what, const char *advice)
{
	fprintf(stderr, "leapd: %s: %s%s%s\n", what, strerror(errno),
		*advice ? "; " : "", advice);
	return -1;
}

static int bind_listener(void)
{
	struct rdma_addrinfo hints = {
		.ai_flags = RAI_PASSIVE | RAI_NUMERICHOST,
		.ai_port_space = RDMA_PS_TCP,
	}, *info;
	int err;

	if (rdma_getaddrinfo(options.address, options.port, &hints, &info)) {
		fprintf(stderr, "leapd: %s port %s is not an address of this machine; host names are not taken\n",
			options.address, options.port);
		return -1;
	}
	if (rdma_create_id(channel, &listener, NULL, RDMA_PS_TCP)) {
		rdma_freeaddrinfo(info);
		return complain("rdma_create_id", "is the module rdma_ucm loaded?");
	}
	options.listen = auth_address(info->ai_src_addr);
	err = rdma_bind_addr(listener, info->ai_src_addr);
	rdma_freeaddrinfo(info);
	if (err && errno == EADDRINUSE)
		return complain(options.address, "another leapd has that port");
	if (err)
		return complain(options.address, "see whether an RDMA device has that address: rdma link");
	if (!listener->verbs) {
		fprintf(stderr, "leapd: no RDMA device has the address %s; see: rdma link\n",
			options.address);
		return -1;
	}
	if (rdma_listen(listener, BACKLOG))
		return complain("rdma_listen", errno == EADDRINUSE ?
				"another leapd has that port" : "");
	return 0;
}

static int set_up_sources(void)
{
	struct itimerspec second = {
		.it_value.tv_sec = 1,
		.it_interval.tv_sec = 1,
	};
	sigset_t signals;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	channel = rdma_create_event_channel();
	if (epoll_fd < 0 || !channel)
		return complain("cannot listen for events", "load the modules rdma_ucm and ib_uverbs");
	cm_source.fd = channel->fd;
	if (fcntl(channel->fd, F_SETFL, fcntl(channel->fd, F_GETFL) | O_NONBLOCK))
		return complain("fcntl", "");
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);	/* who reads our log may go; clients stay */
	signal_source.fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	timer_source.fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (signal_source.fd < 0 || timer_source.fd < 0 ||
	    timerfd_settime(timer_source.fd, 0, &second, NULL) ||
	    loop_add(&cm_source) || loop_add(&signal_source) ||
	    loop_add(&timer_source))
		return complain("cannot set the main loop up", "");
	return 0;
}

static void loop(void)
{
	struct epoll_event event;

	while (!stopping) {
		int nr = epoll_wait(epoll_fd, &event, 1, -1);

		if (nr < 0 && errno != EINTR) {
			perror("leapd: epoll_wait");
			return;
		}
		if (nr == 1)
			((struct source *)event.data.ptr)->ready(event.data.ptr);
	}
}

static void drop_clients(void)
{
	struct client *client;

	while ((client = LIST_FIRST(&clients)))
		client_drop(client, "leapd ends");
}

static void tear_down(void)
{
	if (listener)
		rdma_destroy_id(listener);
	if (channel)
		rdma_destroy_event_channel(channel);
	if (signal_source.fd >= 0)
		close(signal_source.fd);
	if (timer_source.fd >= 0)
		close(timer_source.fd);
	if (epoll_fd >= 0)
		close(epoll_fd);
}

/**
 * server_run - lend until told to end
 *
 * Return: 0 after SIGTERM or SIGINT, -1 if it could not even begin or its RDMA device
 * was removed; a line of help has been printed then.
 */
int server_run(void)
{
	int err = set_up_sources();

	if (!err) {
		errno = -slab_init();
		if (errno)
			err = complain("cannot start a thread", "");
	}
	if (err) {
		tear_down();
		return -1;
	}
	err = bind_listener();
	if (!err) {
		status_ready();
		loop();
	}
	drop_clients();
	slab_exit();
	tear_down();
	return device_gone ? -1 : err;
}
