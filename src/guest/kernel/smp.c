/* Harts: starting them, the kernel lock between them, nudging one another. */

#include "hart.h"
#include "lib.h"
#include "platform.h"
#include "riscv.h"
#include "sbi.h"
#include "sched.h"
#include "vm.h"

_Static_assert(offsetof(struct hart, kernel_sp) == HART_KERNEL_SP, "entry.S");
_Static_assert(offsetof(struct hart, user_sp) == HART_USER_SP, "entry.S");
_Static_assert(offsetof(struct hart, stack_top) == HART_STACK_TOP, "boot.S");

void hart_entry(void);

struct hart harts[MAX_HARTS];
unsigned hart_count;

u8 hart_stacks[MAX_HARTS][HART_STACK] __attribute__((aligned(16)));
/* A ticket lock: whoever came first gets in first, so that a hart that lets go and takes again starves nobody. */
static u32 next_ticket, now_serving;
static bool started, greeting;

void kernel_lock(void)
{
    u32 ticket = __atomic_fetch_add(&next_ticket, 1, __ATOMIC_RELAXED);
    while (__atomic_load_n(&now_serving, __ATOMIC_ACQUIRE) != ticket)
        ;
}

void kernel_unlock(void)
{
    __atomic_store_n(&now_serving, now_serving + 1, __ATOMIC_RELEASE);
}

void hart_nudge(struct hart *hart)
{
    sbi_send_ipi(hart->hartid);
}

void harts_init(u64 boot_hartid)
{
    harts[0].hartid = boot_hartid;
    hart_count = 1;
    for (unsigned i = 0; i < platform.harts; i++)
        if (platform.hartid[i] != boot_hartid)
            harts[hart_count++].hartid = platform.hartid[i];
    for (unsigned i = 0; i < hart_count; i++) {
        harts[i].index = i;
        harts[i].stack_top = (u64)hart_stacks[i] + HART_STACK;
    }
}

/* C entry of a further hart: on its own stack, translation still off. */
void hart_main(u64 hartid)
{
    struct hart *hart = this_hart();
    kernel_lock();
    if (hart->hartid != hartid)
        panic("hart %lu was started as hart %lu", hartid, hart->hartid);
    vm_use_kernel();
    hart_init_traps();
    hart->online = true;
    wake(&started);
    if (greeting)
        kprintf("     hart %lu here: S-mode, stack at 0x%lx, page table of the kernel\n", hartid, hart->stack_top);
    scheduler();
}

bool harts_started(void)
{
    return started;
}

void harts_start(bool aloud)
{
    if (started)
        return;
    started = true;
    greeting = aloud;
    bool waiting[MAX_HARTS] = {false};
    for (unsigned i = 1; i < hart_count; i++) {
        i64 error = sbi_hart_start(harts[i].hartid, hart_entry, &harts[i]);
        waiting[i] = error == 0;
        if (error)
            kprintf("hart %lu did not start: SBI error %ld\n", harts[i].hartid, error);
    }
    for (unsigned i = 1; i < hart_count; i++)
        while (waiting[i] && !harts[i].online)
            sleep_on(&started, 0);
}
