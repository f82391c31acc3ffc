// SPDX-License-Identifier: GPL-2.0
#include "leapctl.h"

int main(int argc, char **argv)
{
	int code = leapctl(argc, argv);

	if (fflush(stdout) || ferror(stdout)) {
		perror("leapctl: cannot write the output");
		return EXIT_FAILURE;
	}
	return code;
}
