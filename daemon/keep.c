// SPDX-License-Identifier: GPL-2.0
/*
 * Clients that are cut off and come back.
 *
 * When the control connection of a client that has asked for it breaks, all its
 * connections go, but its slabs stay for the grace period. Whoever comes with its
 * id and its token, and with a key has proved itself, is a new client that gets
 * the slabs of the old one, and the protection domain that they are in. The two
 * may not know the same slabs, if messages were lost: until it has named those
 * that it knows of, see reconcile(), it gets nothing else.
 */
#include "leapd.h"

/**
 * client_lost - the control connection of a client is broken
 * @client: which; may be gone afterwards
 * @why: for the log
 */
void client_lost(struct client *client, const char *why)
{
	if (client->gone)
		return;
	if (!(client->hello.flags & LEAP_HELLO_KEEP) || !options.grace ||
	    LIST_EMPTY(&client->slabs)) {
		client_drop(client, why);
		return;
	}
	event(client, "client-lost", "%s; its slabs are kept for a while", why);
	client_cut(client);
	if (!client->away_until)
		client->away_until = loop_seconds() + (time_t)options.grace;
}

/*
 * That of its last welcome; or, if it has not said anything yet that shows that it
 * has got that one, the token that it came with.
 */
static bool token_fits(const struct client *before, uint64_t token)
{
	return token == before->token ||
	       (before->reconciling && token == before->hello.token);
}

/**
 * keep_fits - is this the client that has come back?
 * @before: one with the same id
 * @hello: what the new one says
 * @verbs: the device that it has come by
 *
 * Return: true if it may have the slabs of @before.
 */
bool keep_fits(const struct client *before, const struct leap_hello_info *hello,
	       const struct ibv_context *verbs)
{
	return hello->flags & LEAP_HELLO_KEEP &&
	       before->hello.flags & LEAP_HELLO_KEEP &&
	       token_fits(before, hello->token) && verbs == before->verbs;
}

/**
 * keep_adopt - a client is back
 * @client: as it is now, with no slab yet
 * @before: as it was; gone afterwards
 */
void keep_adopt(struct client *client, struct client *before)
{
	struct domain *domain = client->domain;
	struct slab *slab;

	client->domain = before->domain;
	before->domain = domain;
	while ((slab = LIST_FIRST(&before->slabs))) {
		LIST_REMOVE(slab, entry);
		LIST_INSERT_HEAD(&client->slabs, slab, entry);
		slab->client = client;
		slab->named = false;
		client->lent += account.slab;
		before->lent -= account.slab;
	}
	client->recalled = before->recalled;
	before->recalled = 0;
	client->next_slab = before->next_slab;
	client->next_round = before->next_round;
	client->away_until = before->away_until;
	client->reconciling = true;
	client_drop(before, "it is back");
}

/**
 * reconcile - a client that is back has named all the slabs that it knows of
 * @client: which; may be gone afterwards
 *
 * The answer that lent it the others, or took them back, was lost. So may be what
 * called back those that it has.
 */
void reconcile(struct client *client)
{
	struct slab *slab, *next;

	client->reconciling = false;
	for (slab = LIST_FIRST(&client->slabs); slab; slab = next) {
		next = LIST_NEXT(slab, entry);
		if (!slab->named)
			slab_take_back(slab);
	}
	recall_again(client, loop_seconds());
}

/**
 * keep_expired - is it too late for a client to come back?
 * @client: which
 * @time: in seconds
 *
 * Return: true if it is away and its grace period is over.
 */
bool keep_expired(const struct client *client, time_t time)
{
	return !client->control && time >= client->away_until;
}
