/* Processes: user programs and kernel threads. */
#pragma once

#include "trap.h"
#include "types.h"

/* What a function call preserves: all that switching between kernel stacks has to keep. */
struct context {
    u64 ra, sp, s[12];
};

enum proc_state { PROC_FREE, PROC_READY, PROC_RUNNING, PROC_ASLEEP, PROC_DEAD };

/* TRACE_CALLS: a line for each system call; TRACE_STEPS: each step of each trap. */
enum trace { TRACE_NOTHING, TRACE_CALLS, TRACE_STEPS };

#define ANY_HART (-1)

struct proc {
    int pid;
    char name[16];
    enum proc_state state;
    bool is_thread;           /* a kernel thread: no page table of its own */
    int only_on;              /* index of the hart it must run on, or ANY_HART */
    struct hart *hart;        /* where it runs, while RUNNING */
    struct context context;   /* where its kernel stack was left */
    struct trap_frame *frame; /* on top of the kernel stack */
    u64 *root;                /* page table */
    u64 shared_page;          /* physical address of a page shared with others, 0: none */
    enum trace trace;         /* how much to show of its traps */
    const void *waits_for;    /* ASLEEP: woken by wake(this) */
    u64 wake_time;            /* ASLEEP: or at this time, 0: never */
    bool stop_wanted;         /* asked to end: does so when it is about to go on */
    bool must_wait;           /* a device is writing to its memory: not to be woken early */
    u64 started, ran;         /* ticks */
    u64 syscalls, slices;
    /* How it ended. */
    int exit_code;
    bool faulted;
    u64 scause, stval, sepc;
};

/* Exit code of a program that was stopped from outside or by a fault. */
#define EXIT_STOPPED 130
#define EXIT_FAULT 139

extern struct proc procs[MAX_PROCS];

struct program;

struct proc_options {
    const char *argument; /* the program's argument, or NULL */
    int only_on;
    u64 shared_page;
    enum trace trace;
    const char *name; /* another name than the program's, or NULL */
};

/* Makes a process from an embedded program, ready to run; NULL when there is no memory or no room. */
struct proc *proc_create(const struct program *program, struct proc_options options);

/* Makes one with the console in front of it, waits for its end and frees it: its exit code, or -1. */
int proc_run(const char *program, struct proc_options options);

/* Makes a kernel thread. */
struct proc *thread_create(const char *name, void (*body)(void));

/* Ends the running process. */
void proc_exit(int code) __attribute__((noreturn));

/* Waits until the process has ended. Its slot stays until proc_free(). */
void proc_wait(struct proc *proc);

/* Gives back a dead process's memory and slot. */
void proc_free(struct proc *proc);

/* Asks a process to end: at once when it sleeps, else when it next enters the kernel. */
void proc_stop(struct proc *proc);

const char *proc_state_name(const struct proc *proc);

/* Address of physical memory behind a program's address range inside one page; 0 if the program may not do that. */
u64 user_page(struct proc *proc, u64 va, bool write);
/* Copies between kernel and program, checking every page; false if the program has no right to the range. */
bool copy_from_user(struct proc *proc, void *to, u64 va, size_t count);
bool copy_to_user(struct proc *proc, u64 va, const void *from, size_t count);
