#include "platform.h"

#include "fdt.h"
#include "lib.h"
#include "riscv.h"

struct platform platform;

/* The PLIC's context list names harts by phandle, and may come before or after them: kept until the walk is over. */
static struct fdt_property plic_contexts;

static struct device device_of(const struct fdt_node *node)
{
    unsigned address = node->parent->address_cells, size = node->parent->size_cells;
    return (struct device){
        .base = fdt_number(node->reg, 0, address),
        .size = fdt_number(node->reg, address, size),
        .irq = fdt_cell(node->interrupts, 0),
    };
}

static void copy_text(char *to, size_t size, struct fdt_property p)
{
    if (p.length > 0)
        string_copy(to, (const char *)p.data, p.length < size ? p.length : size);
}

static void visit_hart(const struct fdt_node *cpu, u32 intc_phandle)
{
    if (platform.harts == MAX_HARTS || (cpu->status.length > 0 && !fdt_has_string(cpu->status, "okay")))
        return;
    platform.hartid[platform.harts] = fdt_number(cpu->reg, 0, cpu->parent->address_cells);
    platform.intc_phandle[platform.harts] = intc_phandle;
    platform.harts++;
    copy_text(platform.isa, sizeof platform.isa, cpu->isa);
}

static void visit_device(const struct fdt_node *node)
{
    if (fdt_has_string(node->compatible, "ns16550a") && platform.uart.base == 0)
        platform.uart = device_of(node);
    if (fdt_has_string(node->compatible, "google,goldfish-rtc"))
        platform.rtc = device_of(node);
    if (fdt_has_string(node->compatible, "virtio,mmio") && platform.virtio_count < MAX_VIRTIO)
        platform.virtio[platform.virtio_count++] = device_of(node);
    if (fdt_has_string(node->compatible, "riscv,plic0") || fdt_has_string(node->compatible, "sifive,plic-1.0.0")) {
        platform.plic = device_of(node);
        plic_contexts = node->interrupts_extended;
    }
}

static void visit(const struct fdt_node *node)
{
    if (node->parent == NULL) {
        copy_text(platform.model, sizeof platform.model, node->model);
        return;
    }
    if (fdt_has_string(node->device_type, "memory") && platform.memory_size == 0) {
        struct device memory = device_of(node);
        platform.memory_base = memory.base;
        platform.memory_size = memory.size;
    } else if (strcmp(node->name, "chosen") == 0) {
        copy_text(platform.bootargs, sizeof platform.bootargs, node->bootargs);
    } else if (strcmp(node->name, "cpus") == 0) {
        platform.timebase_hz = fdt_cell(node->timebase_frequency, 0);
    } else if (fdt_has_string(node->compatible, "riscv,cpu-intc")) {
        visit_hart(node->parent, fdt_cell(node->phandle, 0));
    } else {
        visit_device(node);
    }
}

/* Context n of the PLIC is the n-th pair (phandle of a hart's interrupt controller, interrupt of that hart). */
static void find_plic_contexts(void)
{
    for (unsigned h = 0; h < platform.harts; h++) {
        platform.plic_context[h] = -1;
        for (unsigned c = 0; (c + 1) * 8 <= plic_contexts.length; c++)
            if (fdt_cell(plic_contexts, c * 2) == platform.intc_phandle[h] &&
                fdt_cell(plic_contexts, c * 2 + 1) == INTERRUPT_EXTERNAL)
                platform.plic_context[h] = (int)c;
    }
}

/* The tree lists virtio slots in no promised order: lowest address first. */
static void sort_virtio(void)
{
    for (unsigned i = 1; i < platform.virtio_count; i++)
        for (unsigned j = i; j > 0 && platform.virtio[j].base < platform.virtio[j - 1].base; j--) {
            struct device d = platform.virtio[j];
            platform.virtio[j] = platform.virtio[j - 1];
            platform.virtio[j - 1] = d;
        }
}

/* Likewise harts, lowest id first. */
static void sort_harts(void)
{
    for (unsigned i = 1; i < platform.harts; i++)
        for (unsigned j = i; j > 0 && platform.hartid[j] < platform.hartid[j - 1]; j--) {
            u64 id = platform.hartid[j];
            platform.hartid[j] = platform.hartid[j - 1];
            platform.hartid[j - 1] = id;
            u32 phandle = platform.intc_phandle[j];
            platform.intc_phandle[j] = platform.intc_phandle[j - 1];
            platform.intc_phandle[j - 1] = phandle;
        }
}

bool platform_read(const void *dtb)
{
    if (!fdt_walk(dtb, visit))
        return false;
    sort_virtio();
    sort_harts();
    find_plic_contexts();
    return platform.harts > 0 && platform.memory_size > 0 && platform.timebase_hz > 0;
}
