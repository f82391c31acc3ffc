/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LEAPD_ACCOUNT_H
#define LEAPD_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct account - what may be lent and what is, in bytes
 * @limit: most to lend
 * @reserve: what must stay available on this machine
 * @margin: what is not lent beside the reserve; when it is used up there is a
 *	shortage, and when it is back that is over
 * @slab: size of a slab
 * @lent: slabs on loan, in preparation and on their way back
 * @preparing: the part of these that may not have taken its memory yet
 * @returning: the part of these that is on its way back
 * @shortage: less than the reserve was available, and not enough has been since
 */
struct account {
	uint64_t limit;
	uint64_t reserve;
	uint64_t margin;
	uint64_t slab;
	uint64_t lent;
	uint64_t preparing;
	uint64_t returning;
	bool shortage;
};

uint64_t account_capacity(const struct account *account, uint64_t available);
uint64_t account_prospect(const struct account *account, uint64_t available);
bool account_lend(struct account *account, uint64_t available);
void account_prepared(struct account *account);
void account_failed(struct account *account);
void account_return(struct account *account);
void account_returned(struct account *account);
void account_watch(struct account *account, uint64_t available);
uint64_t account_recall(const struct account *account, uint64_t available,
			uint64_t asked);
bool size_parse(const char *text, uint64_t *bytes);

#endif /* LEAPD_ACCOUNT_H */
