// SPDX-License-Identifier: GPL-2.0
/* A message: one that is accepted is made of the same bytes again. */
#include <stdlib.h>

#include "leap/policy/proto.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct leap_msg_info info;
	struct leap_msg wire;
	int err = leap_msg_decode(data, size, &info);

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
