// SPDX-License-Identifier: GPL-2.0
/*
 * Prints how often this machine's time-stamp counter ticks, in kHz: what a guest
 * that is emulated gets wrong if it has to find out itself. Runs on the host.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define MEASURE_NS	50000000

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

int main(void)
{
	uint64_t ns = now_ns(), ticks = __rdtsc();

	while (now_ns() - ns < MEASURE_NS)
		;
	ticks = __rdtsc() - ticks;
	ns = now_ns() - ns;
	printf("%.0f\n", (double)ticks * 1e6 / (double)ns);
	return 0;
}
