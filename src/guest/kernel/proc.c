#include "proc.h"

#include "console.h"
#include "lib.h"
#include "program.h"
#include "sched.h"
#include "vm.h"

#define KERNEL_STACK 8192

struct proc procs[MAX_PROCS];
static u8 kernel_stacks[MAX_PROCS][KERNEL_STACK] __attribute__((aligned(16)));
static void (*thread_bodies[MAX_PROCS])(void);
static int last_pid;

static u64 stack_top(const struct proc *p)
{
    return (u64)kernel_stacks[p - procs] + KERNEL_STACK;
}

/* First thing a new kernel thread does: the scheduler switched to it as if it had left its stack here. */
static void thread_start(void)
{
    thread_bodies[this_proc() - procs]();
    proc_exit(0);
}

/* First thing a new program does in the kernel: leave it. */
static void program_start(void)
{
    struct trap_frame *frame = this_proc()->frame;
    leave_kernel(frame);
    user_return(frame);
}

static struct proc *claim(const char *name, void (*start)(void))
{
    for (struct proc *p = procs; p < procs + MAX_PROCS; p++) {
        if (p->state != PROC_FREE)
            continue;
        *p = (struct proc){.pid = ++last_pid, .only_on = ANY_HART, .started = read_time()};
        string_copy(p->name, name, sizeof p->name);
        p->frame = (struct trap_frame *)(stack_top(p) - sizeof(struct trap_frame));
        p->context.ra = (u64)start;
        p->context.sp = (u64)p->frame;
        return p;
    }
    return NULL;
}

struct proc *thread_create(const char *name, void (*body)(void))
{
    struct proc *p = claim(name, thread_start);
    if (p) {
        p->is_thread = true;
        p->root = kernel_root;
        thread_bodies[p - procs] = body;
        make_ready(p);
    }
    return p;
}

static bool map_stack(struct proc *p, const char *argument)
{
    u64 page = 0;
    for (u64 at = USER_STACK_TOP - USER_STACK_PAGES * PAGE_SIZE; at < USER_STACK_TOP; at += PAGE_SIZE) {
        page = page_alloc();
        if (!page || !vm_map(p->root, at, page, PAGE_SIZE, PTE_R | PTE_W | PTE_U))
            return false;
    }
    p->frame->x[REG_SP] = USER_STACK_TOP;
    if (argument) {
        u64 room = (strlen(argument) + 16) & ~15UL;
        if (room > PAGE_SIZE / 2)
            return false;
        memcpy((void *)(page + PAGE_SIZE - room), argument, strlen(argument) + 1);
        p->frame->x[REG_SP] -= room;
        p->frame->x[REG_A0] = USER_STACK_TOP - room;
    }
    return true;
}

struct proc *proc_create(const struct program *program, struct proc_options options)
{
    struct proc *p = claim(options.name ? options.name : program->name, program_start);
    if (!p)
        return NULL;
    memset(p->frame, 0, sizeof *p->frame);
    p->only_on = options.only_on;
    p->shared_page = options.shared_page;
    p->trace = options.trace;
    p->root = vm_create_user();
    bool ok = p->root && program_load(program, p->root, &p->frame->sepc) && map_stack(p, options.argument);
    if (ok && p->shared_page)
        ok = vm_map(p->root, USER_SHARED, p->shared_page, PAGE_SIZE, PTE_R | PTE_W | PTE_U);
    if (!ok) {
        proc_free(p);
        return NULL;
    }
    /* sret takes the mode from SPP (0: U) and interrupts on from SPIE. */
    p->frame->sstatus = SSTATUS_SPIE;
    make_ready(p);
    return p;
}

void proc_free(struct proc *p)
{
    if (!p->is_thread && p->root)
        vm_free_user(p->root, p->shared_page);
    p->root = NULL;
    p->state = PROC_FREE;
}

void proc_wait(struct proc *p)
{
    while (p->state != PROC_DEAD)
        sleep_on(p, 0);
}

int proc_run(const char *name, struct proc_options options)
{
    const struct program *program = program_find(name);
    struct proc *p = program ? proc_create(program, options) : NULL;
    if (!p)
        return -1;
    console_set_foreground(p);
    proc_wait(p);
    console_set_foreground(NULL);
    int code = p->exit_code;
    proc_free(p);
    return code;
}

void proc_stop(struct proc *p)
{
    if (p->state == PROC_FREE || p->state == PROC_DEAD || p->is_thread)
        return;
    p->stop_wanted = true;
    if (p->state == PROC_ASLEEP && !p->must_wait)
        make_ready(p);
    else if (p->state == PROC_RUNNING && p->hart != this_hart())
        hart_nudge(p->hart);
}

const char *proc_state_name(const struct proc *p)
{
    static const char *const names[] = {"free", "ready", "running", "asleep", "dead"};
    return names[p->state];
}

u64 user_page(struct proc *p, u64 va, bool write)
{
    if (va < USER_BASE || va >= USER_END)
        return 0;
    u64 entry = vm_lookup(p->root, va, NULL);
    u64 needed = PTE_V | PTE_U | (write ? PTE_W : PTE_R);
    return (entry & needed) == needed ? PTE_ADDRESS(entry) + va % PAGE_SIZE : 0;
}

static bool copy(struct proc *p, u64 va, u8 *kernel, size_t count, bool to_user)
{
    while (count > 0) {
        u64 at = user_page(p, va, to_user);
        if (!at)
            return false;
        size_t step = PAGE_SIZE - va % PAGE_SIZE;
        if (step > count)
            step = count;
        if (to_user)
            memcpy((void *)at, kernel, step);
        else
            memcpy(kernel, (void *)at, step);
        va += step;
        kernel += step;
        count -= step;
    }
    return true;
}

bool copy_from_user(struct proc *p, void *to, u64 va, size_t count)
{
    return copy(p, va, to, count, false);
}

bool copy_to_user(struct proc *p, u64 va, const void *from, size_t count)
{
    return copy(p, va, (u8 *)from, count, true);
}
