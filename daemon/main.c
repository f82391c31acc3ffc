// SPDX-License-Identifier: GPL-2.0
#include "leapd.h"

int main(int argc, char **argv)
{
	options_parse(argc, argv);
	return server_run() ? 1 : 0;
}
