/* RISC-V Platform-Level Interrupt Controller Specification 1.0.0. */

#include "plic.h"

#include "hart.h"
#include "platform.h"

#define PLIC_IRQS 64

static void (*handlers[PLIC_IRQS])(void);

static volatile u32 *plic_register(u64 offset)
{
    return (volatile u32 *)(platform.plic.base + offset);
}

/* Context of the boot hart's S-mode: all devices interrupt that hart. */
static int context(void)
{
    for (unsigned i = 0; i < platform.harts; i++)
        if (platform.hartid[i] == harts[0].hartid)
            return platform.plic_context[i];
    return -1;
}

void plic_enable(u32 irq, void (*handler)(void))
{
    if (!platform.plic.base || context() < 0 || irq == 0 || irq >= PLIC_IRQS)
        return;
    handlers[irq] = handler;
    *plic_register(4UL * irq) = 1;                                                         /* priority */
    *plic_register(0x2000 + 0x80UL * context() + irq / 32 * 4) |= 1U << (irq % 32);        /* enable */
    *plic_register(0x200000 + 0x1000UL * context()) = 0;                                   /* threshold */
}

void plic_interrupt(void)
{
    volatile u32 *claim = plic_register(0x200004 + 0x1000UL * context());
    for (u32 irq = *claim; irq != 0; irq = *claim) {
        if (irq < PLIC_IRQS && handlers[irq])
            handlers[irq]();
        *claim = irq;
    }
}
