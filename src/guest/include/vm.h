/* Page tables: Sv39, three levels of 512 entries (privileged specification, section on Sv39). */
#pragma once

#include "riscv.h"

/*
 * The map. Each root table shares the kernel's entries; entry 1 is the program's own:
 *   0x0000_0000 …  devices               S-mode
 *   0x4000_0000 …  program, stack        U-mode, another one in each process
 *   0x8000_0000 …  kernel and memory     S-mode
 */
#define USER_BASE 0x40000000UL
#define USER_END 0x80000000UL
#define USER_STACK_TOP 0x7fff0000UL
#define USER_STACK_PAGES 2
#define USER_SHARED 0x60000000UL

/* Physical pages. */
void pages_init(u64 start, u64 end);
/* A zeroed page, or 0. */
u64 page_alloc(void);
void page_free(u64 page);
u64 pages_total(void);
u64 pages_free_count(void);

/* Builds the kernel's own map and turns translation on for this hart. */
void vm_init(void);
void vm_use_kernel(void);
void vm_use(const u64 *root);

/* Maps a range of whole pages; uses 2 MiB pages where they fit. False when memory runs out. */
bool vm_map(u64 *root, u64 va, u64 pa, u64 bytes, u64 flags);

/* The leaf entry for `va`, or 0; `level`, if not NULL, gets 0 for a 4 KiB page, 1 for 2 MiB, 2 for 1 GiB. */
u64 vm_lookup(const u64 *root, u64 va, int *level);

/* A program's root table: the kernel's entries and an empty own part. 0 when memory runs out. */
u64 *vm_create_user(void);
/* Gives back the tables and the pages of the own part, but for `keep`. */
void vm_free_user(u64 *root, u64 keep);

/* Calls `visit` for each stretch of the own part with the same flags and consecutive physical pages. */
void vm_each_user_range(const u64 *root, void (*visit)(u64 va, u64 pa, u64 bytes, u64 flags));

/* "rwxu" as text: r-x-u and so on. */
const char *vm_flags_text(u64 flags, char text[6]);

extern u64 *kernel_root;
