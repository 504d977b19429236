#include "vm.h"

#include "lib.h"
#include "platform.h"

extern char text_start[], text_end[], rodata_end[], kernel_end[];

u64 *kernel_root;

#define ENTRIES 512
#define MEGAPAGE (2UL << 20)

static unsigned table_index(u64 va, int level)
{
    return (va >> (12 + 9 * level)) & (ENTRIES - 1);
}

static u64 make_entry(u64 pa, u64 flags)
{
    return pa >> 12 << 10 | flags;
}

static bool is_leaf(u64 entry)
{
    return entry & (PTE_R | PTE_W | PTE_X);
}

/* The entry for `va` at `level`, with the tables above it made where they are missing; NULL: no memory. */
static u64 *walk(u64 *root, u64 va, int level)
{
    u64 *table = root;
    for (int at = 2; at > level; at--) {
        u64 *entry = &table[table_index(va, at)];
        if (!(*entry & PTE_V)) {
            u64 page = page_alloc();
            if (!page)
                return NULL;
            *entry = make_entry(page, PTE_V);
        }
        table = (u64 *)PTE_ADDRESS(*entry);
    }
    return &table[table_index(va, level)];
}

bool vm_map(u64 *root, u64 va, u64 pa, u64 bytes, u64 flags)
{
    u64 end = va + bytes;
    while (va < end) {
        bool big = ((va | pa) & (MEGAPAGE - 1)) == 0 && end - va >= MEGAPAGE;
        u64 *entry = walk(root, va, big ? 1 : 0);
        if (!entry)
            return false;
        *entry = make_entry(pa, flags | PTE_V | PTE_A | PTE_D);
        u64 step = big ? MEGAPAGE : PAGE_SIZE;
        va += step;
        pa += step;
    }
    return true;
}

u64 vm_lookup(const u64 *root, u64 va, int *level)
{
    /* Sv39: bits 63 to 39 equal bit 38. */
    if ((u64)((i64)(va << 25) >> 25) != va)
        return 0;
    const u64 *table = root;
    for (int at = 2; at >= 0; at--) {
        u64 entry = table[table_index(va, at)];
        if (!(entry & PTE_V))
            return 0;
        if (is_leaf(entry)) {
            if (level)
                *level = at;
            return entry;
        }
        table = (const u64 *)PTE_ADDRESS(entry);
    }
    return 0;
}

static void map_kernel(u64 start, u64 end, u64 flags)
{
    if (!vm_map(kernel_root, start, start, end - start, flags))
        panic("no memory for the kernel's page table");
}

static void map_device(struct device d)
{
    if (d.base)
        map_kernel(PAGE_DOWN(d.base), PAGE_UP(d.base + d.size), PTE_R | PTE_W);
}

void vm_init(void)
{
    u64 arena_end = PAGE_UP(kernel_end) + pages_total() * PAGE_SIZE;
    kernel_root = (u64 *)page_alloc();
    map_kernel((u64)text_start, (u64)text_end, PTE_R | PTE_X);
    map_kernel((u64)text_end, (u64)rodata_end, PTE_R);
    map_kernel((u64)rodata_end, arena_end, PTE_R | PTE_W);
    map_device(platform.uart);
    map_device(platform.plic);
    map_device(platform.rtc);
    for (unsigned i = 0; i < platform.virtio_count; i++)
        map_device(platform.virtio[i]);
    vm_use_kernel();
}

void vm_use(const u64 *root)
{
    csr_write(satp, SATP_SV39 | (u64)root >> 12);
    asm volatile("sfence.vma" : : : "memory");
}

void vm_use_kernel(void)
{
    vm_use(kernel_root);
}

u64 *vm_create_user(void)
{
    u64 *root = (u64 *)page_alloc();
    if (root)
        memcpy(root, kernel_root, PAGE_SIZE);
    return root;
}

static void free_table(u64 *table, u64 keep)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        u64 address = PTE_ADDRESS(table[i]);
        if (!(table[i] & PTE_V) || address == keep)
            continue;
        if (is_leaf(table[i]))
            page_free(address);
        else
            free_table((u64 *)address, keep);
    }
    page_free((u64)table);
}

void vm_free_user(u64 *root, u64 keep)
{
    u64 own = root[table_index(USER_BASE, 2)];
    if (own & PTE_V)
        free_table((u64 *)PTE_ADDRESS(own), keep);
    page_free((u64)root);
}

struct range {
    u64 va, pa, bytes, flags;
};

void vm_each_user_range(const u64 *root, void (*visit)(u64 va, u64 pa, u64 bytes, u64 flags))
{
    const u64 *middle = (const u64 *)PTE_ADDRESS(root[table_index(USER_BASE, 2)]);
    struct range r = {0};
    for (unsigned i = 0; middle && i < ENTRIES; i++) {
        if (!(middle[i] & PTE_V))
            continue;
        const u64 *leaves = (const u64 *)PTE_ADDRESS(middle[i]);
        for (unsigned j = 0; j < ENTRIES; j++) {
            if (!(leaves[j] & PTE_V))
                continue;
            u64 va = USER_BASE + i * MEGAPAGE + j * PAGE_SIZE, pa = PTE_ADDRESS(leaves[j]), flags = leaves[j] & 0x3ff;
            if (r.bytes > 0 && va == r.va + r.bytes && pa == r.pa + r.bytes && flags == r.flags) {
                r.bytes += PAGE_SIZE;
                continue;
            }
            if (r.bytes > 0)
                visit(r.va, r.pa, r.bytes, r.flags);
            r = (struct range){va, pa, PAGE_SIZE, flags};
        }
    }
    if (r.bytes > 0)
        visit(r.va, r.pa, r.bytes, r.flags);
}

const char *vm_flags_text(u64 flags, char text[6])
{
    text[0] = flags & PTE_R ? 'R' : '-';
    text[1] = flags & PTE_W ? 'W' : '-';
    text[2] = flags & PTE_X ? 'X' : '-';
    text[3] = ' ';
    text[4] = flags & PTE_U ? 'U' : 'S';
    text[5] = 0;
    return text;
}
