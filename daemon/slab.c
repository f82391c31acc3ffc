// SPDX-License-Identifier: GPL-2.0
/*
 * Slabs: memory that is lent.
 *
 * What a client gets is fresh anonymous memory, which the kernel has zeroed
 * page by page, and what it gives back goes to the kernel at once: no byte of
 * one client ever reaches another. Getting the pages and registering them takes
 * long, so a thread does it; it touches nothing but its job.
 */
#include "leapd.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* A slab in preparation. */
struct job {
	STAILQ_ENTRY(job) entry;
	struct client *client;
	uint64_t seq;
	struct slab *slab;
	enum leap_msg_status status;
};

STAILQ_HEAD(jobs, job);

static pthread_t thread;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct jobs to_do = STAILQ_HEAD_INITIALIZER(to_do);
static struct jobs done = STAILQ_HEAD_INITIALIZER(done);
static bool stopping;

static uint64_t available_bytes(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

static void prepare(struct job *job)
{
	struct slab *slab = job->slab;
	void *memory = mmap(NULL, account.slab, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED) {
		job->status = LEAP_STATUS_NO_MEMORY;
		return;
	}
	slab->mr = ibv_reg_mr(job->client->pd, memory, account.slab,
			      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ |
			      IBV_ACCESS_REMOTE_WRITE);
	if (!slab->mr) {
		fprintf(stderr, "leapd: cannot register a slab: %s; if it says \"Cannot allocate memory\", raise ulimit -l (LimitMEMLOCK= in the unit)\n",
			strerror(errno));
		munmap(memory, account.slab);
		job->status = LEAP_STATUS_DEVICE;
		return;
	}
	slab->memory = memory;
	job->status = LEAP_STATUS_OK;
}

static void *work(void *arg)
{
	int wake = *(int *)arg;
	uint64_t one = 1;
	struct job *job;

	pthread_mutex_lock(&lock);
	while (!stopping) {
		job = STAILQ_FIRST(&to_do);
		if (!job) {
			pthread_cond_wait(&more, &lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&to_do, entry);
		pthread_mutex_unlock(&lock);
		prepare(job);
		pthread_mutex_lock(&lock);
		STAILQ_INSERT_TAIL(&done, job, entry);
		if (write(wake, &one, sizeof(one)) < 0)
			perror("leapd: eventfd");
	}
	pthread_mutex_unlock(&lock);
	return NULL;
}

static void finish(struct job *job)
{
	struct client *client = job->client;
	bool ok = job->status == LEAP_STATUS_OK;

	account_prepared(&account);
	if (ok && !client->gone) {
		LIST_INSERT_HEAD(&client->slabs, job->slab, entry);
	} else if (ok) {
		slab_free(job->slab);
		ok = false;
	} else {
		account_return(&account);
		free(job->slab);
	}
	if (!client->gone)
		control_granted(client, job->seq, ok ? job->slab : NULL,
				job->status);
	client_job_done(client);
	free(job);
}

static void jobs_done(struct source *source)
{
	struct job *job;
	uint64_t count;

	if (read(source->fd, &count, sizeof(count)) < 0)
		return;
	for (;;) {
		pthread_mutex_lock(&lock);
		job = STAILQ_FIRST(&done);
		if (job)
			STAILQ_REMOVE_HEAD(&done, entry);
		pthread_mutex_unlock(&lock);
		if (!job)
			return;
		finish(job);
	}
}

static struct source wake = { .fd = -1, .ready = jobs_done };

/**
 * slab_capacity - how much more can be lent
 *
 * Return: bytes, a multiple of the slab size.
 */
uint64_t slab_capacity(void)
{
	return account_capacity(&account, available_bytes());
}

/**
 * slab_lend - start preparing a slab
 * @client: for whom; control_granted() is called when it is ready or has failed
 * @seq: of the message that asked
 *
 * Return: 0, or -ENOMEM if there is none to lend.
 */
int slab_lend(struct client *client, uint64_t seq)
{
	struct job *job;

	if (!account_lend(&account, available_bytes()))
		return -ENOMEM;
	job = calloc(1, sizeof(*job));
	if (job)
		job->slab = calloc(1, sizeof(*job->slab));
	if (!job || !job->slab) {
		free(job);
		account_prepared(&account);
		account_return(&account);
		return -ENOMEM;
	}
	job->slab->id = client->next_slab++;
	job->client = client;
	job->seq = seq;
	client->jobs++;
	pthread_mutex_lock(&lock);
	STAILQ_INSERT_TAIL(&to_do, job, entry);
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
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
 * slab_free - take a slab's memory back
 * @slab: in no list any more
 */
void slab_free(struct slab *slab)
{
	ibv_dereg_mr(slab->mr);
	munmap(slab->memory, account.slab);
	account_return(&account);
	free(slab);
}

/**
 * slab_return - a client gives a slab back
 * @client: which
 * @id: number of the slab
 *
 * Return: false if it has no such slab.
 */
bool slab_return(struct client *client, uint32_t id)
{
	struct slab *slab = slab_find(client, id);

	if (!slab)
		return false;
	LIST_REMOVE(slab, entry);
	slab_free(slab);
	return true;
}

static uint64_t total_bytes(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/**
 * slab_init - open the books and start the thread
 *
 * Return: 0 or a negative errno.
 */
int slab_init(void)
{
	account.slab = options.slab;
	account.limit = options.memory ? options.memory : available_bytes() / 2;
	account.reserve = options.reserve == UINT64_MAX ? total_bytes() / 10 :
			  options.reserve;
	wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake.fd < 0)
		return -errno;
	if (loop_add(&wake))
		return -errno;
	return -pthread_create(&thread, NULL, work, &wake.fd);
}

/** slab_exit - the reverse; all clients have been dropped */
void slab_exit(void)
{
	struct job *job;

	pthread_mutex_lock(&lock);
	stopping = true;
	pthread_cond_signal(&more);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	while ((job = STAILQ_FIRST(&to_do))) {
		STAILQ_REMOVE_HEAD(&to_do, entry);
		job->status = LEAP_STATUS_NO_MEMORY;
		finish(job);
	}
	while ((job = STAILQ_FIRST(&done))) {
		STAILQ_REMOVE_HEAD(&done, entry);
		finish(job);
	}
	loop_remove(&wake);
	close(wake.fd);
}
