// SPDX-License-Identifier: GPL-2.0
/* How much memory this machine has, as its kernel says. */
#include "leapd.h"

#include <unistd.h>

/**
 * memory_available - what programs could still get without swapping
 *
 * Return: bytes; what it was before if the kernel does not say, for that alone
 * is no reason to take memory back from anybody.
 */
uint64_t memory_available(void)
{
	static unsigned long long kib;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	if (!file)
		return kib << 10;
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
