/* One hart as the kernel sees it, and the one lock that lets one hart at a time into the kernel. */
#pragma once

/* Offsets in struct hart that assembly uses. */
#define HART_KERNEL_SP 0
#define HART_USER_SP 8
#define HART_STACK_TOP 16

/* Size of a hart's own stack. */
#define HART_STACK 8192

#ifndef __ASSEMBLER__
#include "proc.h"
#include "types.h"

/* `tp` points at the running hart's own, always, in the kernel; sscratch holds it while a program runs. */
struct hart {
    u64 kernel_sp; /* top of the running process's kernel stack, where the trap entry puts the trap frame */
    u64 user_sp;   /* scratch of the trap entry */
    u64 stack_top; /* of the hart's own stack, for start and scheduler */
    u64 hartid;
    unsigned index;
    bool online;
    bool idle;
    bool switch_wanted; /* a timer or software interrupt asks for another process */
    struct proc *proc;
    struct context scheduler;
    u64 slice_end;
    u64 traps, timer_interrupts, software_interrupts, external_interrupts;
};

extern struct hart harts[MAX_HARTS];
extern unsigned hart_count;

static inline struct hart *this_hart(void)
{
    struct hart *hart;
    asm volatile("mv %0, tp" : "=r"(hart));
    return hart;
}

/* The kernel lock: held by whoever runs kernel code, let go on the way back to a program and while idle. */
void kernel_lock(void);
void kernel_unlock(void);

/* Fills in the table from the device tree, the hart that booted first. */
void harts_init(u64 boot_hartid);

/*
 * Starts every other hart through the firmware, once; sleeps until those that can have come up. With `aloud` each says
 * so itself.
 */
void harts_start(bool aloud);
bool harts_started(void);

/* Wakes a hart from wfi, or out of a program, by a software interrupt. */
void hart_nudge(struct hart *hart);

/* Takes whatever interrupts are pending; called with interrupts off. */
void interrupts_poll(void);

/* The last step before user_return(): what a process has to do first, and the lock. */
void leave_kernel(struct trap_frame *frame);

/* Prepares this hart to take traps, and lets in the three kinds of interrupt. */
void hart_init_traps(void);
#endif
