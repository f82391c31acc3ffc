// SPDX-License-Identifier: GPL-2.0
/* A welcome: one that is accepted is made of the same bytes again. */
#include <stdlib.h>

#include "leap/policy/proto.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct leap_welcome_info info;
	struct leap_welcome wire;
	int err = leap_welcome_decode(data, size, &info);

	switch (err) {
	case 0:
		leap_welcome_encode(&info, &wire);
		if (memcmp(&wire, data, sizeof(wire)))
			abort();
		return 0;
	case -EPROTOTYPE:
		if (info.version != (data[4] | data[5] << 8))
			abort();
		return 0;
	case -EBADMSG:
	case -EPROTO:
	case -EINVAL:
		return 0;
	}
	abort();
}
