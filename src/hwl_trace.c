// SPDX-License-Identifier: GPL-2.0
/*
 * Trace events: their one definition.
 */
#define CREATE_TRACE_POINTS
#include "hwl_trace.h"
