# Where the firmware enters: S-mode, translation off, a0 = hartid, a1 = device tree.

#include "hart.h"

    .section .text.boot, "ax"
    .globl _start
_start:
    csrw    sie, zero               # no interrupts until the kernel wants them
    la      t0, bss_start
    la      t1, bss_end
1:  bgeu    t0, t1, 2f
    sd      zero, 0(t0)
    addi    t0, t0, 8
    j       1b
2:  la      sp, hart_stacks + HART_STACK
    call    kernel_start            # (hartid, dtb), does not return

# Where HSM starts a further hart: a0 = hartid, a1 = its struct hart.
    .globl hart_entry
hart_entry:
    csrw    sie, zero
    mv      tp, a1
    ld      sp, HART_STACK_TOP(tp)
    call    hart_main               # does not return
