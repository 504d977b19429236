/* Short names for the sizes that the privileged specification speaks of. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t i64;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PAGE_SIZE 4096UL
#define PAGE_DOWN(x) ((u64)(x) & ~(PAGE_SIZE - 1))
#define PAGE_UP(x) PAGE_DOWN((u64)(x) + PAGE_SIZE - 1)

/* Highest number of harts and of processes that the kernel keeps. */
#define MAX_HARTS 8
#define MAX_PROCS 16
