/* Reader of a flattened device tree (Devicetree Specification v0.4, chapter 5). */
#pragma once

#include "types.h"

#define FDT_MAX_DEPTH 8

/* A property's value: big-endian cells or text. */
struct fdt_property {
    const u8 *data;
    u32 length;
};

/* The properties that the kernel looks at, of one node. */
struct fdt_node {
    const char *name;
    const struct fdt_node *parent;
    u32 address_cells, size_cells; /* for this node's children */
    struct fdt_property compatible, device_type, reg, interrupts, interrupts_extended, phandle;
    struct fdt_property bootargs, isa, timebase_frequency, model, status;
};

/* Calls `visit` for each node once all its properties are known, children before their parents. */
bool fdt_walk(const void *dtb, void (*visit)(const struct fdt_node *node));

u32 fdt_cell(struct fdt_property p, unsigned index);
/* The number that starts at cell `index` and takes `cells` cells. */
u64 fdt_number(struct fdt_property p, unsigned index, unsigned cells);
/* Whether the property is a list of strings with `s` in it. */
bool fdt_has_string(struct fdt_property p, const char *s);
