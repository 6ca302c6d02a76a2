/* SPDX-License-Identifier: GPL-2.0 */
/* Just enough of the kernel's headers for the driver's pure ones. */
#ifndef UNIT_LINUX_TYPES_H
#define UNIT_LINUX_TYPES_H
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;
typedef int32_t s32;
typedef u16 __le16;
typedef u32 __le32;
typedef u64 __le64;
typedef u16 __be16;
typedef u64 dma_addr_t;
#endif
