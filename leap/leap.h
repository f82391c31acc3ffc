/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that the files of leap.ko share.
 *
 *	hooks (main.c)   ->  reader.c   each fault may lead to reads of other pages
 *	                     io.c       a folio becomes a request, or several: store.c,
 *	                     map.c      ... for a place in a slab ...
 *	                     slab.c     ... that has a home ...
 *	                     server.c   ... at a server ...
 *	dram.c, rdma*.c  <-  transport  ... that moves the bytes
 *
 * Lifetimes: there is at most one session. It owns its servers (server.c says
 * for how long), its slabs and the map. Each request holds a reference on the
 * session (session->ios), so session_destroy() can tell when the last one is over.
 * Requests belong to io.c and store.c until the transport's submit(), then to the
 * transport until it calls leap_io_done() exactly once, from any context.
 *
 * Locks, outermost first:
 *	session_mutex		session.c: create, destroy, areas and servers come and go
 *	rdma->conn_mutex	rdma.c: a server is connected or let go
 *	rdma->usage_mutex	rdma.c: slabs are named to a server, or given back
 *	ctrl->mutex		rdma_ctrl.c: one control call at a time
 *	session->map_lock	map.c, slab.c, spot.c, ...: clusters, chunks, slabs; irq-safe
 *	queue->lock		rdma_io.c: requests of one queue; irq-safe
 *	state_lock		server.c: the health of all servers; irq-safe
 */
#ifndef LEAP_H
#define LEAP_H

#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/leap.h>
#include <linux/ktime.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/percpu-refcount.h>
#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/swap.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <rdma/ib_verbs.h>
#include "policy/copies.h"
#include "policy/health.h"
#include "policy/portal.h"
#include "policy/slabmap.h"
#include "uapi/leap.h"
#include "uapi/leap_proto.h"

struct leap_io;
struct leap_key;
struct leap_queue;
struct leap_server;
struct leap_session;
struct leap_slab;
struct leap_spot;

/* Most slabs of a session. */
#define LEAP_SLABS_MAX		16384

/*
 * What is kept on loan ahead of demand: so many slabs, but no less than so many
 * chunks, for a store cannot wait for a server to lend more.
 */
#define LEAP_SPARE_SLABS	2
#define LEAP_SPARE_CHUNKS	16

/* stats.c */

enum leap_event {
	LEAP_STORED_PAGES,
	LEAP_LOADED_PAGES,
	LEAP_FREED_PAGES,
	LEAP_FAILED_STORES,
	LEAP_FAILED_LOADS,
	LEAP_REFUSED_STORES,
	LEAP_POSTED_STORES,
	LEAP_POSTED_LOADS,
	LEAP_STORED_BYTES,
	LEAP_LOADED_BYTES,
	LEAP_FAULTS,
	LEAP_MISSES,
	LEAP_PREFETCH_HITS,
	LEAP_PREFETCH_LATE,
	LEAP_PREFETCH_ISSUED,
	LEAP_PREFETCH_UNUSED,
	LEAP_RECALLED_SLABS,
	LEAP_MOVED_PAGES,
	LEAP_CORRUPT_PAGES,
	LEAP_RETRIED_LOADS,
	LEAP_REBUILT_PAGES,
	LEAP_BACKUP_WRITTEN,
	LEAP_BACKUP_READ,
	LEAP_BACKUP_FAILED,
	LEAP_EVENTS
};

enum leap_op {
	LEAP_LOAD,
	LEAP_STORE,
	LEAP_OPS,
};

/* What can be made to fail. */
enum leap_fault_point {
	LEAP_FAIL_LOAD = LEAP_LOAD,
	LEAP_FAIL_STORE = LEAP_STORE,
	LEAP_FAIL_MAP,
	LEAP_FAULT_POINTS,
};

/**
 * struct leap_stats - counters of one CPU
 * @events: how often, or how much
 * @hist: latencies of stores and of demand loads, leap_hist_bucket() of ns
 */
struct leap_stats {
	u64 events[LEAP_EVENTS];
	u64 hist[LEAP_OPS][LEAP_HIST_BUCKETS];
};

extern struct leap_stats __percpu *leap_stats_all;

int leap_stats_init(void);
void leap_stats_exit(void);
void leap_stats_add(struct leap_server *server, enum leap_event event, u64 nr);
void leap_stats_add_server(struct leap_server *server, enum leap_event event, u64 nr);
void leap_stats_copied(struct leap_server *from, struct leap_server *to, u64 nr,
		       bool rebuild);
void leap_stats_latency(struct leap_stats __percpu *stats, enum leap_op op, u64 ns);
ssize_t leap_stats_show(struct leap_stats __percpu *stats, char *buf);
ssize_t leap_stats_show_faults(char *buf, int at);
ssize_t leap_stats_show_hist(struct leap_stats __percpu *stats, enum leap_op op,
			     char *buf);
u64 leap_stats_sum(struct leap_stats __percpu *stats, enum leap_event event);

/* Transports: dram.c, rdma.c */

/**
 * struct leap_lease - memory on loan from a server, as large as a slab
 * @server: whose it is, NULL if there is none
 * @addr: its address there (rdma), or here (dram)
 * @rkey: grants access to it
 * @remote_id: the server's number for it
 * @epoch: of the connection that it is good for, see &leap_server.epoch
 * @recalled: the server has called it back, and has been lost since
 * @surplus: it was made up for elsewhere while it was away, and may go if all that
 *	is there still when the mover comes to it
 * @reported: pages in use as last told to the server
 * @reads: requests under way that read from it
 * @writes: requests under way that write to it
 */
struct leap_lease {
	struct leap_server *server;
	u64 addr;
	u32 rkey;
	u32 remote_id;
	u32 epoch;
	bool recalled;
	bool surplus;
	u32 reported;
	u32 reads;
	u32 writes;
};

/**
 * struct leap_transport - how bytes get to a server and back
 * @name: the portal's scheme
 * @connect: reach the server and agree on sizes; may sleep, bounded by the
 *	session's timeout. An error leaves nothing behind.
 * @reconnect: the same for one that was lost and aborted, and ask for what it had
 *	if that is wanted still. Returns 1 if it has kept that, 0 if it has nothing.
 * @disconnect: the reverse; no request is under way. May sleep.
 * @abort: make every request under way end soon, with an error; may sleep. The
 *	server is lost already, so that submit() refuses.
 * @slab_get: borrow one slab; may sleep, bounded. -ENOSPC: none to lend.
 * @slab_put: return it; nothing of it is in use. May sleep, bounded.
 * @ping: see that the server is alive, and tell it how full its slabs are, see
 *	leap_slab_next_report(). May sleep, bounded.
 * @copy: move the bytes of some pages of a folio to (store) or from (load) this
 *	address of a slab before returning; any context. NULL if it never can.
 * @instant: does nobody mind that requests take no longer than that? NULL likewise
 * @submit: start the request; any context. Must call leap_io_done() once, maybe
 *	before it returns. With &leap_io.more it may keep the request back.
 * @flush: start what submit() has kept back; any context. NULL if it does not.
 * @poll: somebody waits for @folio's load: spin for it, for a bounded time. The
 *	request may be over and gone.
 * @overdue: has a request been under way for longer than that?
 */
struct leap_transport {
	const char *name;
	int (*connect)(struct leap_server *server);
	int (*reconnect)(struct leap_server *server, bool keep);
	void (*disconnect)(struct leap_server *server);
	void (*abort)(struct leap_server *server);
	int (*slab_get)(struct leap_server *server, struct leap_lease *lease);
	void (*slab_put)(struct leap_server *server, struct leap_lease *lease);
	int (*ping)(struct leap_server *server);
	void (*copy)(u64 addr, struct folio *folio, unsigned int page,
		     unsigned int nr, enum leap_op op);
	bool (*instant)(void);
	void (*submit)(struct leap_io *io);
	void (*flush)(struct leap_server *server);
	void (*poll)(struct leap_server *server, struct folio *folio);
	bool (*overdue)(struct leap_server *server, unsigned int ms);
};

extern const struct leap_transport leap_dram;
extern const struct leap_transport leap_rdma;

/* server.c */

/* How long what a lost server had is kept for it: as long as leapd keeps it. */
#define LEAP_GRACE_MS		60000

/**
 * struct leap_server - one that lends memory
 * @session: its owner
 * @addr: from the portal
 * @index: place in &leap_session.servers
 * @health: its state, under state_lock; read with leap_server_live() and the like
 * @broken: the attempt to connect that is under way has failed already; likewise
 * @epoch: how often it was lost; changes under map_lock
 * @leaving: it is to be removed and gets no home any more; likewise
 * @capacity: bytes it may still lend, as it said last
 * @priv: the transport's
 * @why: what it said when it refused the connection
 * @stats: per CPU
 * @abort_work: does at once what a loss needs, on leap_wq
 * @recovery: connects again, when it is time
 * @attempt_err: how the last attempt has failed
 * @recalls: the slabs that it has called back last, by its own numbers; under
 *	map_lock
 * @next_recall: where the next one goes; the oldest is there
 * @recalls_open: bit i is set while recalls[i] is a slab that nobody has found
 * @kobj: its folder in sysfs
 * @kobj_gone: nobody reads there any more
 */
struct leap_server {
	struct leap_session *session;
	struct leap_portal_server addr;
	unsigned int index;
	struct leap_health health;
	bool broken;
	u32 epoch;
	bool leaving;
	u64 capacity;
	void *priv;
	char why[LEAP_REFUSAL_TEXT];
	struct leap_stats __percpu *stats;
	struct work_struct abort_work;
	struct delayed_work recovery;
	int attempt_err;
	u32 recalls[LEAP_RECALLS_MAX];
	u32 next_recall;
	unsigned long recalls_open;
	struct kobject kobj;
	struct completion kobj_gone;
};

/* In service: what it has can be read. */
static inline bool leap_server_live(struct leap_server *server)
{
	return leap_health_readable(READ_ONCE(server->health.state));
}

/*
 * Which connection to a server is in service? What is said to that one cannot go
 * to a later one, which may not know it. False if none is.
 */
static inline bool leap_server_epoch(struct leap_server *server, u32 *epoch)
{
	*epoch = READ_ONCE(server->epoch);
	smp_rmb();	/* it changes after service ends, and before it is resumed */
	return leap_server_live(server);
}

struct leap_server *leap_server_create(struct leap_session *session,
				       unsigned int index,
				       const struct leap_portal_server *addr);
void leap_server_destroy(struct leap_server *server);
void leap_server_drain(struct leap_server *server);
void leap_server_fail(struct leap_server *server, const char *why, int err);
void leap_server_note(struct leap_server *server, enum leap_health_event event);
bool leap_server_lost(struct leap_server *server);
bool leap_server_given_up(struct leap_server *server);
int leap_server_init(void);
void leap_server_exit(void);

/* session.c */

/**
 * struct leap_session - the connection of this machine to remote memory
 * @portal: parsed
 * @text: as given
 * @key: that its servers must know, NULL if there is none
 * @transport: moves the bytes
 * @slab_shift: log2 of the slabs' size in bytes, 0 until the first server has
 *	said what it lends in
 * @servers: first in the portal's order; NULL where none is. Changes under the
 *	session lock and map_lock, see leap_session_server()
 * @places: in @servers, that may be taken; grows only
 * @synchronous: its loads are over so soon that the swap cache is a detour
 * @draining: no new stores
 * @ios: one reference for each request, one for the session itself
 * @ios_gone: the last one has been dropped
 * @map_lock: protects all that follows up to @nr_retiring, and all clusters
 * @map: which chunk is whose
 * @uses: its memory
 * @slabs: by slab number; NULL if there is none
 * @nr_retiring: homes that are to be left
 * @spots_gone: who waits for requests on such a home to end
 * @mover: empties such homes, see move.c
 * @lacking: there are slabs that lack something
 * @repair_at: when the mover is to look after these, in jiffies
 * @homing: reads pages home for which there is no other server
 * @bounce: what is on its way from one home to another
 * @stores: stores that have begun and not ended, waiting ones included
 * @active: pages of the stores that have had their turn
 * @store_wait: those who wait for either to fall
 * @reaping: somebody waits for the mover to end what it is at
 * @reaper: lets servers go that have been drained, see servers.c
 * @housekeeping: borrows, returns and pings
 * @watch: starts requests that could not be started, looks for overdue ones
 * @exhausted: it could not borrow as much as it should
 * @holder: who has several loads to start at a time, see leap_io_hold()
 */
struct leap_session {
	struct leap_portal portal;
	char *text;
	struct leap_key *key;
	const struct leap_transport *transport;
	u32 slab_shift;
	struct leap_server *servers[LEAP_SERVERS_MAX];
	u32 places;
	bool synchronous;
	bool draining;
	struct percpu_ref ios;
	struct completion ios_gone;

	spinlock_t map_lock;	/* see the top of this file */
	struct leap_slabmap map;
	struct leap_slab_use *uses;
	struct leap_slab **slabs;
	u32 nr_retiring;

	wait_queue_head_t spots_gone;
	struct delayed_work mover;
	bool lacking;
	unsigned long repair_at;
	struct delayed_work homing;
	struct folio *bounce;

	atomic_t stores;
	atomic_t active;
	wait_queue_head_t store_wait;

	bool reaping;
	struct delayed_work reaper;
	struct delayed_work housekeeping;
	struct delayed_work watch;
	bool exhausted;
	struct task_struct *holder;
};

extern struct workqueue_struct *leap_wq;

/*
 * The server in a place, or NULL. It stays while the caller is housekeeping or the
 * mover, has the session lock, or is in an RCU read-side section: see server.c.
 */
static inline struct leap_server *leap_session_server(struct leap_session *session,
						      u32 place)
{
	return READ_ONCE(session->servers[place]);
}

/* Is the mover to leave everything as it is now? */
static inline bool leap_move_must_end(const struct leap_session *session)
{
	return READ_ONCE(session->draining) || READ_ONCE(session->reaping);
}

struct leap_session *leap_session_get(void);
void leap_session_put(struct leap_session *session);
struct leap_session *leap_session_peek(void);
int leap_session_create(const char *portal);
int leap_session_destroy(bool force);
int leap_session_show(char *buf);
int leap_session_slab_size(struct leap_session *session, u32 slab_shift);
void leap_session_lock(void);
bool leap_session_trylock(void);
void leap_session_unlock(void);
void leap_error(const char *fmt, ...) __printf(1, 2);
void leap_error_clear(void);
ssize_t leap_error_show(char *buf);

/* servers.c */

void leap_servers_init(struct leap_session *session);
int leap_servers_connect(struct leap_session *session);
void leap_servers_exit(struct leap_session *session);
u32 leap_servers_staying(struct leap_session *session);
int leap_servers_add(const char *text);
int leap_servers_remove(const char *text);

/* process.c */

int leap_process_detach(pid_t pid);
int leap_process_prefetch(pid_t pid, bool on);
void leap_process_detach_all(void);

/* housekeeping.c */

void leap_housekeeping_init(struct leap_session *session);
int leap_housekeeping_start(struct leap_session *session);
void leap_housekeeping_stop(struct leap_session *session);
void leap_housekeeping_kick(struct leap_session *session);
void leap_housekeeping_soon(struct leap_session *session);
void leap_watch_soon(struct leap_session *session);

/* map.c */

/**
 * struct leap_area_map - one swap area
 * @pages: its slots
 * @lost: bitmap: the slot's data is gone for ever
 * @prefetched: bitmap: the slot's page was prefetched and not used yet
 * @clusters: where each is stored
 */
struct leap_area_map {
	unsigned long pages;
	unsigned long *lost;
	unsigned long *prefetched;
	struct leap_cluster clusters[];
};

int leap_map_init(struct leap_session *session);
void leap_map_exit(struct leap_session *session);
int leap_map_get(struct leap_session *session, swp_entry_t entry,
		 unsigned int nr, struct leap_spot *spot);
void leap_map_put(struct leap_session *session, swp_entry_t entry,
		  unsigned int nr);
bool leap_map_find(struct leap_session *session, swp_entry_t entry,
		   unsigned int nr, struct leap_spot *spot);
bool leap_map_has_lost(void);
struct leap_area_map *leap_map_area(unsigned int type);
int leap_map_area_add(unsigned int type, unsigned long pages);
void leap_map_area_del(unsigned int type);
void leap_map_areas_exit(void);
void leap_map_abandon(void);
struct leap_server *leap_map_server(struct leap_session *session,
				    swp_entry_t entry);
bool leap_map_mark(swp_entry_t entry);
bool leap_map_unmark(swp_entry_t entry);
bool leap_map_marked(swp_entry_t entry);
void leap_map_free(swp_entry_t first, unsigned int nr);
ssize_t leap_map_show(char *buf, int at);
ssize_t leap_map_show_server(struct leap_server *server, char *buf, int at);

/* home.c */

int leap_home_bring_all(void);
int leap_home_bring_slabs(struct leap_session *session);

/* sysfs.c */

/* Bytes of one line of a file with a line for each process. */
#define LEAP_PROCESS_LINE	128

/**
 * struct leap_dump - such a file is being read
 * @buf: to be filled
 * @skip: lines that the reader has had
 * @len: bytes in @buf
 * @room: bytes that fit
 */
struct leap_dump {
	char *buf;
	loff_t skip;
	size_t len, room;
};

void leap_dump_process(struct leap_dump *dump, struct leap_mm *lm,
		       const char *fmt, ...) __printf(3, 4);
ssize_t leap_pid_store(int (*command)(pid_t pid), const char *what,
		       const char *buf, size_t count);
extern const struct attribute_group leap_prefetch_group;
int leap_sysfs_init(void);
void leap_sysfs_exit(void);
int leap_sysfs_add_server(struct leap_server *server);
void leap_sysfs_remove_server(struct leap_server *server);

/* fault.c */

void leap_fault_init(void);
void leap_fault_exit(void);
bool leap_fault_armed(enum leap_fault_point point);
bool leap_fault(enum leap_fault_point point);

#endif /* LEAP_H */
