#include "trap.h"

#include "clock.h"
#include "console.h"
#include "hart.h"
#include "lib.h"
#include "plic.h"
#include "riscv.h"
#include "sched.h"
#include "syscall.h"
#include "trace.h"

_Static_assert(offsetof(struct trap_frame, sepc) == TF_SEPC, "entry.S");
_Static_assert(offsetof(struct trap_frame, stval) == TF_STVAL, "entry.S");
_Static_assert(sizeof(struct trap_frame) == TF_SIZE, "entry.S");

extern char probe_mstatus_at[], probe_load_at[], probe_trapped[];
u64 read_mstatus(void);
u64 read_word(u64 address);

static struct probe probe;

void hart_init_traps(void)
{
    csr_write(sscratch, 0);
    csr_write(stvec, (u64)trap_entry);
    /* Programs may read time, cycle and instret; the floating-point unit stays off. */
    csr_write(scounteren, 7);
    csr_clear(sstatus, SSTATUS_SIE | SSTATUS_FS | SSTATUS_SUM);
    clock_arm(~0UL);
    csr_write(sie, 1 << INTERRUPT_SOFTWARE | 1 << INTERRUPT_TIMER | 1 << INTERRUPT_EXTERNAL);
}

static void software_interrupt(void)
{
    this_hart()->software_interrupts++;
    csr_clear(sip, 1 << INTERRUPT_SOFTWARE);
    this_hart()->switch_wanted = true;
}

static void external_interrupt(void)
{
    this_hart()->external_interrupts++;
    plic_interrupt();
}

void interrupts_poll(void)
{
    u64 pending = csr_read(sip) & csr_read(sie);
    if (pending & 1 << INTERRUPT_SOFTWARE)
        software_interrupt();
    if (pending & 1 << INTERRUPT_TIMER)
        clock_interrupt();
    if (pending & 1 << INTERRUPT_EXTERNAL)
        external_interrupt();
}

static void serve_exception(struct proc *p, struct trap_frame *frame)
{
    if (frame->scause == CAUSE_USER_ECALL) {
        syscall(p, frame);
        return;
    }
    report_fault(p, frame);
    p->faulted = true;
    p->scause = frame->scause;
    p->sepc = frame->sepc;
    p->stval = frame->stval;
    proc_exit(EXIT_FAULT);
}

void leave_kernel(struct trap_frame *frame)
{
    if (this_proc()->stop_wanted)
        proc_exit(EXIT_STOPPED);
    this_hart()->kernel_sp = (u64)(frame + 1);
    kernel_unlock();
}

/* A trap out of a program. Interrupts are off, as they are everywhere in the kernel. */
void user_trap(struct trap_frame *frame)
{
    kernel_lock();
    struct hart *hart = this_hart();
    struct proc *p = hart->proc;
    hart->traps++;
    if (frame->scause & SCAUSE_INTERRUPT)
        interrupts_poll();
    else
        serve_exception(p, frame);
    /* After a call that slept this may be another hart. */
    if (this_hart()->switch_wanted)
        yield();
    leave_kernel(frame);
}

/* A trap out of the kernel: a probe, or a mistake of ours. */
void kernel_trap(struct trap_frame *frame)
{
    if (frame->sepc == (u64)probe_mstatus_at || frame->sepc == (u64)probe_load_at) {
        probe = (struct probe){
            .trapped = true, .scause = frame->scause, .sepc = frame->sepc, .stval = frame->stval,
        };
        frame->sepc = (u64)probe_trapped;
        return;
    }
    panic("%s in the kernel: scause=%lu sepc=0x%lx stval=0x%lx", cause_name(frame->scause), frame->scause, frame->sepc,
          frame->stval);
}

struct probe probe_mstatus(void)
{
    probe.trapped = false;
    probe.value = read_mstatus();
    return probe;
}

struct probe probe_load(u64 address)
{
    probe.trapped = false;
    probe.value = read_word(address);
    return probe;
}
