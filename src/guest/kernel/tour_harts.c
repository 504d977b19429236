/* Chapter 6: several harts, one memory. */

#include "console.h"
#include "lib.h"
#include "program.h"
#include "sbi.h"
#include "sched.h"
#include "shared_count.h"
#include "tour.h"
#include "vm.h"

#define ROUNDS 100000

static void start_harts(void)
{
    if (hart_count == 1) {
        kprintf("This machine has one hart; with `--smp 4` it has four.\n");
    } else if (harts_started()) {
        kprintf("The other %u harts are up already.\n", hart_count - 1);
    } else {
        kprintf("Hart %lu booted. The kernel asks the firmware (SBI HSM hart_start) for the other %u:\n",
                harts[0].hartid, hart_count - 1);
        harts_start(true);
    }
}

void play_harts(bool interactive)
{
    (void)interactive;
    start_harts();
    struct proc *counters[MAX_HARTS] = {NULL};
    struct shared_count *shared = (struct shared_count *)page_alloc();
    const struct program *count = program_find("count");
    if (!shared)
        panic("no memory for the tour's shared page");
    shared->rounds = ROUNDS;
    for (unsigned i = 0; i < hart_count; i++)
        shared->expected += harts[i].online;
    kprintf("On each hart a program adds 1 to two counters in a page that they share, %u times:\n", ROUNDS);
    for (unsigned i = 0; i < hart_count; i++) {
        if (!harts[i].online)
            continue;
        counters[i] = proc_create(count, (struct proc_options){.only_on = (int)i, .shared_page = (u64)shared});
        if (!counters[i])
            panic("no memory for the tour's programs");
    }
    for (unsigned i = 0; i < hart_count; i++)
        if (counters[i]) {
            proc_wait(counters[i]);
            proc_free(counters[i]);
        }
    u64 total = shared->expected * ROUNDS;
    kprintf("  load, add, store   %7lu of %lu", shared->plain, total);
    if (shared->plain < total)
        kprintf("   %s%lu lost: two harts read the same value%s", style(BAD), total - shared->plain, style(PLAIN));
    else if (shared->expected > 1)
        kprintf("   none lost this time: the harts did not meet");
    kprintf("\n  amoadd.d           %s%7lu of %lu%s\n", style(shared->atomic == total ? GOOD : BAD), shared->atomic, total,
            style(PLAIN));
    page_free((u64)shared);
}
