/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Slabs: where they are, what is under way there, and how they move.
 *
 *	slab.c		slabs and their homes, from lending to giving back
 *	spot.c		what single requests read and write
 *	homes.c		what becomes of homes when their server goes and comes back
 *	move.c		the mover: homes that must be left
 *	fill.c		copying to a home what it lacks
 *	repair.c	and copies that are missing
 *	verify.c	checksums
 */
#ifndef LEAP_SLAB_H
#define LEAP_SLAB_H

#include "leap.h"

/* slab.c, spot.c */

/**
 * struct leap_slab - a part of the remote address space
 * @homes: what policy/copies.c needs to know of the places that it is in
 * @leases: the same places, for those who read and write there
 * @disk_reads: loads from the swap device under way; what is in use is not returned
 * @empty_since: in jiffies, 0 if it was not empty when last looked at
 * @moving: the mover works on it; it is not to be returned by anybody else
 * @lacking: some home lacks what another has, or there are too few of them
 * @sums: by slot, see verify.c; NULL if that is not wanted
 * @copies: by chunk; where each slot is
 */
struct leap_slab {
	struct leap_homes homes;
	struct leap_lease leases[LEAP_HOMES_MAX];
	u32 disk_reads;
	unsigned long empty_since;
	bool moving;
	bool lacking;
	u32 *sums;
	struct leap_copies copies[];
};

/**
 * struct leap_spot - some slots of a slab, for one request
 * @slab: the slab; it keeps the home until leap_spot_read(), and all homes that a
 *	store goes to until leap_spot_written()
 * @chunk: which of its chunks
 * @slot: the first slot there
 * @nr: how many
 * @home: number of the home; of a store, the first of them; or LEAP_COPY_DISK
 * @store: for stores: all of them
 */
struct leap_spot {
	struct leap_slab *slab;
	u32 chunk;
	u32 slot;
	u32 nr;
	u32 home;
	struct leap_store store;
};

static inline struct leap_lease *leap_spot_lease(const struct leap_spot *spot)
{
	return &spot->slab->leases[spot->home];
}

/* To be read from the swap device. */
static inline bool leap_spot_on_disk(const struct leap_spot *spot)
{
	return spot->home == LEAP_COPY_DISK;
}

/* NULL if it is on disk. */
static inline struct leap_server *leap_spot_server(const struct leap_spot *spot)
{
	return leap_spot_on_disk(spot) ? NULL : leap_spot_lease(spot)->server;
}

u64 leap_spot_addr(const struct leap_spot *spot);
int leap_spot_to_write(struct leap_session *session,
		       const struct leap_place *place, unsigned int nr,
		       struct leap_spot *spot);
int leap_spot_to_read(struct leap_session *session,
		      const struct leap_place *place, unsigned int nr,
		      struct leap_spot *spot);
int leap_spot_again(struct leap_session *session, struct leap_spot *spot, u32 tried);
void leap_spot_spoil(struct leap_session *session, const struct leap_spot *spot);
void leap_spot_read(struct leap_session *session, const struct leap_spot *spot);
enum leap_stored leap_spot_written(struct leap_session *session,
				   const struct leap_spot *spot, u32 written);
struct leap_server *leap_slab_reader(struct leap_session *session,
				     const struct leap_place *place);
void leap_slab_free_slot(struct leap_session *session,
			 const struct leap_place *place);
int leap_slab_lend(struct leap_session *session, const u32 *taken, u32 nr_taken,
		   struct leap_lease *lease);
int leap_slab_spare(struct leap_session *session, const u32 *taken, u32 nr_taken,
		    struct leap_lease *lease);
int leap_slab_borrow(struct leap_session *session);
bool leap_slab_return(struct leap_session *session, u32 nr);
bool leap_slab_idle(struct leap_session *session, u32 nr, unsigned long linger);
bool leap_slab_homeless(struct leap_session *session, u32 nr);
void leap_slab_update(struct leap_session *session, u32 nr);
void leap_slab_lacks(struct leap_session *session, struct leap_slab *slab);
void leap_slab_void_home(struct leap_slab *slab, u32 home);
int leap_slab_add_home(struct leap_slab *slab, const struct leap_lease *lease);
bool leap_slab_dispensable(struct leap_session *session,
			   const struct leap_slab *slab, u32 home);
bool leap_slab_next_report(struct leap_server *server, bool before, u32 *nr,
			   u32 *remote_id, u32 *used);
ssize_t leap_slab_show(struct leap_session *session, struct leap_server *server,
		       char *buf, int at);
void leap_slab_destroy(struct leap_slab *slab);

/* homes.c */

void leap_slab_server_lost(struct leap_server *server);
void leap_slab_server_back(struct leap_server *server, u32 epoch);
void leap_slab_server_forget(struct leap_server *server, u32 epoch);
void leap_slab_server_health(struct leap_server *server);
void leap_slab_server_report(struct leap_server *server);
void leap_slab_server_drain(struct leap_server *server);
void leap_slab_server_spare(struct leap_server *server);
bool leap_slab_server_empty(struct leap_server *server);
void leap_slab_count_freed(struct leap_session *session,
			   const struct leap_slab *slab, u32 home);

/* verify.c */

void leap_verify_note(const struct leap_spot *spot, struct folio *folio);
bool leap_verify_same(const struct leap_spot *spot, unsigned int slot,
		      struct folio *folio);
int leap_verify_check(const struct leap_spot *spot, struct folio *folio,
		      unsigned int page);

/* fill.c */

struct folio *leap_fill_bounce(void);
int leap_fill_homes(struct leap_session *session, struct leap_slab *slab, bool rebuild);

/* move.c */

int leap_move_init(struct leap_session *session);
void leap_move_stop(struct leap_session *session);
void leap_move_exit(struct leap_session *session);
void leap_move_recall(struct leap_server *server, u32 epoch, u32 remote_id);
void leap_move_recall_none(struct leap_server *server);
void leap_move_look(struct leap_server *server);
void leap_move_forget(const struct leap_lease *lease);
void leap_move_kick(struct leap_session *session);
int leap_move_new_home(struct leap_session *session, u32 nr, struct leap_slab *slab);
void leap_move_surplus(struct leap_session *session, u32 nr, struct leap_slab *slab);
void leap_move_note(struct leap_session *session);

/* repair.c */

void leap_repair(struct leap_session *session);
bool leap_repair_must_wait(struct leap_session *session);
void leap_repair_pace(u32 pages);
u64 leap_repair_left(struct leap_session *session);

#endif /* LEAP_SLAB_H */
