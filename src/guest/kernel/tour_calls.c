/* Chapters 3 and 5: programs that give the hart away, and two from which it is taken. */

#include "clock.h"
#include "console.h"
#include "lib.h"
#include "program.h"
#include "riscv.h"
#include "sched.h"
#include "tour.h"

void play_calls(bool interactive)
{
    kprintf("`calls` asks for things that take time. While it waits, its hart is free for others: it sleeps\n"
            "until the timer, the console or the disk interrupts.\n");
    if (!interactive) {
        kprintf("(The tour itself types `Ada` at the console.)\n");
        console_type("Ada\n");
    }
    proc_run("calls", (struct proc_options){.only_on = ANY_HART, .trace = TRACE_CALLS});
}

#define SWITCHES 8

static struct {
    u64 start;
    unsigned switches;
    struct proc *runners[2];
} race;

static void show_switch(struct proc *from, struct proc *to)
{
    if (race.switches == SWITCHES)
        return;
    race.switches++;
    u64 us = clock_us(read_time() - race.start);
    kprintf("  %s%3lu.%lu ms%s  scause=0x%lx  %s%s stopped at pc=0x%lx, s1=%lu%s, on with %s\n", style(DIM), us / 1000,
            us / 100 % 10, style(PLAIN), from->frame->scause, style(USER), from->name, from->frame->sepc,
            from->frame->x[REG_S1], style(PLAIN), to->name);
    if (race.switches == SWITCHES)
        for (unsigned i = 0; i < ARRAY_LEN(race.runners); i++)
            proc_stop(race.runners[i]);
}

void play_timer(bool interactive)
{
    (void)interactive;
    u64 usual_slice = slice_us;
    slice_us = 5000;
    kprintf("A and B are endless loops that count in s1 and never make a system call. Both must run on\n"
            "hart %lu. The kernel sets the timer %lu ms ahead before each sret:\n", harts[0].hartid, slice_us / 1000);
    race.start = read_time();
    race.switches = 0;
    switch_observer = show_switch;
    const struct program *spin = program_find("spin");
    for (unsigned i = 0; i < 2; i++) {
        race.runners[i] = proc_create(spin, (struct proc_options){.only_on = 0, .name = i ? "B" : "A"});
        if (!race.runners[i])
            panic("no memory for the tour's programs");
    }
    for (unsigned i = 0; i < 2; i++)
        proc_wait(race.runners[i]);
    switch_observer = NULL;
    slice_us = usual_slice;
    for (unsigned i = 0; i < 2; i++) {
        struct proc *p = race.runners[i];
        kprintf("%s%s ran for %lu.%lu ms", i ? ", " : "", p->name, clock_us(p->ran) / 1000,
                clock_us(p->ran) / 100 % 10);
        proc_free(p);
    }
    kprintf(", by turns. Neither could tell.\n");
}
