// SPDX-License-Identifier: GPL-2.0
/*
 * The session: one at a time, from the system call to "destroy".
 *
 * session_mutex serialises create, destroy and the coming and going of swap
 * areas. Everybody else finds the session through RCU: leap_session_get() for
 * as long as a request lives, leap_session_peek() inside rcu_read_lock().
 *
 * Teardown, in this order:
 *	draining	no new store begins; those under way end
 *	bring home	every remote page is read back; on an error that the
 *			caller does not want to force, the session goes on
 *	stop moving	no slab goes from one server to another, no server is let go
 *	unpublish	nobody can find the session any more (synchronize_rcu)
 *	kill ios	the last request drops its reference
 *	abandon		what mm still thinks to be remote is lost
 *	disconnect	slabs and servers go
 */
#include <linux/module.h>
#include "io.h"
#include "key.h"
#include "policy/errors.h"

static DEFINE_MUTEX(session_mutex);
static struct leap_session __rcu *current_session;

static DEFINE_MUTEX(error_mutex);
static char last_error[256];

/**
 * leap_error - say what has gone wrong with a command, and what to do
 * @fmt: one line without "\n"
 *
 * Goes to the kernel log and to /sys/kernel/mm/leap/last_error.
 */
void leap_error(const char *fmt, ...)
{
	va_list args;

	mutex_lock(&error_mutex);
	va_start(args, fmt);
	vscnprintf(last_error, sizeof(last_error), fmt, args);
	va_end(args);
	pr_err("%s\n", last_error);
	mutex_unlock(&error_mutex);
}

/**
 * leap_error_show - the last command's error
 * @buf: a page of sysfs
 *
 * Return: bytes written.
 */
ssize_t leap_error_show(char *buf)
{
	guard(mutex)(&error_mutex);
	return *last_error ? sysfs_emit(buf, "%s\n", last_error) : 0;
}

/** leap_error_clear - a command begins */
void leap_error_clear(void)
{
	guard(mutex)(&error_mutex);
	*last_error = '\0';
}

/** leap_session_lock - keep the session and the swap areas as they are */
void leap_session_lock(void)
{
	mutex_lock(&session_mutex);
}

/**
 * leap_session_trylock - the same, for those who are waited for with the lock
 *
 * Return: false if somebody else has it.
 */
bool leap_session_trylock(void)
{
	return mutex_trylock(&session_mutex);
}

/** leap_session_unlock - the reverse */
void leap_session_unlock(void)
{
	mutex_unlock(&session_mutex);
}

/**
 * leap_session_peek - the session, for a moment
 *
 * Return: valid until rcu_read_unlock() or leap_session_unlock(); or NULL.
 */
struct leap_session *leap_session_peek(void)
{
	return rcu_dereference_check(current_session,
				     lockdep_is_held(&session_mutex));
}

/**
 * leap_session_get - the session, for a request
 *
 * Return: valid until leap_session_put(); or NULL.
 */
struct leap_session *leap_session_get(void)
{
	struct leap_session *session;

	guard(rcu)();
	session = leap_session_peek();
	if (session && !percpu_ref_tryget_live(&session->ios))
		session = NULL;
	return session;
}

/**
 * leap_session_put - the request is over
 * @session: from leap_session_get()
 */
void leap_session_put(struct leap_session *session)
{
	percpu_ref_put(&session->ios);
}

static void ios_gone(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct leap_session, ios)->ios_gone);
}

/**
 * leap_session_slab_size - a server says in which size it lends
 * @session: being created, or with a server that comes back
 * @slab_shift: log2 of the size in bytes
 *
 * Return: 0, or -EOPNOTSUPP if another server lends in another size.
 */
int leap_session_slab_size(struct leap_session *session, u32 slab_shift)
{
	if (!session->slab_shift) {
		lockdep_assert_held(&session_mutex);
		session->slab_shift = slab_shift;
	}
	return session->slab_shift == slab_shift ? 0 : -EOPNOTSUPP;
}

static struct leap_session *session_alloc(const char *text)
{
	struct leap_session *session = kvzalloc(sizeof(*session), GFP_KERNEL);

	if (!session)
		return NULL;
	session->text = kstrdup(text, GFP_KERNEL);
	if (!session->text)
		goto free_session;
	if (percpu_ref_init(&session->ios, ios_gone, 0, GFP_KERNEL))
		goto free_text;
	init_completion(&session->ios_gone);
	spin_lock_init(&session->map_lock);
	init_waitqueue_head(&session->store_wait);
	leap_housekeeping_init(session);
	leap_servers_init(session);
	session->repair_at = jiffies;
	if (!leap_move_init(session))
		return session;

	percpu_ref_exit(&session->ios);
free_text:
	kfree(session->text);
free_session:
	kvfree(session);
	return NULL;
}

static void session_free(struct leap_session *session)
{
	leap_housekeeping_stop(session);	/* a server may be lost, or back, */
	leap_move_stop(session);	/* or call back what it never lent */
	leap_servers_exit(session);
	leap_map_exit(session);
	leap_move_exit(session);
	percpu_ref_exit(&session->ios);
	leap_key_free(session->key);
	kfree(session->text);
	kvfree(session);
}

static int parse(struct leap_session *session)
{
	struct leap_portal_error error;
	int err = leap_portal_parse(session->text, &session->portal, &error);

	if (err) {
		leap_error("bad portal at byte %u: %s", error.offset, error.text);
		return err;
	}
	session->transport = session->portal.transport == LEAP_PORTAL_DRAM ?
			     &leap_dram : &leap_rdma;
	session->slab_shift = session->portal.slab_shift;
	return *session->portal.key ?
	       leap_key_load(session->portal.key, &session->key) : 0;
}

static int session_start(struct leap_session *session)
{
	int err;

	lockdep_assert_held(&session_mutex);
	err = parse(session);
	if (err)
		return err;
	err = leap_servers_connect(session);
	if (err)
		return err;
	err = leap_map_init(session);
	if (err)
		return err;
	err = leap_housekeeping_start(session);
	if (err) {
		leap_error("no server lends a slab of %u MiB: see its --memory and --slab",
			   1U << (session->slab_shift - 20));
		return err;
	}
	rcu_assign_pointer(current_session, session);
	/* Large folios are read past the cache whole; a lost slot spoils all. */
	WRITE_ONCE(leap_synchronous,
		   session->synchronous && !leap_map_has_lost());
	pr_info("session %s: %u server(s), slabs of %u MiB\n", session->text,
		session->portal.nr_servers, 1U << (session->slab_shift - 20));
	return 0;
}

/**
 * leap_session_create - &leap_ops.session_create
 * @portal: the URL
 *
 * Return: 0 or what policy/errors.c lists; leap_error() has been called then.
 */
int leap_session_create(const char *portal)
{
	struct leap_session *session;
	int err;

	guard(mutex)(&session_mutex);
	leap_error_clear();
	if (leap_session_peek()) {
		leap_error("%s", leap_strerror(-EBUSY));
		return -EBUSY;
	}
	/* The session's. Nothing keeps rmmod from beginning meanwhile. */
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	session = session_alloc(portal);
	err = session ? session_start(session) : -ENOMEM;
	if (!err)
		return 0;
	if (session)
		session_free(session);
	module_put(THIS_MODULE);
	return err;
}

static void session_end(struct leap_session *session)
{
	WRITE_ONCE(leap_synchronous, false);
	leap_move_stop(session);
	rcu_assign_pointer(current_session, NULL);
	synchronize_rcu();
	percpu_ref_kill(&session->ios);
	wait_for_completion(&session->ios_gone);
	leap_housekeeping_stop(session);
	leap_map_abandon();
	session_free(session);
	module_put(THIS_MODULE);
}

static const char *why_not(int err)
{
	if (err == -EIO)
		return "some pages cannot be read back; --force gives them up";
	return leap_strerror(err);
}

/**
 * leap_session_destroy - bring all pages home and end the session
 * @force: end it even if some pages cannot be read any more; these are lost
 *
 * Return: 0; -ENOENT no session, -EIO some pages cannot be read and the session
 * goes on, -EINTR, -ENOMEM.
 */
int leap_session_destroy(bool force)
{
	struct leap_session *session;
	int err;

	guard(mutex)(&session_mutex);
	leap_error_clear();
	session = leap_session_peek();
	if (!session) {
		leap_error("there is no session");
		return -ENOENT;
	}
	WRITE_ONCE(session->draining, true);
	leap_io_drain_stores(session);
	err = leap_home_bring_all();
	if (err && !(force && err == -EIO)) {
		leap_error("the session goes on: %s", why_not(err));
		WRITE_ONCE(session->draining, false);
		return err;
	}
	session_end(session);
	pr_info("session ended\n");
	return 0;
}

/**
 * leap_session_show - body of /sys/kernel/mm/leap/session
 * @buf: a page of sysfs
 *
 * Return: bytes written.
 */
int leap_session_show(char *buf)
{
	struct leap_session *session;
	int len;

	guard(mutex)(&session_mutex);
	session = leap_session_peek();
	if (!session)
		return 0;
	len = sysfs_emit(buf,
			 "portal %.3500s\ntransport %s\nslab_bytes %lu\ntimeout_ms %u\nservers %u\n",
			 session->text, session->transport->name,
			 1UL << session->slab_shift, session->portal.timeout_ms,
			 leap_servers_staying(session));
	return len + sysfs_emit_at(buf, len,
				   "replicas %u\nmissing_copies %llu\nbackup %s\nverify %d\n",
				   session->portal.replicas,
				   leap_repair_left(session),
				   session->portal.backup ? "disk" : "none",
				   session->portal.verify);
}
