/* Chapters 1, 2 and 4: the modes, the border between them, and what keeps it. */

#include "console.h"
#include "lib.h"
#include "program.h"
#include "riscv.h"
#include "sched.h"
#include "tour.h"
#include "vm.h"

void play_modes(bool interactive)
{
    (void)interactive;
    kprintf("A hart is always in one of three modes, and each may do less than the one above:\n"
            "  %sM  machine%s     the firmware: owns the hart, starts it, serves SBI calls\n"
            "  %sS  supervisor%s  this kernel: page tables, traps, interrupts, devices\n"
            "  %sU  user%s        programs: their own memory, and ecall to ask the kernel\n",
            style(BAD), style(PLAIN), style(KERNEL), style(PLAIN), style(USER), style(PLAIN));
    kprintf("The kernel reads a register of its own mode, and then one of M-mode:\n");
    kprintf("%s  S  csrr sstatus  = 0x%lx%s\n", style(KERNEL), csr_read(sstatus), style(PLAIN));
    struct probe probe = probe_mstatus();
    if (probe.trapped)
        kprintf("%s  S  csrr mstatus  trap: scause=%lu (%s) stval=0x%lx%s\n", style(KERNEL), probe.scause,
                cause_name(probe.scause), probe.stval, style(PLAIN));
    else
        kprintf("     csrr mstatus gave 0x%lx: this hart does not keep its modes apart\n", probe.value);
    kprintf("Not even the kernel may do everything. For the rest it asks, by ecall, as programs ask it.\n");
}

static void print_range(u64 va, u64 pa, u64 bytes, u64 flags)
{
    char text[6];
    kprintf("     0x%lx .. 0x%lx  %s   at 0x%lx\n", va, va + bytes - 1, vm_flags_text(flags, text), pa);
}

void play_program(bool interactive)
{
    (void)interactive;
    const struct program *program = program_find("hello");
    struct proc *p = proc_create(program, (struct proc_options){.only_on = ANY_HART, .trace = TRACE_STEPS});
    if (!p) {
        kprintf("no memory for a program\n");
        return;
    }
    kprintf("The kernel loads `hello` into pages of its own and writes a page table for it:\n");
    vm_each_user_range(p->root, print_range);
    char text[6];
    kprintf("     0x%lx .. (the kernel)    %s   mapped as well, but without the U bit\n",
            PAGE_DOWN(csr_read(stvec)), vm_flags_text(vm_lookup(p->root, (u64)csr_read(stvec), NULL), text));
    kprintf("Then: satp=0x%lx, sepc=0x%lx (its first instruction), SPP=0 (U), and sret.\n",
            SATP_SV39 | (u64)p->root >> 12, p->frame->sepc);
    proc_wait(p);
    kprintf("`hello` ended with exit code %d after %lu system calls.\n", p->exit_code, p->syscalls);
    proc_free(p);
}

void play_faults(bool interactive)
{
    (void)interactive;
    static const struct {
        const char *argument, *text;
    } acts[] = {
        {"kernel", "A load from the kernel's memory:"},
        {"csr", "Reading sstatus, a register of S-mode:"},
        {"null", "A load through a null pointer:"},
        {"code", "A store into its own code:"},
        {"data", "A jump into its own data:"},
    };
    kprintf("The hart checks every access of a program. The kernel need not watch: it is told by a trap.\n");
    for (unsigned i = 0; i < ARRAY_LEN(acts); i++) {
        kprintf("%s\n", acts[i].text);
        proc_run("fault", (struct proc_options){.argument = acts[i].argument, .only_on = ANY_HART});
    }
    kprintf("Five programs ended, and nobody else noticed.\n");
}
