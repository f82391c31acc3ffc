// SPDX-License-Identifier: GPL-2.0
/*
 * The portal: a URL that names the servers of a session.
 *
 *	portal	= rdma://N,server{,server}[?option{&option}]
 *		| dram://N,size{,size}[?option{&option}]
 *	server	= IPv4:port | [IPv6]:port
 *	option	= slab=size | timeout_ms=number | key=name | verify=0|1
 *		| replicas=1|2|3 | backup=disk
 *	size	= number[K|M|G]
 *
 * N is the number of servers (sizes). A new option is a line in options[].
 *
 * The text comes from user space and may be anything. It is cut into spans,
 * which never reach beyond its end, and each mistake that a person can make has
 * an errno of its own and a sentence that says what to do.
 */
#include "portal.h"
#include "../uapi/leap_proto.h"
#include "addr.h"
#include "place.h"

/* So much of the portal is quoted in an error's text. */
#define QUOTE_MAX	40

/* Memory is lent in multiples of this. */
#define MIN_BYTES	(2ULL << 20)

/* A piece of the portal, not NUL-terminated. @at is NULL if it is not there. */
struct span {
	const char *at;
	size_t len;
};

struct parser {
	const char *text;
	struct leap_portal *out;
	struct leap_portal_error *err;
	u32 options_seen;
};

/* Takes @code back to the caller; quotes @where if that is not empty. */
static int fail(struct parser *p, struct span where, int code,
		const char *sentence)
{
	bool cut = where.len > QUOTE_MAX;

	p->err->offset = where.at - p->text;
	if (where.len)
		snprintf(p->err->text, sizeof(p->err->text), "'%.*s%s' %s",
			 cut ? QUOTE_MAX : (int)where.len, where.at,
			 cut ? "..." : "", sentence);
	else
		snprintf(p->err->text, sizeof(p->err->text), "%s", sentence);
	return -code;
}

/* Returns what is before the first @delim, and leaves in @rest what follows. */
static struct span cut(struct span *rest, char delim)
{
	const char *found = memchr(rest->at, delim, rest->len);
	struct span head = *rest;

	if (!found) {
		rest->at = NULL;
		rest->len = 0;
		return head;
	}
	head.len = found - head.at;
	rest->at = found + 1;
	rest->len -= head.len + 1;
	return head;
}

static bool equals(struct span span, const char *word)
{
	return span.len == strlen(word) && !memcmp(span.at, word, span.len);
}

/* Decimal digits and nothing else. */
static bool parse_number(struct span span, u64 *value)
{
	size_t i;

	*value = 0;
	for (i = 0; i < span.len; i++) {
		if (span.at[i] < '0' || span.at[i] > '9')
			return false;
		if (check_mul_overflow(*value, (u64)10, value) ||
		    check_add_overflow(*value, (u64)(span.at[i] - '0'), value))
			return false;
	}
	return span.len;
}

/* A number and maybe a suffix; @span is not empty. */
static bool parse_size(struct span span, u64 *bytes)
{
	static const char suffixes[] = "KMG";
	const char *suffix = memchr(suffixes, span.at[span.len - 1], 3);
	u64 unit = 1;

	if (suffix) {
		unit <<= 10 * (suffix - suffixes + 1);
		span.len--;
	}
	return parse_number(span, bytes) &&
	       !check_mul_overflow(*bytes, unit, bytes);
}

static int check_text(struct parser *p, struct span text, const char *if_empty)
{
	struct span here = { text.at, 0 };

	if (text.len == LEAP_PORTAL_MAX)
		return fail(p, here, ENAMETOOLONG,
			    "the portal is too long; it may have 4095 bytes");
	if (!text.len)
		return fail(p, here, EINVAL, if_empty);
	for (; here.at < text.at + text.len; here.at++)
		if (*here.at <= ' ' || *here.at > '~')
			return fail(p, here, EINVAL,
				    "only printable ASCII characters and no blanks can be in a portal; remove this one");
	return 0;
}

static int parse_scheme(struct parser *p, struct span *rest)
{
	struct span all = *rest, scheme = cut(rest, ':');

	if (rest->len < 2 || rest->at[0] != '/' || rest->at[1] != '/')
		return fail(p, all, EINVAL,
			    "is no portal; write for example rdma://1,10.0.0.2:9400");
	rest->at += 2;
	rest->len -= 2;
	if (equals(scheme, "rdma"))
		p->out->transport = LEAP_PORTAL_RDMA;
	else if (equals(scheme, "dram"))
		p->out->transport = LEAP_PORTAL_DRAM;
	else
		return fail(p, scheme.len ? scheme : all, EPROTONOSUPPORT,
			    "is no scheme that Leap knows; begin with rdma:// or dram://");
	return 0;
}

/* Reads what is before the port, and leaves the port in @rest. */
static int parse_address(struct parser *p, struct span *rest,
			 struct leap_portal_server *server)
{
	struct span all = *rest, host;

	if (*all.at == '[') {
		host = cut(rest, ']');
		if (!rest->at ||
		    !leap_addr6_parse(host.at + 1, host.len - 1, server->addr))
			return fail(p, all, EDESTADDRREQ,
				    "has no IPv6 address in brackets; write it like [2001:db8::2]:9400");
		server->family = AF_INET6;
		if (cut(rest, ':').len)
			rest->at = NULL;
		return 0;
	}
	host = cut(rest, ':');
	if (!host.len)
		return fail(p, all, EDESTADDRREQ,
			    "has no address; write 10.0.0.2:9400, or IPv6 in brackets: [::1]:9400");
	if (!leap_addr4_parse(host.at, host.len, server->addr))
		return fail(p, host, EDESTADDRREQ,
			    "is no IP address, and the kernel knows no names; write 10.0.0.2:9400 or [::1]:9400");
	server->family = AF_INET;
	return 0;
}

/**
 * leap_portal_same_server - are they the same server?
 * @a: one
 * @b: another, of the same transport
 *
 * Return: true if so; of dram, if they are of the same size.
 */
bool leap_portal_same_server(const struct leap_portal_server *a,
			     const struct leap_portal_server *b)
{
	return a->family == b->family && a->port == b->port &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr)) && a->bytes == b->bytes;
}

static int parse_rdma_server(struct parser *p, struct span element,
			     struct leap_portal_server *server)
{
	struct span port = element;
	int err = parse_address(p, &port, server);
	u64 number;

	if (err)
		return err;
	if (!port.at || !parse_number(port, &number) || !number ||
	    number > 65535)
		return fail(p, element, EADDRNOTAVAIL,
			    "has no port from 1 to 65535; leapd's port goes behind the address: 10.0.0.2:9400");
	server->port = number;
	return 0;
}

static int parse_dram_server(struct parser *p, struct span element,
			     struct leap_portal_server *server)
{
	u64 bytes;

	if (!parse_size(element, &bytes) || !bytes || bytes % MIN_BYTES)
		return fail(p, element, EDOM,
			    "is no multiple of 2M; write a size like 64M or 1G");
	server->bytes = bytes;
	return 0;
}

static int parse_server(struct parser *p, struct span element,
			enum leap_portal_transport transport,
			struct leap_portal_server *server)
{
	return transport == LEAP_PORTAL_RDMA ?
	       parse_rdma_server(p, element, server) :
	       parse_dram_server(p, element, server);
}

/* Server @index of the list. */
static int parse_element(struct parser *p, struct span element, u32 index)
{
	struct leap_portal_server *server = &p->out->servers[index];
	int err = parse_server(p, element, p->out->transport, server);
	u32 i;

	for (i = 0; !err && p->out->transport == LEAP_PORTAL_RDMA && i < index; i++)
		if (leap_portal_same_server(&p->out->servers[i], server))
			err = fail(p, element, ENOTUNIQ,
				   "is in the list twice; name each server once");
	return err;
}

/* Finds empty elements, and a length that is not @nr. */
static int check_list(struct parser *p, struct span list, struct span nr)
{
	struct span rest = list;
	u32 elements = 0;

	while (rest.at) {
		struct span element = cut(&rest, ',');

		if (!element.len)
			return fail(p, element, EINVAL,
				    "an element of the list is empty; remove a comma");
		elements++;
	}
	if (elements != p->out->nr_servers)
		return fail(p, nr, EMSGSIZE,
			    "does not match the list; begin it with how many servers follow");
	return 0;
}

static int parse_list(struct parser *p, struct span list)
{
	struct span nr = cut(&list, ',');
	u64 number;
	u32 i;
	int err;

	if (!nr.len)
		return fail(p, nr, ERANGE,
			    "begin the list with how many servers follow: 1 to 64");
	if (!parse_number(nr, &number) || !number || number > LEAP_SERVERS_MAX)
		return fail(p, nr, ERANGE,
			    "is no number from 1 to 64; begin the list with how many servers follow");
	p->out->nr_servers = number;
	err = check_list(p, list, nr);
	for (i = 0; !err && i < p->out->nr_servers; i++)
		err = parse_element(p, cut(&list, ','), i);
	return err;
}

static int parse_slab(struct parser *p, struct span value)
{
	u64 bytes;
	u32 shift;

	if (!parse_size(value, &bytes))
		bytes = 0;
	shift = fls64(bytes) - 1;
	if (!bytes || bytes & (bytes - 1) || shift < LEAP_SLAB_SHIFT_MIN ||
	    shift > LEAP_SLAB_SHIFT_MAX)
		return fail(p, value, EDOM,
			    "is no size of a slab; write a power of two from 2M to 1G");
	p->out->slab_shift = shift;
	return 0;
}

static int parse_timeout_ms(struct parser *p, struct span value)
{
	u64 ms;

	if (!parse_number(value, &ms) || ms < LEAP_TIMEOUT_MS_MIN ||
	    ms > LEAP_TIMEOUT_MS_MAX)
		return fail(p, value, EDOM,
			    "is no time limit; write milliseconds from 100 to 600000");
	p->out->timeout_ms = ms;
	return 0;
}

static int parse_key(struct parser *p, struct span value)
{
	if (p->out->transport == LEAP_PORTAL_DRAM)
		return fail(p, value, EDOM,
			    "is a key, but there is no server to prove anything to; leave it out");
	if (value.len > LEAP_KEY_NAME_MAX)
		return fail(p, value, EDOM,
			    "is too long; the name of a key has up to 127 characters");
	memcpy(p->out->key, value.at, value.len);
	return 0;
}

static int parse_verify(struct parser *p, struct span value)
{
	if (!equals(value, "0") && !equals(value, "1"))
		return fail(p, value, EDOM,
			    "is neither 0 nor 1; write verify=1 to have checksums");
	p->out->verify = *value.at == '1';
	p->out->verify_given = true;
	return 0;
}

static int parse_replicas(struct parser *p, struct span value)
{
	u64 number;

	if (!parse_number(value, &number) || !number ||
	    number > LEAP_REPLICAS_MAX)
		return fail(p, value, EDOM,
			    "is no number of copies; write 1, 2 or 3");
	if (number > p->out->nr_servers)
		return fail(p, value, EDOM,
			    "copies of a page need as many servers; name more of them");
	p->out->replicas = number;
	return 0;
}

static int parse_backup(struct parser *p, struct span value)
{
	if (!equals(value, "disk"))
		return fail(p, value, EDOM,
			    "is no place for one more copy; write backup=disk to have it on the swap device");
	p->out->backup = true;
	return 0;
}

static const struct {
	const char *name;
	int (*parse)(struct parser *p, struct span value);
} options[] = {
	{ "slab",	parse_slab },
	{ "timeout_ms",	parse_timeout_ms },
	{ "key",	parse_key },
	{ "verify",	parse_verify },
	{ "replicas",	parse_replicas },
	{ "backup",	parse_backup },
};

static int parse_option(struct parser *p, struct span option)
{
	struct span value = option, name = cut(&value, '=');
	u32 i;

	if (!option.len)
		return fail(p, option, EINVAL,
			    "an option is empty; remove a '?' or a '&'");
	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (equals(name, options[i].name))
			break;
	if (i == ARRAY_SIZE(options))
		return fail(p, name.len ? name : option, ENOPROTOOPT,
			    "is no option of a portal; is_session_create(2) has the list");
	if (p->options_seen & (1U << i))
		return fail(p, name, EALREADY,
			    "is given twice; say it once");
	p->options_seen |= 1U << i;
	if (!value.len)
		return fail(p, option, EDOM,
			    "has no value; write name=value");
	return options[i].parse(p, value);
}

/**
 * leap_portal_parse - read a portal
 * @text: NUL-terminated, may be anything
 * @out: filled in; undefined after an error
 * @err: filled in after an error
 *
 * Return: 0, or one of
 *
 * * -ENAMETOOLONG	as long as LEAP_PORTAL_MAX or longer
 * * -EINVAL		empty, no URL, an empty element, odd characters
 * * -EPROTONOSUPPORT	the scheme is unknown
 * * -ERANGE		the number of servers is none from 1 to LEAP_SERVERS_MAX
 * * -EMSGSIZE		the number of servers does not match the list
 * * -EDESTADDRREQ	no address, a malformed one, or a name
 * * -EADDRNOTAVAIL	no port, or none from 1 to 65535
 * * -ENOTUNIQ		a server is there twice
 * * -ENOPROTOOPT	an option is unknown
 * * -EDOM		an option's value or a size is malformed or out of range
 * * -EALREADY		an option is given twice
 */
int leap_portal_parse(const char *text, struct leap_portal *out,
		      struct leap_portal_error *err)
{
	struct span rest = { text, strnlen(text, LEAP_PORTAL_MAX) }, list;
	struct parser p = { .text = text, .out = out, .err = err };
	int ret;

	memset(out, 0, sizeof(*out));
	out->timeout_ms = LEAP_TIMEOUT_MS_DEFAULT;
	out->replicas = 1;
	memset(err, 0, sizeof(*err));
	ret = check_text(&p, rest,
			 "the portal is empty; write for example rdma://1,10.0.0.2:9400");
	if (!ret)
		ret = parse_scheme(&p, &rest);
	if (ret)
		return ret;
	list = cut(&rest, '?');
	ret = parse_list(&p, list);
	while (!ret && rest.at)
		ret = parse_option(&p, cut(&rest, '&'));
	return ret;
}

/**
 * leap_portal_parse_server - read one element of a portal's list
 * @text: NUL-terminated, may be anything
 * @transport: of the portal
 * @out: filled in; undefined after an error
 * @err: filled in after an error
 *
 * Return: 0, -ENAMETOOLONG, -EINVAL (empty, or odd characters), -EDESTADDRREQ,
 * -EADDRNOTAVAIL or -EDOM, as of leap_portal_parse().
 */
int leap_portal_parse_server(const char *text, enum leap_portal_transport transport,
			     struct leap_portal_server *out,
			     struct leap_portal_error *err)
{
	struct span all = { text, strnlen(text, LEAP_PORTAL_MAX) };
	struct parser p = { .text = text, .err = err };
	int ret;

	memset(out, 0, sizeof(*out));
	memset(err, 0, sizeof(*err));
	ret = check_text(&p, all,
			 "no server is named; write it as in the portal, for example 10.0.0.2:9400");
	return ret ? ret : parse_server(&p, all, transport, out);
}
