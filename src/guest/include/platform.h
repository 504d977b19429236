/* What the device tree says about the machine: all that the kernel needs, copied out of it at boot. */
#pragma once

#include "types.h"

#define MAX_VIRTIO 8

struct device {
    u64 base;
    u64 size;
    u32 irq;
};

struct platform {
    char model[48];
    char isa[128];
    char bootargs[256];
    u64 memory_base, memory_size;
    u64 timebase_hz;
    unsigned harts;
    u64 hartid[MAX_HARTS];
    u32 intc_phandle[MAX_HARTS];
    struct device uart, plic, rtc;
    /* PLIC context that belongs to S-mode of each hart, -1: none. */
    int plic_context[MAX_HARTS];
    unsigned virtio_count;
    struct device virtio[MAX_VIRTIO];
};

extern struct platform platform;

/* Fills `platform` from the flattened device tree; false if there is none at that address. */
bool platform_read(const void *dtb);
