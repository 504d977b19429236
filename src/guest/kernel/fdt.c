#include "fdt.h"
#include "lib.h"

#define FDT_MAGIC 0xd00dfeed
#define FDT_BEGIN_NODE 1
#define FDT_END_NODE 2
#define FDT_PROP 3
#define FDT_NOP 4

static u32 be32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

u32 fdt_cell(struct fdt_property p, unsigned index)
{
    return (index + 1) * 4 <= p.length ? be32(p.data + index * 4) : 0;
}

u64 fdt_number(struct fdt_property p, unsigned index, unsigned cells)
{
    u64 value = 0;
    for (unsigned i = 0; i < cells; i++)
        value = value << 32 | fdt_cell(p, index + i);
    return value;
}

bool fdt_has_string(struct fdt_property p, const char *s)
{
    size_t wanted = strlen(s) + 1;
    for (u32 at = 0; at < p.length;) {
        size_t length = 0;
        while (at + length < p.length && p.data[at + length])
            length++;
        if (length + 1 == wanted && memcmp(p.data + at, s, length) == 0)
            return true;
        at += length + 1;
    }
    return false;
}

static void keep_property(struct fdt_node *node, const char *name, struct fdt_property p)
{
    const struct {
        const char *name;
        struct fdt_property *field;
    } known[] = {
        {"compatible", &node->compatible},
        {"device_type", &node->device_type},
        {"reg", &node->reg},
        {"interrupts", &node->interrupts},
        {"interrupts-extended", &node->interrupts_extended},
        {"phandle", &node->phandle},
        {"bootargs", &node->bootargs},
        {"riscv,isa", &node->isa},
        {"timebase-frequency", &node->timebase_frequency},
        {"model", &node->model},
        {"status", &node->status},
    };
    for (unsigned i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(name, known[i].name) == 0)
            *known[i].field = p;
    if (strcmp(name, "#address-cells") == 0)
        node->address_cells = fdt_cell(p, 0);
    if (strcmp(name, "#size-cells") == 0)
        node->size_cells = fdt_cell(p, 0);
}

bool fdt_walk(const void *dtb, void (*visit)(const struct fdt_node *node))
{
    const u8 *base = dtb;
    if (base == NULL || ((u64)base & 3) || be32(base) != FDT_MAGIC)
        return false;
    const u8 *at = base + be32(base + 8);
    const char *strings = (const char *)base + be32(base + 12);
    const u8 *end = at + be32(base + 36);

    struct fdt_node nodes[FDT_MAX_DEPTH];
    unsigned depth = 0;
    while (at < end) {
        u32 token = be32(at);
        at += 4;
        if (token == FDT_BEGIN_NODE) {
            if (depth == FDT_MAX_DEPTH)
                return false;
            struct fdt_node *node = &nodes[depth];
            *node = (struct fdt_node){.name = (const char *)at, .address_cells = 2, .size_cells = 1};
            node->parent = depth > 0 ? &nodes[depth - 1] : NULL;
            depth++;
            at += (strlen((const char *)at) + 4) & ~3UL;
        } else if (token == FDT_PROP && depth > 0) {
            struct fdt_property p = {.data = at + 8, .length = be32(at)};
            keep_property(&nodes[depth - 1], strings + be32(at + 4), p);
            at += 8 + ((p.length + 3) & ~3U);
        } else if (token == FDT_END_NODE && depth > 0) {
            visit(&nodes[--depth]);
        } else if (token != FDT_NOP) {
            break;
        }
    }
    return true;
}
