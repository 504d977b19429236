#include "inspect.h"

#include "clock.h"
#include "console.h"
#include "lib.h"
#include "platform.h"
#include "riscv.h"
#include "sbi.h"
#include "sched.h"
#include "vm.h"

extern char text_start[], text_end[], rodata_end[], kernel_end[];

static void ms(u64 ticks)
{
    u64 us = clock_us(ticks);
    kprintf("%7lu.%lu", us / 1000, us / 100 % 10);
}

void show_processes(int count, char **words)
{
    (void)count, (void)words;
    kprintf("  pid  name      state    mode  hart  ran ms     calls  slices\n");
    for (const struct proc *p = procs; p < procs + MAX_PROCS; p++) {
        if (p->state == PROC_FREE)
            continue;
        kprintf("  %3d  %-8s  %-7s  %-4s  ", p->pid, p->name, proc_state_name(p), p->is_thread ? "S" : "U");
        if (p->hart)
            kprintf("%4lu", p->hart->hartid);
        else
            kprintf("   -");
        ms(p->ran);
        kprintf("  %8lu  %6lu\n", p->syscalls, p->slices);
    }
}

void show_harts(int count, char **words)
{
    (void)count, (void)words;
    static const char *const states[] = {"started", "stopped", "starting", "stopping", "suspended"};
    kprintf("  hart  firmware says  now           traps  timer  software  external\n");
    for (unsigned i = 0; i < hart_count; i++) {
        const struct hart *h = &harts[i];
        i64 status = sbi_hart_status(h->hartid);
        const char *now = !h->online ? "-" : h->proc ? h->proc->name : "idle (wfi)";
        kprintf("  %4lu  %-13s  %-10s  %7lu  %5lu  %8lu  %8lu\n", h->hartid,
                status >= 0 && status < (i64)ARRAY_LEN(states) ? states[status] : "unknown", now, h->traps,
                h->timer_interrupts, h->software_interrupts, h->external_interrupts);
    }
}

static void stretch(const char *name, u64 start, u64 end)
{
    char text[6];
    kprintf("  0x%08lx .. 0x%08lx  %5lu KiB  %s  %s\n", start, end - 1, (end - start) >> 10,
            vm_flags_text(vm_lookup(kernel_root, start, NULL), text), name);
}

static void device_stretch(const char *name, struct device d)
{
    if (d.base)
        stretch(name, d.base, d.base + PAGE_UP(d.size));
}

void show_memory(int count, char **words)
{
    (void)count, (void)words;
    device_stretch("real-time clock", platform.rtc);
    device_stretch("interrupt controller (PLIC)", platform.plic);
    device_stretch("serial line", platform.uart);
    for (unsigned i = 0; i < platform.virtio_count; i++)
        device_stretch("virtio slot", platform.virtio[i]);
    stretch("kernel: code", (u64)text_start, (u64)text_end);
    stretch("kernel: constants, programs", (u64)text_end, (u64)rodata_end);
    stretch("kernel: data, stacks", (u64)rodata_end, (u64)kernel_end);
    stretch("pages to give away", (u64)kernel_end, (u64)kernel_end + pages_total() * PAGE_SIZE);
    kprintf("  %lu of %lu pages free; %lu MiB of memory in all\n", pages_free_count(), pages_total(),
            platform.memory_size >> 20);
}

static struct proc *find(int count, char **words)
{
    u64 pid;
    for (struct proc *p = procs; count > 1 && parse_number(words[1], &pid) && p < procs + MAX_PROCS; p++)
        if (p->state != PROC_FREE && p->pid == (int)pid && !p->is_thread)
            return p;
    kprintf("%s: no program with that number; start one with `run sleeper 60000 &`\n", words[0]);
    return NULL;
}

static void print_range(u64 va, u64 pa, u64 bytes, u64 flags)
{
    char text[6];
    kprintf("  0x%08lx .. 0x%08lx  %s  at 0x%08lx\n", va, va + bytes - 1, vm_flags_text(flags, text), pa);
}

void show_pages(int count, char **words)
{
    const struct proc *p = find(count, words);
    if (!p)
        return;
    kprintf("  satp=0x%lx\n", SATP_SV39 | (u64)p->root >> 12);
    vm_each_user_range(p->root, print_range);
}

static void program_registers(const struct proc *p)
{
    for (unsigned i = 1; i < 32; i++)
        kprintf("  %-4s %016lx%s", register_names[i], p->frame->x[i], i % 4 == 0 || i == 31 ? "\n" : "");
    kprintf("  sepc %016lx  scause %lx (%s)\n", p->frame->sepc, p->frame->scause, cause_name(p->frame->scause));
}

void show_registers(int count, char **words)
{
    if (count > 1) {
        const struct proc *p = find(count, words);
        if (p)
            program_registers(p);
        return;
    }
    kprintf("  hart %lu, S-mode\n", this_hart()->hartid);
    kprintf("  sstatus  %016lx   stvec   %016lx\n", csr_read(sstatus), csr_read(stvec));
    kprintf("  sie      %016lx   sip     %016lx\n", csr_read(sie), csr_read(sip));
    kprintf("  sepc     %016lx   scause  %016lx\n", csr_read(sepc), csr_read(scause));
    kprintf("  stval    %016lx   satp    %016lx\n", csr_read(stval), csr_read(satp));
    kprintf("  time     %016lx   cycle   %016lx\n", csr_read(time), csr_read(cycle));
    kprintf("  instret  %016lx   tp      %p\n", csr_read(instret), (void *)this_hart());
}

static void dump_line(u64 offset, const u8 *data)
{
    kprintf("  %08lx ", offset);
    for (unsigned i = 0; i < 16; i++)
        kprintf("%s%02x", i == 8 ? "  " : " ", data[i]);
    kprintf("  ");
    for (unsigned i = 0; i < 16; i++)
        kprintf("%c", data[i] >= ' ' && data[i] < 127 ? data[i] : '.');
    kprintf("\n");
}

void hex_dump(u64 offset, const u8 *data, size_t count)
{
    bool skipping = false;
    for (size_t at = 0; at < count; at += 16) {
        bool same = at > 0 && at + 16 < count && memcmp(data + at, data + at - 16, 16) == 0;
        if (!same)
            dump_line(offset + at, data + at);
        else if (!skipping)
            kprintf("  *\n");
        skipping = same;
    }
}
