/* SPDX-License-Identifier: GPL-2.0 */
/* The module's tracepoints, read through a buffer of our own. */
#ifndef TRACING_H
#define TRACING_H

#include <stdint.h>

#include "recording.h"

struct tracing;

struct tracing *tracing_open(unsigned int buffer_mib);
int tracing_start(struct tracing *t);
int tracing_read(struct tracing *t, struct recording *r);
void tracing_stop(struct tracing *t);
uint64_t tracing_lost(struct tracing *t);
void tracing_close(struct tracing *t);

#endif /* TRACING_H */
