// SPDX-License-Identifier: GPL-2.0
/* How much memory this machine has, as its kernel says. */
#include "leapd.h"

#include <unistd.h>

/**
 * memory_available - what programs could still get without swapping
 *
 * Return: bytes; 0 if the kernel does not say.
 */
uint64_t memory_available(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	fclose(file);
	return kib << 10;
}

/**
 * memory_total - what there is
 *
 * Return: bytes.
 */
uint64_t memory_total(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}
