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
static u32 lock_word;
static bool started, greeting;

void kernel_lock(void)
{
    /* Atomic swap with acquire order; plain reads while it is taken keep the line shared. */
    while (__atomic_exchange_n(&lock_word, 1, __ATOMIC_ACQUIRE) != 0)
        while (__atomic_load_n(&lock_word, __ATOMIC_RELAXED) != 0)
            ;
}

void kernel_unlock(void)
{
    __atomic_store_n(&lock_word, 0, __ATOMIC_RELEASE);
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
        while (waiting[i] && !harts[i].online) {
            kernel_unlock();
            kernel_lock();
        }
}
