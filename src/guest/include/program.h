/* The programs: ELF files of their own, embedded in the kernel, loaded into a page table of their own. */
#pragma once

#include "types.h"

struct program {
    const char *name;
    const char *summary;
    const u8 *elf;
    const u8 *elf_end;
};

extern const struct program programs[], programs_end[];

const struct program *program_find(const char *name);

/* Maps the program's segments into `root` and gives its entry; false when memory runs out or it is not an ELF. */
bool program_load(const struct program *program, u64 *root, u64 *entry);
