// SPDX-License-Identifier: GPL-2.0
/* How much may be lent. Arithmetic only, so that it can be tested anywhere. */
#include "account.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/**
 * account_capacity - how much more can be lent at once
 * @account: the books
 * @available: bytes that this machine has available now
 *
 * Return: bytes, a multiple of the slab size; none in a shortage.
 */
uint64_t account_capacity(const struct account *account, uint64_t available)
{
	uint64_t kept = account->reserve + account->margin + account->preparing;
	uint64_t room = available > kept ? available - kept : 0;
	uint64_t left = account->limit > account->lent ?
			account->limit - account->lent : 0;

	if (account->shortage)
		return 0;
	if (room < left)
		left = room;
	return left - left % account->slab;
}

/**
 * account_prospect - how much more can be lent when all returns are over
 * @account: the books
 * @available: bytes that this machine has available now
 *
 * Return: bytes, a multiple of the slab size.
 */
uint64_t account_prospect(const struct account *account, uint64_t available)
{
	struct account later = *account;

	later.lent -= account->returning;
	return account_capacity(&later, available + account->returning);
}

/**
 * account_lend - book one slab, which is about to be prepared
 * @account: the books
 * @available: bytes that this machine has available now
 *
 * Return: false if there is no room for it; nothing is booked then.
 */
bool account_lend(struct account *account, uint64_t available)
{
	if (!account_capacity(account, available))
		return false;
	account->lent += account->slab;
	account->preparing += account->slab;
	return true;
}

/**
 * account_prepared - a slab has got its memory
 * @account: the books
 */
void account_prepared(struct account *account)
{
	account->preparing -= account->slab;
}

/**
 * account_failed - a slab has got no memory
 * @account: the books
 */
void account_failed(struct account *account)
{
	account->preparing -= account->slab;
	account->lent -= account->slab;
}

/**
 * account_return - a slab that has its memory is on its way back
 * @account: the books
 */
void account_return(struct account *account)
{
	account->returning += account->slab;
}

/**
 * account_returned - it is free again
 * @account: the books
 */
void account_returned(struct account *account)
{
	account->returning -= account->slab;
	account->lent -= account->slab;
}

/**
 * account_watch - see whether this machine is short of memory
 * @account: the books
 * @available: bytes that this machine has available now
 *
 * The margin keeps slabs from being lent and called back in turn: lending leaves
 * it alone, and a shortage begins only when it is used up.
 */
void account_watch(struct account *account, uint64_t available)
{
	if (available < account->reserve)
		account->shortage = true;
	else if (available - account->reserve >= account->margin)
		account->shortage = false;
}

/**
 * account_recall - how much to call back now
 * @account: the books
 * @available: bytes that this machine has available now
 * @asked: bytes of slabs on loan that have been called back already
 *
 * Return: bytes, a multiple of the slab size; 0 if there is no shortage.
 */
uint64_t account_recall(const struct account *account, uint64_t available,
			uint64_t asked)
{
	uint64_t goal = account->reserve + account->margin;
	uint64_t coming = available + account->returning + asked;
	uint64_t gone = account->preparing + account->returning + asked;
	uint64_t left = account->lent > gone ? account->lent - gone : 0;
	uint64_t need;

	if (!account->shortage || coming >= goal)
		return 0;
	need = goal - coming + account->slab - 1;
	need -= need % account->slab;
	return need < left ? need : left;
}

/**
 * size_parse - read a size such as 4096, 64K, 512M or 2G
 * @text: the size; suffixes are powers of 1024, either case
 * @bytes: set to it
 *
 * Return: false if it is no size or does not fit.
 */
bool size_parse(const char *text, uint64_t *bytes)
{
	static const char suffixes[] = "KMGT";
	const char *suffix;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	*bytes = strtoull(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)*text))
		return false;
	if (*end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (!suffix || end[1])
			return false;
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (*bytes > UINT64_MAX >> shift)
		return false;
	*bytes <<= shift;
	return true;
}
