/* The scheduler: each hart takes the next ready process, round robin. All of it under the kernel lock. */
#pragma once

#include "hart.h"
#include "riscv.h"

/* How long a process may run before the timer takes the hart away, in microseconds. */
extern u64 slice_us;

/* A hart's own loop: never returns. Called with the kernel lock held. */
void scheduler(void) __attribute__((noreturn));

/* Makes a process ready and wakes an idle hart for it. */
void make_ready(struct proc *proc);

/* Lets others run; returns when it is this process's turn again. */
void yield(void);

/* Sleeps until wake(channel), or until `wake_time` if it is not 0, or until asked to stop. */
void sleep_on(const void *channel, u64 wake_time);
void wake(const void *channel);

/* Wakes processes whose time has come. */
void wake_sleepers(void);

/* When the earliest sleeper wants to wake; all ones: none. */
u64 next_wake_time(void);

/* Called for each involuntary switch with the process that lost the hart and the one that gets it. */
extern void (*switch_observer)(struct proc *from, struct proc *to);

static inline struct proc *this_proc(void)
{
    return this_hart()->proc;
}
