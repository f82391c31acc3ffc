// SPDX-License-Identifier: GPL-2.0
/*
 * A message: one that is accepted is made of the same bytes again. One of any type
 * can be made, as tests of the other side do.
 */
#include <stdlib.h>

#include "leap/policy/proto.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct leap_msg_info info;
	struct leap_msg wire;
	int err = leap_msg_decode(data, size, &info);
	const struct leap_msg_info odd = { .type = size > 1 ? data[0] | data[1] << 8 : 0 };

	leap_msg_encode(&odd, &wire);
	switch (err) {
	case 0:
		leap_msg_encode(&info, &wire);
		if (memcmp(&wire, data, sizeof(wire)))
			abort();
		return 0;
	case -EBADMSG:
	case -EPROTO:
	case -EINVAL:
		return 0;
	}
	abort();
}
