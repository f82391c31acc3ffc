// SPDX-License-Identifier: GPL-2.0
/*
 * Calling slabs back when this machine runs short of memory itself.
 *
 * Once a second: while less than the reserve is available, clients are asked to
 * give slabs back, those first that have the least in them, until what has been
 * asked for brings back the reserve and a margin. A client moves what is in a
 * slab to another server or its swap device before it returns the slab, which
 * takes time. It has so many seconds; if they are over and less than the reserve
 * is available still, the client is cut off: better its pages than this machine.
 * If the machine is not short any more, the slab may stay. Clients whose connection is
 * broken are called last. They hear of it when they are back, and their time runs:
 * nobody keeps memory by being away.
 */
#include "leapd.h"

struct recalls recalls;

static bool may_be_asked(const struct client *client)
{
	return client->recalled < LEAP_RECALLS_MAX;
}

/* Of slabs that are equally empty, one of the client that was asked the least. */
static bool better(const struct slab *slab, const struct slab *best)
{
	if (!best || !slab->client->control != !best->client->control)
		return !best || slab->client->control;
	if (slab->used != best->used)
		return slab->used < best->used;
	return slab->client->recalled < best->client->recalled;
}

/* Of all slabs that may be called back, or NULL: the next one is to be waited for. */
static struct slab *least_used(void)
{
	const struct client *client;
	struct slab *slab, *best = NULL;
	bool wait = false;

	LIST_FOREACH(client, &clients, entry)
		LIST_FOREACH(slab, &client->slabs, entry) {
			if (slab->recall_until || !client->admitted)
				continue;
			if (!may_be_asked(client))
				wait |= client->control != NULL;
			else if (better(slab, best))
				best = slab;
		}
	return best && (best->client->control || !wait) ? best : NULL;
}

/* The client may be gone afterwards. */
static void call_back(struct slab *slab, time_t time)
{
	struct client *client = slab->client;

	slab->recall_until = time + options.recall;
	client->recalled++;
	recalls.asked++;
	event(client, "recall", "slab %u, with %u pages in use, within %u s",
	      slab->id, slab->used, options.recall);
	if (client->control)
		control_recall(client, slab->id, options.recall);
}

static struct slab *find_overdue(time_t time)
{
	const struct client *client;
	struct slab *slab;

	LIST_FOREACH(client, &clients, entry)
		LIST_FOREACH(slab, &client->slabs, entry)
			if (slab->recall_until && time >= slab->recall_until)
				return slab;
	return NULL;
}

static void cut_off(struct client *client)
{
	recalls.cut_off++;
	event(client, "cut-off", "it has not given back in time what was called back");
	client_drop(client, "this machine needs the memory");
}

/*
 * Nobody is cut off for what is on its way back from others, or for the margin:
 * that one waits until there is enough or too little.
 */
static void judge_overdue(uint64_t available, time_t time)
{
	struct slab *slab;

	while ((slab = find_overdue(time))) {
		if (!account.shortage) {
			event(slab->client, "recall-over", "slab %u may stay", slab->id);
			recall_forget(slab);
		} else if (available + account.returning < account.reserve) {
			cut_off(slab->client);
		} else {
			return;
		}
	}
}

/**
 * recall_forget - a slab is not waited for any more
 * @slab: which; it need not have been called back
 */
void recall_forget(struct slab *slab)
{
	if (!slab->recall_until)
		return;
	slab->recall_until = 0;
	slab->client->recalled--;
}

/**
 * recall_again - tell a client once more what was called back
 * @client: which; it is dropped if that cannot be sent
 * @time: in seconds
 *
 * The deadlines stay: coming back gains nobody time.
 */
void recall_again(struct client *client, time_t time)
{
	const struct slab *slab;

	LIST_FOREACH(slab, &client->slabs, entry) {
		if (!slab->recall_until)
			continue;
		control_recall(client, slab->id, slab->recall_until > time ?
			       (uint32_t)(slab->recall_until - time) : 1);
		if (client->gone)
			return;
	}
}

/**
 * recall_pending - slabs that were called back and have not come yet
 *
 * Return: how many.
 */
unsigned int recall_pending(void)
{
	const struct client *client;
	unsigned int nr = 0;

	LIST_FOREACH(client, &clients, entry)
		nr += client->recalled;
	return nr;
}

static void note_shortage(uint64_t available)
{
	bool before = account.shortage;

	account_watch(&account, available);
	if (account.shortage && !before)
		event(NULL, "shortage", "%llu MiB are available, less than the reserve",
		      (unsigned long long)available >> 20);
	else if (before && !account.shortage)
		event(NULL, "shortage-over", "%llu MiB are available",
		      (unsigned long long)available >> 20);
}

/**
 * recall_tick - once a second: does this machine need memory back?
 * @time: in seconds
 */
void recall_tick(time_t time)
{
	uint64_t available = memory_available();
	uint64_t need;
	struct slab *slab;

	note_shortage(available);
	judge_overdue(available, time);
	need = account_recall(&account, available,
			      recall_pending() * account.slab);
	while (need && (slab = least_used())) {
		call_back(slab, time);
		need -= account.slab;
	}
}
