/* The platform-level interrupt controller: which device interrupted. */
#pragma once

#include "types.h"

/* Lets an interrupt number through to the hart that booted, and calls `handler` for it. */
void plic_enable(u32 irq, void (*handler)(void));

/* Serves every device that is waiting. */
void plic_interrupt(void);
