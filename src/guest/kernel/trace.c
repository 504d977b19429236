#include "trace.h"

#include "console.h"
#include "lib.h"
#include "riscv.h"
#include "syscall.h"
#include "vm.h"

const char *const register_names[32] = {
    "zero", "ra", "sp", "gp", "tp",  "t0",  "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5",
    "a6",   "a7", "s2", "s3", "s4",  "s5",  "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
};

const char *cause_name(u64 scause)
{
    static const char *const exceptions[16] = {
        "instruction address misaligned", "instruction access fault", "illegal instruction", "breakpoint",
        "load address misaligned", "load access fault", "store address misaligned", "store access fault",
        "environment call from U-mode", "environment call from S-mode", "reserved", "environment call from M-mode",
        "instruction page fault", "load page fault", "reserved", "store page fault",
    };
    u64 number = scause & ~SCAUSE_INTERRUPT;
    if (!(scause & SCAUSE_INTERRUPT))
        return number < ARRAY_LEN(exceptions) ? exceptions[number] : "reserved";
    switch (number) {
    case INTERRUPT_SOFTWARE:
        return "supervisor software interrupt";
    case INTERRUPT_TIMER:
        return "supervisor timer interrupt";
    case INTERRUPT_EXTERNAL:
        return "supervisor external interrupt";
    }
    return "another interrupt";
}

static void print_call(u64 number, const u64 *arguments)
{
    const struct syscall *call = syscall_find(number);
    kprintf("%s(", call ? call->name : "unknown");
    for (unsigned i = 0; call && i < call->arguments; i++)
        kprintf("%sa%u=0x%lx", i ? ", " : "", i, arguments[i]);
    kprintf(")");
}

void trace_call(const struct proc *p, const struct trap_frame *frame)
{
    if (p->trace != TRACE_STEPS)
        return;
    kprintf("%s  U  ecall at pc=0x%lx  a7=%lu: ", style(USER), frame->sepc, frame->x[REG_A7]);
    print_call(frame->x[REG_A7], &frame->x[REG_A0]);
    kprintf("%s\n", style(PLAIN));
    kprintf("%s  S  trap: scause=%lu (%s)\n", style(KERNEL), frame->scause, cause_name(frame->scause));
    kprintf("     sepc=0x%lx  stval=%lu  SPP=%u (from U)  pc=stvec=0x%lx\n", frame->sepc, frame->stval,
            frame->sstatus & SSTATUS_SPP ? 1 : 0, csr_read(stvec));
    kprintf("     31 registers saved at %p, the kernel serves the call%s\n", (const void *)frame, style(PLAIN));
}

void trace_return(const struct proc *p, const struct trap_frame *frame, u64 number, const u64 *arguments)
{
    if (p->trace == TRACE_STEPS) {
        kprintf("%s  S  a0=%ld (result)  sepc=0x%lx (past the ecall)  sret to U%s\n", style(KERNEL),
                (i64)frame->x[REG_A0], frame->sepc, style(PLAIN));
    } else if (p->trace == TRACE_CALLS && number != SYS_PRINT) {
        kprintf("%s  U  ", style(USER));
        print_call(number, arguments);
        kprintf("%s  S  scause=%lu, a0=%ld, sret%s\n", style(KERNEL), frame->scause, (i64)frame->x[REG_A0],
                style(PLAIN));
    }
}

static const char *page_fault_reason(const struct proc *p, const struct trap_frame *frame)
{
    u64 entry = vm_lookup(p->root, frame->stval, NULL);
    if (!entry)
        return frame->stval < PAGE_SIZE ? "Nothing is mapped in the page at 0" : "Nothing is mapped there";
    if (!(entry & PTE_U))
        return "A page of the kernel: mapped, but its entry has no U bit";
    if (frame->scause == CAUSE_STORE_PAGE_FAULT && !(entry & PTE_W))
        return "A page of its own, but its entry has no W bit";
    if (frame->scause == CAUSE_FETCH_PAGE_FAULT && !(entry & PTE_X))
        return "A page of its own, but its entry has no X bit";
    return "Its page-table entry does not allow it";
}

static const char *fault_reason(const struct proc *p, const struct trap_frame *frame)
{
    switch (frame->scause) {
    case CAUSE_FETCH_PAGE_FAULT:
    case CAUSE_LOAD_PAGE_FAULT:
    case CAUSE_STORE_PAGE_FAULT:
        return page_fault_reason(p, frame);
    case CAUSE_ILLEGAL_INSTRUCTION:
        return (frame->stval & 0x7f) == 0x73 ? "U-mode has no right to that register or instruction"
                                             : "Nothing that this hart can execute";
    }
    return "Not allowed";
}

void report_fault(const struct proc *p, const struct trap_frame *frame)
{
    kprintf("%s  !  %s: %s%s\n", style(BAD), p->name, cause_name(frame->scause), style(PLAIN));
    kprintf("     scause=%lu  sepc=0x%lx  stval=0x%lx  SPP=%u (from U)\n", frame->scause, frame->sepc, frame->stval,
            frame->sstatus & SSTATUS_SPP ? 1 : 0);
    kprintf("     %s. The kernel ends it.\n", fault_reason(p, frame));
}
