// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: memory that is lent.
 *
 * What a client gets is fresh anonymous memory, which the kernel has zeroed
 * page by page, and what it gives back is zeroed, too, and goes to the kernel at
 * once: no byte of one client ever reaches another, or stays on this machine, nor
 * is it in a core dump.
 *
 * Getting pages and registering them takes long, and so does the reverse. A
 * thread does both; it touches nothing but the slab in question and, to make
 * registrations, its protection domain, which stays until all slabs in it are
 * gone (domain->users).
 *
 * The thread is fair: each client has its turn, once in a round, however many
 * slabs another asks for or leaves behind. A client that waits for too long
 * takes its server for dead.
 *
 * When all is lent but something is on its way back, whoever asks waits for it, but
 * not for so long that it takes us for dead; and not in a shortage, when it is not
 * for lending.
 */
#include "leapd.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

TAILQ_HEAD(slabs, slab);

static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct slabs to_do = TAILQ_HEAD_INITIALIZER(to_do);
static struct slabs done = TAILQ_HEAD_INITIALIZER(done);
static struct slabs waiting = TAILQ_HEAD_INITIALIZER(waiting);
static uint64_t current_round;
static bool stopping;

/**
 * domain_create - a protection domain for slabs
 * @verbs: of this device
 *
 * Return: the domain, with one user; NULL if there is none to be had.
 */
struct domain *domain_create(struct ibv_context *verbs)
{
	struct domain *domain = calloc(1, sizeof(*domain));

	if (!domain)
		return NULL;
	domain->users = 1;
	domain->pd = ibv_alloc_pd(verbs);
	if (!domain->pd) {
		free(domain);
		return NULL;
	}
	return domain;
}

/**
 * domain_put - one user less
 * @domain: which; gone with the last one
 */
void domain_put(struct domain *domain)
{
	if (--domain->users)
		return;
	ibv_dealloc_pd(domain->pd);
	free(domain);
}

static void slab_free(struct slab *slab)
{
	domain_put(slab->domain);
	free(slab);
}

static void prepare(struct slab *slab)
{
	void *memory = mmap(NULL, account.slab, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED) {
		slab->status = LEAP_STATUS_NO_MEMORY;
		return;
	}
	madvise(memory, account.slab, MADV_DONTDUMP);
	slab->mr = ibv_reg_mr(slab->domain->pd, memory, account.slab,
			      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ |
			      IBV_ACCESS_REMOTE_WRITE);
	if (!slab->mr) {
		tell("cannot register a slab: %s; if it says \"Cannot allocate memory\", raise ulimit -l (LimitMEMLOCK= in the unit)",
		     strerror(errno));
		munmap(memory, account.slab);
		slab->status = LEAP_STATUS_DEVICE;
		return;
	}
	slab->memory = memory;
	slab->status = LEAP_STATUS_OK;
}

/* Until it is zeroed it must not be swapped, once it is not registered any more. */
static void dispose(struct slab *slab)
{
	mlock(slab->memory, account.slab);
	ibv_dereg_mr(slab->mr);
	explicit_bzero(slab->memory, account.slab);
	munmap(slab->memory, account.slab);
}

/* The next one in turn; NULL when the program ends. */
static struct slab *next_job(void)
{
	struct slab *slab;

	while (!(slab = TAILQ_FIRST(&to_do)) && !stopping)
		pthread_cond_wait(&more, &lock);
	if (slab) {
		TAILQ_REMOVE(&to_do, slab, job);
		current_round = slab->round;
	}
	return slab;
}

static void *work(void *arg)
{
	int wake = *(int *)arg;
	uint64_t one = 1;
	struct slab *slab;

	pthread_mutex_lock(&lock);
	while ((slab = next_job())) {
		pthread_mutex_unlock(&lock);
		if (slab->returned)
			dispose(slab);
		else
			prepare(slab);
		pthread_mutex_lock(&lock);
		TAILQ_INSERT_TAIL(&done, slab, job);
		if (write(wake, &one, sizeof(one)) < 0)
			tell("eventfd: %s", strerror(errno));
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* A client's first job is for this round, each further one for the next. */
static void enqueue(struct slab *slab)
{
	struct client *client = slab->client;
	struct slab *before;

	pthread_mutex_lock(&lock);
	if (client->next_round < current_round)
		client->next_round = current_round;
	slab->round = client->next_round++;
	TAILQ_FOREACH_REVERSE(before, &to_do, slabs, job)
		if (before->round <= slab->round)
			break;
	if (before)
		TAILQ_INSERT_AFTER(&to_do, before, slab, job);
	else
		TAILQ_INSERT_HEAD(&to_do, slab, job);
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
}

/* A slab in no list any more, whose client's jobs count it already. */
static void begin_return(struct slab *slab)
{
	slab->returned = true;
	slab->client->lent -= account.slab;
	account_return(&account);
	enqueue(slab);
}

/* Nothing is booked for this slab, or not any more. */
static void refuse(struct slab *slab)
{
	struct client *client = slab->client;

	client->lent -= account.slab;
	if (!client->gone)
		control_granted(client, slab->seq, NULL, slab->status);
	slab_free(slab);
	client_job_done(client);
}

/* Something has come back: for those who wait, or it was the last thing. */
static void look_at_waiting(void)
{
	struct slab *slab;

	while ((slab = TAILQ_FIRST(&waiting))) {
		bool booked = account_lend(&account, memory_available());

		if (!booked && account.returning && !account.shortage)
			return;
		TAILQ_REMOVE(&waiting, slab, job);
		if (booked)
			enqueue(slab);
		else
			refuse(slab);
	}
}

/**
 * slab_tick - once a second: no more waiting for those who have waited for long
 * @time: in seconds
 */
void slab_tick(time_t time)
{
	struct slab *slab;

	while ((slab = TAILQ_FIRST(&waiting)) && time > slab->asked + 1) {
		TAILQ_REMOVE(&waiting, slab, job);
		refuse(slab);
	}
}

static void prepared(struct slab *slab)
{
	struct client *client = slab->client;

	if (slab->status != LEAP_STATUS_OK) {
		account_failed(&account);
		refuse(slab);
		return;
	}
	account_prepared(&account);
	if (client->gone) {
		begin_return(slab);
		return;
	}
	LIST_INSERT_HEAD(&client->slabs, slab, entry);
	control_granted(client, slab->seq, slab, LEAP_STATUS_OK);
	client_job_done(client);
}

static void disposed(struct slab *slab)
{
	struct client *client = slab->client;

	account_returned(&account);
	client->unasked -= slab->unasked;
	if (!client->gone && !slab->unasked)
		control_returned(client, slab->seq, slab->id);
	slab_free(slab);
	client_job_done(client);
	look_at_waiting();
}

static void finish(struct slab *slab)
{
	if (slab->returned)
		disposed(slab);
	else
		prepared(slab);
}

static struct slab *take_done(void)
{
	struct slab *slab;

	pthread_mutex_lock(&lock);
	slab = TAILQ_FIRST(&done);
	if (slab)
		TAILQ_REMOVE(&done, slab, job);
	pthread_mutex_unlock(&lock);
	return slab;
}

static void jobs_done(struct source *source)
{
	struct slab *slab;
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	while ((slab = take_done()))
		finish(slab);
}

static struct source wake = { .fd = -1, .ready = jobs_done };

/**
 * slab_capacity - how much more can be lent, now or in a moment
 * @client: to whom; NULL for all together
 *
 * Return: bytes, a multiple of the slab size.
 */
uint64_t slab_capacity(const struct client *client)
{
	uint64_t all = account_prospect(&account, memory_available());
	uint64_t lent = client ? client->lent : 0;
	uint64_t own = options.per_client > lent ? options.per_client - lent : 0;

	return client && own < all ? own - own % account.slab : all;
}

/**
 * slab_lend - start preparing a slab
 * @client: for whom; control_granted() is called when it is ready or has failed
 * @seq: of the message that asked
 *
 * Return: 0, or -ENOMEM if there is none to lend, or none for this client.
 */
int slab_lend(struct client *client, uint64_t seq)
{
	struct slab *slab;
	bool booked;

	if (client->lent + account.slab > options.per_client)
		return -ENOMEM;
	booked = account_lend(&account, memory_available());
	if (!booked && (account.shortage || !account.returning))
		return -ENOMEM;
	slab = calloc(1, sizeof(*slab));
	if (!slab) {
		if (booked)
			account_failed(&account);
		return -ENOMEM;
	}
	slab->id = client->next_slab++;
	slab->client = client;
	slab->domain = client->domain;
	slab->domain->users++;
	slab->seq = seq;
	slab->asked = loop_seconds();
	slab->status = LEAP_STATUS_NO_MEMORY;
	client->lent += account.slab;
	client->jobs++;
	if (booked)
		enqueue(slab);
	else
		TAILQ_INSERT_TAIL(&waiting, slab, job);
	return 0;
}

/**
 * slab_find - look a slab up
 * @client: whose
 * @id: its number
 *
 * Return: the slab, or NULL if this client has no such slab.
 */
struct slab *slab_find(struct client *client, uint32_t id)
{
	struct slab *slab;

	LIST_FOREACH(slab, &client->slabs, entry)
		if (slab->id == id)
			return slab;
	return NULL;
}

/**
 * slab_return - a client gives a slab back
 * @client: which; control_returned() is called when the slab is gone
 * @id: number of the slab
 * @seq: of the message that says so
 *
 * Return: false if it has no such slab.
 */
bool slab_return(struct client *client, uint32_t id, uint64_t seq)
{
	struct slab *slab = slab_find(client, id);

	if (!slab)
		return false;
	LIST_REMOVE(slab, entry);
	recall_forget(slab);
	slab->seq = seq;
	client->jobs++;
	begin_return(slab);
	return true;
}

/**
 * slab_take_back - a client has not asked for that, but does not mind
 * @slab: on loan
 */
void slab_take_back(struct slab *slab)
{
	LIST_REMOVE(slab, entry);
	recall_forget(slab);
	slab->unasked = true;
	slab->client->unasked++;
	slab->client->jobs++;
	begin_return(slab);
}

/* Moves what a client has asked for from one list to another. */
static void pick(struct client *client, struct slabs *from, struct slabs *to)
{
	struct slab *slab, *next;

	for (slab = TAILQ_FIRST(from); slab; slab = next) {
		next = TAILQ_NEXT(slab, job);
		if (slab->client != client || slab->returned)
			continue;
		TAILQ_REMOVE(from, slab, job);
		TAILQ_INSERT_TAIL(to, slab, job);
	}
}

/* What has not been begun for this client need not be any more. */
static void forget_jobs(struct client *client)
{
	struct slabs unbooked = TAILQ_HEAD_INITIALIZER(unbooked);
	struct slabs booked = TAILQ_HEAD_INITIALIZER(booked);
	struct slab *slab;

	pick(client, &waiting, &unbooked);
	pthread_mutex_lock(&lock);
	pick(client, &to_do, &booked);
	pthread_mutex_unlock(&lock);
	while ((slab = TAILQ_FIRST(&unbooked))) {
		TAILQ_REMOVE(&unbooked, slab, job);
		refuse(slab);
	}
	while ((slab = TAILQ_FIRST(&booked))) {
		TAILQ_REMOVE(&booked, slab, job);
		account_failed(&account);
		refuse(slab);
	}
}

/**
 * slab_return_all - take everything back from a client
 * @client: gone, without a queue that could reach a slab, and with a job that
 *	keeps it until this returns
 */
void slab_return_all(struct client *client)
{
	struct slab *slab;

	forget_jobs(client);
	while ((slab = LIST_FIRST(&client->slabs))) {
		LIST_REMOVE(slab, entry);
		recall_forget(slab);
		client->jobs++;
		begin_return(slab);
	}
}

/**
 * slab_init - open the books and start the thread
 *
 * Return: 0 or a negative errno.
 */
int slab_init(void)
{
	account.slab = options.slab;
	account.limit = options.memory ? options.memory : memory_available() / 2;
	account.reserve = options.reserve == UINT64_MAX ?
			  memory_total() / 10 : options.reserve;
	account.margin = account.reserve / RESERVE_MARGIN;
	wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake.fd < 0)
		return -errno;
	if (loop_add(&wake))
		return -errno;
	return -pthread_create(&thread, NULL, work, &wake.fd);
}

/**
 * slab_exit - the reverse; all clients have been dropped
 *
 * The thread ends when it has nothing to do. A slab that it has made for a
 * client that was gone by then is all that can come after that.
 */
void slab_exit(void)
{
	struct slab *slab;

	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	while ((slab = take_done()))
		finish(slab);
	while ((slab = TAILQ_FIRST(&to_do))) {
		TAILQ_REMOVE(&to_do, slab, job);
		dispose(slab);
		finish(slab);
	}
	loop_remove(&wake);
	close(wake.fd);
}
