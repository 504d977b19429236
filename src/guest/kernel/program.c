#include "program.h"

#include "lib.h"
#include "vm.h"

struct elf_header {
    u8 ident[16];
    u16 type, machine;
    u32 version;
    u64 entry, program_headers, section_headers;
    u32 flags;
    u16 header_size, program_header_size, program_header_count;
};

struct elf_segment {
    u32 type, flags;
    u64 offset, va, pa, file_bytes, memory_bytes, align;
};

#define PT_LOAD 1
#define PF_X 1
#define PF_W 2
#define PF_R 4

const struct program *program_find(const char *name)
{
    for (const struct program *p = programs; p < programs_end; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static bool load_segment(const u8 *elf, const struct elf_segment *s, u64 *root)
{
    u64 flags = PTE_U | (s->flags & PF_R ? PTE_R : 0) | (s->flags & PF_W ? PTE_W : 0) | (s->flags & PF_X ? PTE_X : 0);
    for (u64 at = 0; at < s->memory_bytes; at += PAGE_SIZE) {
        u64 page = page_alloc();
        if (!page)
            return false;
        if (!vm_map(root, s->va + at, page, PAGE_SIZE, flags)) {
            page_free(page);
            return false;
        }
        if (at < s->file_bytes) {
            u64 left = s->file_bytes - at;
            memcpy((void *)page, elf + s->offset + at, left < PAGE_SIZE ? left : PAGE_SIZE);
        }
    }
    return true;
}

bool program_load(const struct program *program, u64 *root, u64 *entry)
{
    const struct elf_header *header = (const struct elf_header *)program->elf;
    if (memcmp(header->ident, "\x7f" "ELF", 4) != 0)
        return false;
    const struct elf_segment *segments = (const struct elf_segment *)(program->elf + header->program_headers);
    for (unsigned i = 0; i < header->program_header_count; i++)
        if (segments[i].type == PT_LOAD && !load_segment(program->elf, &segments[i], root))
            return false;
    *entry = header->entry;
    /* The code was written through data accesses: other fetches must see it. */
    asm volatile("fence.i" : : : "memory");
    return true;
}
