#include "sched.h"

#include "clock.h"
#include "lib.h"
#include "vm.h"

void switch_context(struct context *from, const struct context *to);

u64 slice_us = 10000;
void (*switch_observer)(struct proc *from, struct proc *to);

static unsigned next_slot;

static struct proc *pick(const struct hart *hart)
{
    for (unsigned i = 0; i < MAX_PROCS; i++) {
        unsigned slot = (next_slot + i) % MAX_PROCS;
        struct proc *p = &procs[slot];
        if (p->state == PROC_READY && (p->only_on == ANY_HART || (unsigned)p->only_on == hart->index)) {
            next_slot = slot + 1;
            return p;
        }
    }
    return NULL;
}

/* Waits for an interrupt with the lock open. wfi goes on when one is pending, taken or not: nothing is missed. */
static void idle(struct hart *hart)
{
    clock_arm(next_wake_time());
    hart->idle = true;
    kernel_unlock();
    asm volatile("wfi");
    kernel_lock();
    hart->idle = false;
    interrupts_poll();
}

static void run(struct hart *hart, struct proc *p)
{
    u64 start = read_time();
    p->state = PROC_RUNNING;
    p->hart = hart;
    p->slices++;
    hart->proc = p;
    hart->kernel_sp = (u64)(p->frame + 1);
    hart->slice_end = start + clock_ticks(slice_us);
    hart->switch_wanted = false;
    if (!p->is_thread)
        vm_use(p->root);
    clock_arm_slice();
    switch_context(&hart->scheduler, &p->context);
    /* Off the process's page table before anyone can free it. */
    if (!p->is_thread)
        vm_use_kernel();
    hart->proc = NULL;
    p->hart = NULL;
    p->ran += read_time() - start;
}

void scheduler(void)
{
    struct hart *hart = this_hart();
    struct proc *lost = NULL;
    for (;;) {
        wake_sleepers();
        struct proc *p = pick(hart);
        if (!p) {
            lost = NULL;
            idle(hart);
            continue;
        }
        if (switch_observer && lost && lost != p && lost->state == PROC_READY)
            switch_observer(lost, p);
        run(hart, p);
        lost = hart->switch_wanted ? p : NULL;
    }
}

static void leave_to_scheduler(struct proc *p)
{
    switch_context(&p->context, &this_hart()->scheduler);
}

void make_ready(struct proc *p)
{
    p->state = PROC_READY;
    for (unsigned i = 0; i < hart_count; i++) {
        struct hart *hart = &harts[i];
        if (hart->idle && (p->only_on == ANY_HART || (unsigned)p->only_on == i)) {
            hart->idle = false;
            hart_nudge(hart);
            return;
        }
    }
}

void yield(void)
{
    struct proc *p = this_proc();
    p->state = PROC_READY;
    leave_to_scheduler(p);
}

void sleep_on(const void *channel, u64 wake_time)
{
    struct proc *p = this_proc();
    if (p->stop_wanted && !p->must_wait)
        return;
    p->state = PROC_ASLEEP;
    p->waits_for = channel;
    p->wake_time = wake_time;
    leave_to_scheduler(p);
    p->waits_for = NULL;
    p->wake_time = 0;
}

void wake(const void *channel)
{
    for (struct proc *p = procs; p < procs + MAX_PROCS; p++)
        if (p->state == PROC_ASLEEP && p->waits_for == channel)
            make_ready(p);
}

void wake_sleepers(void)
{
    u64 now = read_time();
    for (struct proc *p = procs; p < procs + MAX_PROCS; p++)
        if (p->state == PROC_ASLEEP && p->wake_time && p->wake_time <= now)
            make_ready(p);
}

u64 next_wake_time(void)
{
    u64 first = ~0UL;
    for (struct proc *p = procs; p < procs + MAX_PROCS; p++)
        if (p->state == PROC_ASLEEP && p->wake_time && p->wake_time < first)
            first = p->wake_time;
    return first;
}

void proc_exit(int code)
{
    struct proc *p = this_proc();
    p->exit_code = code;
    p->state = PROC_DEAD;
    wake(p);
    leave_to_scheduler(p);
    panic("a dead process ran");
}
