// SPDX-License-Identifier: GPL-2.0
/*
 * Clients and their queues.
 *
 * A client begins with an accepted control connection and ends in client_drop(),
 * whatever the reason: queue pairs first, so that nothing can reach its slabs,
 * then registrations, protection domain and memory.
 */
#include "leapd.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "leap/uapi/leap.h"

struct clients clients = LIST_HEAD_INITIALIZER(clients);

static void name_peer(struct rdma_cm_id *id, char *name, size_t size)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	getnameinfo(rdma_get_peer_addr(id), sizeof(struct sockaddr_storage),
		    host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(name, size, "%.45s:%.7s", host, port);
}

/* Says no; the connection is still to be destroyed. */
static void reject(struct rdma_cm_id *id, enum leap_refusal_code code,
		   const char *text)
{
	struct leap_refusal_info info = {
		.version = LEAP_PROTO_VERSION,
		.code = code,
	};
	struct leap_refusal wire;
	char name[64];

	name_peer(id, name, sizeof(name));
	tell("refused %s: %s", name, text);
	snprintf(info.text, sizeof(info.text), "%s", text);
	leap_refusal_encode(&info, &wire);
	if (rdma_reject(id, &wire, sizeof(wire)))
		tell("rdma_reject: %s", strerror(errno));
}

static void refuse(struct rdma_cm_id *id, enum leap_refusal_code code,
		   const char *text)
{
	reject(id, code, text);
	rdma_destroy_id(id);
}

static void reject_unmade(struct rdma_cm_id *id, int err)
{
	char text[LEAP_REFUSAL_TEXT];

	snprintf(text, sizeof(text), "this server cannot make another queue: %s",
		 strerror(-err));
	reject(id, LEAP_REFUSED_RESOURCES, text);
}

static void conn_destroy(struct conn *conn)
{
	LIST_REMOVE(conn, entry);
	conn->client->nr_conns--;
	if (conn->source.ready)
		loop_remove(&conn->source);
	if (conn->id->qp)
		rdma_destroy_qp(conn->id);
	if (conn->cq)
		ibv_destroy_cq(conn->cq);
	if (conn->channel)
		ibv_destroy_comp_channel(conn->channel);
	rdma_destroy_id(conn->id);
	free(conn);
}

static void client_free(struct client *client)
{
	control_exit(client);
	if (client->pd)
		ibv_dealloc_pd(client->pd);
	if (client->domain)
		domain_put(client->domain);
	free(client);
}

/**
 * client_cut - end all connections of a client
 * @client: which; nothing can reach its slabs any more
 */
void client_cut(struct client *client)
{
	struct conn *conn;

	LIST_FOREACH(conn, &client->conns, entry)
		if (conn->established)
			rdma_disconnect(conn->id);
	while ((conn = LIST_FIRST(&client->conns)))
		conn_destroy(conn);
	client->control = NULL;
}

/**
 * client_drop - take everything back from a client
 * @client: which; gone afterwards
 * @why: for the log
 *
 * What it had can be lent again when the slab thread has freed it.
 */
void client_drop(struct client *client, const char *why)
{
	if (client->gone)
		return;
	event(client, "client-gone", "%s", why);
	client->gone = true;
	LIST_REMOVE(client, entry);
	client_cut(client);
	client->jobs++;
	slab_return_all(client);
	client_job_done(client);
}

/**
 * client_job_done - something that has kept a client is over
 * @client: which; may be gone afterwards
 */
void client_job_done(struct client *client)
{
	client->jobs--;
	if (client->gone && !client->jobs)
		client_free(client);
}

/* The one that is admitted; there may be others that only say that they are it. */
static struct client *client_find(const uint8_t *id)
{
	struct client *client;

	LIST_FOREACH(client, &clients, entry)
		if (client->admitted &&
		    !memcmp(client->hello.client_id, id, LEAP_CLIENT_ID_LEN))
			return client;
	return NULL;
}

static unsigned int clamp(unsigned int value, int most)
{
	return most > 0 && value > (unsigned int)most ? (unsigned int)most : value;
}

/* A queue pair and what it needs, in one of the client's protection domains. */
static int conn_set_up(struct conn *conn, bool control)
{
	struct ibv_qp_init_attr attr = {
		.cap = {
			.max_send_wr = control ? CTRL_SENDS : 1,
			.max_recv_wr = control ? LEAP_CTRL_DEPTH : 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
		.qp_type = IBV_QPT_RC,
	};
	struct ibv_context *verbs = conn->id->verbs;

	if (control) {
		conn->channel = ibv_create_comp_channel(verbs);
		if (!conn->channel)
			return -errno;
	}
	conn->cq = ibv_create_cq(verbs, control ? CTRL_COMPLETIONS : 2, NULL,
				 conn->channel, 0);
	if (!conn->cq)
		return -errno;
	attr.send_cq = conn->cq;
	attr.recv_cq = conn->cq;
	return rdma_create_qp(conn->id, control ? conn->client->pd :
			      conn->client->domain->pd, &attr) ? -errno : 0;
}

static int conn_accept(struct conn *conn, const struct rdma_conn_param *request,
		       int reads_max, const struct leap_hello_info *hello,
		       bool kept)
{
	struct client *client = conn->client;
	struct leap_welcome_info info = {
		.version = LEAP_PROTO_VERSION,
		.page_shift = client->hello.page_shift,
		.slab_shift = (uint8_t)__builtin_ctzll(account.slab),
		.queues = client->hello.queues,
		.depth = client->hello.depth,
		.flags = (options.key.len ? LEAP_WELCOME_KEY : 0) |
			 (kept ? LEAP_WELCOME_KEPT : 0),
		.token = client->token,
		.capacity = slab_capacity(client),
	};
	struct leap_welcome wire;
	struct rdma_conn_param param = {
		.private_data = &wire,
		.private_data_len = sizeof(wire),
		.responder_resources = (uint8_t)clamp(request->responder_resources,
						      reads_max),
		.rnr_retry_count = 7,
	};

	leap_welcome_encode(&info, &wire);
	if (conn == client->control)
		auth_begin(&client->auth, &options.listen, hello, &info);
	return rdma_accept(conn->id, &param) ? -errno : 0;
}

static struct conn *conn_create(struct client *client, struct rdma_cm_id *id)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (!conn)
		return NULL;
	conn->client = client;
	conn->id = id;
	conn->deadline = loop_seconds() + SETTLE_SECONDS;
	conn->source.fd = -1;
	id->context = conn;
	LIST_INSERT_HEAD(&client->conns, conn, entry);
	client->nr_conns++;
	return conn;
}

/* Whether a connection comes from the address that a client has. */
static bool from_host(struct rdma_cm_id *id, const struct client *client)
{
	size_t host = (size_t)(strrchr(client->name, ':') - client->name);
	char name[sizeof(client->name)];

	name_peer(id, name, sizeof(name));
	return (size_t)(strrchr(name, ':') - name) == host &&
	       !strncmp(name, client->name, host);
}

/* Of those who claim to be that client, only the last one may prove it. */
static void drop_claimant(const uint8_t *id)
{
	struct client *client;

	LIST_FOREACH(client, &clients, entry) {
		if (!client->admitted &&
		    !memcmp(client->hello.client_id, id, LEAP_CLIENT_ID_LEN)) {
			client_drop(client, "it connects anew");
			return;
		}
	}
}

/*
 * One machine must not take all the places. Who comes anew has one already, and who
 * comes back to its slabs must not be kept out until they are gone.
 */
static bool has_place(struct rdma_cm_id *id, const struct client *anew, bool kept)
{
	const struct client *client;
	unsigned int all = 0, from_there = 0;

	if (kept)
		return true;
	LIST_FOREACH(client, &clients, entry) {
		if (client == anew)
			continue;
		all++;
		from_there += from_host(id, client);
	}
	if (from_there >= CLIENTS_PER_HOST) {
		refuse(id, LEAP_REFUSED_FULL, "this server has as many clients from that address as it takes");
		return false;
	}
	if (all >= CLIENTS_MAX) {
		refuse(id, LEAP_REFUSED_FULL, "this server has as many clients as it takes");
		return false;
	}
	return true;
}

static struct client *client_create(struct rdma_cm_id *id,
				    const struct leap_hello_info *hello,
				    const struct ibv_device_attr *device)
{
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	client->hello = *hello;
	client->hello.queues = (uint16_t)clamp(hello->queues, LEAP_QUEUES_MAX);
	client->hello.depth = (uint16_t)clamp(hello->depth, device->max_qp_wr);
	client->verbs = id->verbs;
	client->admitted = !options.key.len;
	LIST_INIT(&client->conns);
	LIST_INIT(&client->slabs);
	name_peer(id, client->name, sizeof(client->name));
	client->pd = ibv_alloc_pd(id->verbs);
	client->domain = domain_create(id->verbs);
	if (!client->pd || !client->domain ||
	    getrandom(&client->token, sizeof(client->token), 0) !=
	    sizeof(client->token)) {
		client_free(client);
		return NULL;
	}
	LIST_INSERT_HEAD(&clients, client, entry);
	return client;
}

static void accept_control(struct rdma_cm_id *id,
			   const struct leap_hello_info *hello,
			   const struct rdma_conn_param *param,
			   const struct ibv_device_attr *device)
{
	struct client *before = client_find(hello->client_id), *client;
	bool kept = before && keep_fits(before, hello, id->verbs);
	struct conn *conn;
	int err;

	if (before && !from_host(id, before)) {
		refuse(id, LEAP_REFUSED_TOKEN, "that client is connected from another address");
		return;
	}
	if (kept)
		drop_claimant(hello->client_id);
	if (!has_place(id, before, kept))
		return;
	/* With a key it has to show first that it is who it says. */
	if (before && !kept && !options.key.len)
		client_drop(before, "it connects anew");
	client = client_create(id, hello, device);
	conn = client ? conn_create(client, id) : NULL;
	if (!conn) {
		refuse(id, LEAP_REFUSED_RESOURCES, "this server cannot take another client");
		if (client)
			client_drop(client, "out of memory");
		return;
	}
	err = conn_set_up(conn, true);
	if (!err)
		err = control_init(client, conn);
	if (!err)
		err = conn_accept(conn, param, device->max_qp_rd_atom, hello, kept);
	if (err) {
		reject_unmade(id, err);
		client_drop(client, "it has no queue");
	} else if (kept && !options.key.len) {
		keep_adopt(client, before);
	}
}

static void accept_data(struct rdma_cm_id *id,
			const struct leap_hello_info *hello,
			const struct rdma_conn_param *param,
			const struct ibv_device_attr *device)
{
	struct client *client = client_find(hello->client_id);
	struct conn *conn;
	int err;

	if (!client || !client->control || client->token != hello->token ||
	    client->verbs != id->verbs) {
		refuse(id, LEAP_REFUSED_TOKEN, "no such client; connect a control queue first");
		return;
	}
	if (client->nr_conns > client->hello.queues) {
		refuse(id, LEAP_REFUSED_FULL, "this client has as many queues as were agreed on");
		return;
	}
	client_established(client->control);
	conn = conn_create(client, id);
	if (!conn) {
		refuse(id, LEAP_REFUSED_RESOURCES, "out of memory");
		return;
	}
	err = conn_set_up(conn, false);
	if (!err)
		err = conn_accept(conn, param, device->max_qp_rd_atom, hello, false);
	if (err) {
		reject_unmade(id, err);
		conn_destroy(conn);
	}
}

/* Refuses a client that has a key where we have none, or the other way round. */
static bool keys_fit(struct rdma_cm_id *id, const struct leap_hello_info *hello)
{
	bool ours = options.key.len, theirs = hello->flags & LEAP_HELLO_KEY;

	if (hello->role == LEAP_ROLE_DATA || ours == theirs)
		return true;
	refuse(id, LEAP_REFUSED_KEY, ours ?
	       "this server lends only to those who have its key; use ?key=" :
	       "this server has no key, so it cannot prove to be the right one; start leapd with --key");
	return false;
}

/* Refuses a hello that does not fit; false if it did. */
static bool fits(struct rdma_cm_id *id, const struct rdma_conn_param *param,
		 struct leap_hello_info *hello)
{
	unsigned int slab_shift = (unsigned int)__builtin_ctzll(account.slab);
	unsigned int page_shift = (unsigned int)__builtin_ctzl((unsigned long)sysconf(_SC_PAGESIZE));
	char text[LEAP_REFUSAL_TEXT];
	int err = leap_hello_decode(param->private_data,
				    param->private_data_len, hello);

	if (err == -EPROTOTYPE) {
		snprintf(text, sizeof(text), "this server speaks version %u of the protocol, not %u; install the same Leap on both",
			 LEAP_PROTO_VERSION, hello->version);
		refuse(id, LEAP_REFUSED_VERSION, text);
		return false;
	}
	if (err) {
		refuse(id, LEAP_REFUSED_MALFORMED, "that is not how a Leap client says hello");
		return false;
	}
	if (hello->page_shift != page_shift) {
		snprintf(text, sizeof(text), "this server has pages of %u KiB, not %u KiB",
			 1U << (page_shift - 10), 1U << (hello->page_shift - 10));
		refuse(id, LEAP_REFUSED_PAGE_SIZE, text);
		return false;
	}
	if (hello->slab_shift && hello->slab_shift != slab_shift) {
		snprintf(text, sizeof(text), "this server lends slabs of %u MiB, not %u MiB; use ?slab=%uM or leapd --slab",
			 1U << (slab_shift - 20), 1U << (hello->slab_shift - 20),
			 1U << (slab_shift - 20));
		refuse(id, LEAP_REFUSED_SLAB_SIZE, text);
		return false;
	}
	return keys_fit(id, hello);
}

/*
 * RoCE's packets go to a GID, whatever address the request names. iWARP has no path:
 * there the address is that of a TCP connection.
 */
static bool address_is_true(struct rdma_cm_id *id)
{
	struct ibv_port_attr port;

	if (!id->route.num_paths)
		return true;
	if (ibv_query_port(id->verbs, id->port_num, &port))
		return false;
	return port.link_layer != IBV_LINK_LAYER_ETHERNET ||
	       allow_leads_to(id->route.path_rec->dgid.raw, rdma_get_peer_addr(id));
}

/**
 * client_request - somebody wants to connect
 * @id: the new connection, ours to accept or refuse
 * @param: what it says; its private data is a copy
 */
void client_request(struct rdma_cm_id *id, const struct rdma_conn_param *param)
{
	struct leap_hello_info hello;
	struct ibv_device_attr device;

	if (!address_is_true(id)) {
		refuse(id, LEAP_REFUSED_ADDRESS, "that address is not where the connection leads to");
		return;
	}
	if (!allow_match(options.allow, options.nr_allow, rdma_get_peer_addr(id))) {
		refuse(id, LEAP_REFUSED_ADDRESS, "this server lends nothing to that address; see leapd --allow there");
		return;
	}
	if (!fits(id, param, &hello))
		return;
	if (ibv_query_device(id->verbs, &device)) {
		refuse(id, LEAP_REFUSED_RESOURCES, "the RDMA device does not answer");
		return;
	}
	if (hello.role == LEAP_ROLE_CONTROL)
		accept_control(id, &hello, param, &device);
	else
		accept_data(id, &hello, param, &device);
}

/* It is connected, and allowed to be. */
static void is_there(struct client *client)
{
	client->away_until = 0;
	event(client, client->reconciling ? "client-back" : "client",
	      "depth %u, up to %u queues%s", client->hello.depth,
	      client->hello.queues, options.key.len ? ", knows the key" : "");
}

/**
 * client_established - a connection is up
 * @conn: which
 *
 * The connection manager says so, or the client has used what it can only know
 * from our welcome. The former may be lost on the way, and is said again only
 * after seconds.
 */
void client_established(struct conn *conn)
{
	if (conn->established)
		return;
	conn->established = true;
	if (conn != conn->client->control)
		return;
	conn->client->admit_by = loop_seconds() + LEAP_HANDSHAKE_SECONDS;
	if (conn->client->admitted)
		is_there(conn->client);
}

/**
 * client_admit - a client has proved that it knows the key
 * @client: which; it takes the place of the one that had its id
 *
 * Return: false if it is gone, because what it was promised is.
 */
bool client_admit(struct client *client)
{
	struct client *before = client_find(client->hello.client_id);

	client->admitted = true;
	if (client->auth.welcome.flags & LEAP_WELCOME_KEPT) {
		if (!before || !keep_fits(before, &client->auth.hello, client->verbs)) {
			client_drop(client, "what was kept for it is gone");
			return false;
		}
		keep_adopt(client, before);
	} else if (before) {
		client_drop(before, "it connects anew");
	}
	is_there(client);
	return true;
}

/**
 * client_disconnected - a connection has ended, or has never come about
 * @id: which; gone afterwards
 *
 * A client without its control queue has nothing any more, or is away.
 */
void client_disconnected(struct rdma_cm_id *id)
{
	struct conn *conn = id->context;

	if (conn == conn->client->control)
		client_lost(conn->client, "it has disconnected");
	else
		conn_destroy(conn);
}

/* False if the client is gone. */
static bool settle(struct client *client, time_t time)
{
	struct conn *conn, *next;

	if (!client->admitted && client->control->established &&
	    time >= client->admit_by) {
		client_drop(client, "it has not shown in time that it knows the key");
		return false;
	}

	for (conn = LIST_FIRST(&client->conns); conn; conn = next) {
		next = LIST_NEXT(conn, entry);
		if (conn->established || time < conn->deadline)
			continue;
		if (conn == client->control) {
			client_lost(client, "its connection takes too long");
			return false;
		}
		conn_destroy(conn);
	}
	return true;
}

/**
 * client_tick - once a second: drop what does not get anywhere, or is dead
 * @time: in seconds
 */
void client_tick(time_t time)
{
	struct client *client, *next;

	for (client = LIST_FIRST(&clients); client; client = next) {
		next = LIST_NEXT(client, entry);
		if (!client->control) {
			if (keep_expired(client, time))
				client_drop(client, "it has not come back");
			continue;
		}
		if (!settle(client, time) || !client->control->established ||
		    time < client->probe_due)
			continue;
		client->probe_due = time + PROBE_SECONDS;
		control_probe(client);
	}
}
