// SPDX-License-Identifier: GPL-2.0
/*
 * What an errno value means when a command of Leap fails with it.
 *
 * These are the sentences for those who have nothing but the number. Where the
 * module knows more (which server, which byte of the portal), it says that.
 */
#include "errors.h"

static const struct {
	u32 err;
	const char *sentence;
} errors[] = {
	/* The portal. */
	{ ENAMETOOLONG,
	  "the portal is too long; it may have 4095 bytes" },
	{ EINVAL,
	  "the argument is empty or malformed; leapctl(8) shows how it looks" },
	{ EPROTONOSUPPORT,
	  "the portal's scheme is unknown; begin with rdma:// or dram://" },
	{ ERANGE,
	  "the number of servers is not one from 1 to 64; begin the portal's list with it" },
	{ EMSGSIZE,
	  "the number of servers does not match the portal's list; correct one of them" },
	{ EDESTADDRREQ,
	  "a server's address is missing or malformed; write 10.0.0.2:9400 or [::1]:9400" },
	{ EADDRNOTAVAIL,
	  "a server's port is missing or none from 1 to 65535; write it like 10.0.0.2:9400" },
	{ ENOTUNIQ,
	  "a server is named twice in the portal; name each one once" },
	{ ENOPROTOOPT,
	  "the portal has an unknown option; is_session_create(2) lists them" },
	{ EDOM,
	  "a size or option in the portal is malformed or out of range; see is_session_create(2)" },
	{ EALREADY,
	  "an option is given twice in the portal; say it once" },

	/* This machine. */
	{ ENOSYS,
	  "this kernel lacks the Leap patches; boot a kernel built from mm-patches" },
	{ ENODEV,
	  "Leap is not loaded; run: modprobe leap" },
	{ EPERM,
	  "CAP_SYS_ADMIN is missing; run it as root" },
	{ EFAULT,
	  "the argument is no readable memory; pass a valid pointer" },
	{ ENOMEM,
	  "this machine is out of memory; free some and try again" },
	{ EINTR,
	  "interrupted by a signal; try again" },
	{ EBUSY,
	  "there is a session already; end it first: leapctl session destroy" },
	{ ENOENT,
	  "no such session, server or attached process; see leapctl session show and stat" },
	{ EEXIST,
	  "the session has that server already; see leapctl session show" },
	{ ESRCH,
	  "there is no such process; check the pid" },
	{ EIO,
	  "reading or writing failed; see dmesg, and check that the server lives" },

	/* The way to a server, and what it answered. */
	{ ENXIO,
	  "no RDMA device is on the route to the server; see rdma link show and ip route get" },
	{ EMEDIUMTYPE,
	  "it is reached through rxe, which needs checksums; make the session with ?verify=1" },
	{ ENETUNREACH,
	  "there is no route to the server's network; see ip route" },
	{ EHOSTUNREACH,
	  "the server's machine does not answer; check the address and the cable" },
	{ ECONNREFUSED,
	  "no leapd listens at that address; start leapd there" },
	{ ECONNRESET,
	  "the server has closed the connection; see leapd's messages there" },
	{ ENOTCONN,
	  "the server is not connected; see dmesg for why it was lost" },
	{ ETIMEDOUT,
	  "the server did not answer in time; check the network, or give a larger timeout_ms" },
	{ EBADMSG,
	  "the peer sent a malformed message; use the same version of Leap on both machines" },
	{ EPROTO,
	  "the peer does not speak Leap; check the port, and that leapd listens there" },
	{ EPROTOTYPE,
	  "the protocol's versions differ; use the same version of Leap on both machines" },
	{ EOPNOTSUPP,
	  "page or slab sizes differ; use one page size, and give slab= as the servers have it" },
	{ EACCES,
	  "not permitted here (be root), or by the server (see its words, and leapd --allow)" },
	{ ENOKEY,
	  "one of the two sides has a key and the other has none; give both the same, or none" },
	{ EKEYREJECTED,
	  "the keys of the two sides differ; give both the same (leapd --key, and ?key= here)" },
	{ EUSERS,
	  "the server has too many clients; use another one or end a session elsewhere" },
	{ ENOSPC,
	  "no server lends memory (see leapd --memory), or too many are attached" },
};

/**
 * leap_strerror - an error of a Leap command for a person
 * @err: errno value, negative or positive
 *
 * Return: one sentence without a full stop: what is wrong and what to do.
 */
const char *leap_strerror(int err)
{
	u32 amount = err, i;

	if (err < 0)
		amount = -amount;
	for (i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].err == amount)
			return errors[i].sentence;
	return "Leap has no explanation for this error; see dmesg";
}
