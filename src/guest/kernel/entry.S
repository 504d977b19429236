# The way into the kernel and back.
#
# A trap from a program finds its hart in sscratch; a trap from the kernel finds 0 there. Hardware has already stored
# sepc, scause, stval and sstatus.SPP, switched to S-mode and turned interrupts off: saving registers is software's part.

#include "hart.h"
#include "trap.h"

# Registers 1, 3 and 5 … 31 to or from the trap frame at sp; sp (2) and tp (4) need care and are done by hand.
.macro each_register op
    \op     ra, 1*8(sp)
    \op     gp, 3*8(sp)
    \op     t0, 5*8(sp)
    \op     t1, 6*8(sp)
    \op     t2, 7*8(sp)
    \op     s0, 8*8(sp)
    \op     s1, 9*8(sp)
    \op     a0, 10*8(sp)
    \op     a1, 11*8(sp)
    \op     a2, 12*8(sp)
    \op     a3, 13*8(sp)
    \op     a4, 14*8(sp)
    \op     a5, 15*8(sp)
    \op     a6, 16*8(sp)
    \op     a7, 17*8(sp)
    \op     s2, 18*8(sp)
    \op     s3, 19*8(sp)
    \op     s4, 20*8(sp)
    \op     s5, 21*8(sp)
    \op     s6, 22*8(sp)
    \op     s7, 23*8(sp)
    \op     s8, 24*8(sp)
    \op     s9, 25*8(sp)
    \op     s10, 26*8(sp)
    \op     s11, 27*8(sp)
    \op     t3, 28*8(sp)
    \op     t4, 29*8(sp)
    \op     t5, 30*8(sp)
    \op     t6, 31*8(sp)
.endm

.macro save_csrs
    csrr    t0, sepc
    sd      t0, TF_SEPC(sp)
    csrr    t0, sstatus
    sd      t0, TF_SSTATUS(sp)
    csrr    t0, scause
    sd      t0, TF_SCAUSE(sp)
    csrr    t0, stval
    sd      t0, TF_STVAL(sp)
.endm

    .text
    .balign 4
    .globl trap_entry
trap_entry:
    csrrw   tp, sscratch, tp
    beqz    tp, from_kernel

    sd      sp, HART_USER_SP(tp)
    ld      sp, HART_KERNEL_SP(tp)
    addi    sp, sp, -TF_SIZE
    each_register sd
    ld      t0, HART_USER_SP(tp)
    sd      t0, 2*8(sp)
    csrrw   t0, sscratch, zero      # the program's tp; 0: from here on a trap is the kernel's own
    sd      t0, 4*8(sp)
    save_csrs
    mv      a0, sp
    call    user_trap
    mv      a0, sp

# (trap frame): back to the program that the frame belongs to.
    .globl user_return
user_return:
    mv      sp, a0
    ld      t0, TF_SEPC(sp)
    csrw    sepc, t0
    ld      t0, TF_SSTATUS(sp)
    csrw    sstatus, t0             # SPP = 0: sret goes to U-mode; SPIE = 1: with interrupts on
    csrw    sscratch, tp
    each_register ld
    ld      tp, 4*8(sp)
    ld      sp, 2*8(sp)
    sret

from_kernel:
    csrrw   tp, sscratch, tp        # undo: the kernel's tp back, 0 in sscratch
    addi    sp, sp, -TF_SIZE
    each_register sd
    addi    t0, sp, TF_SIZE
    sd      t0, 2*8(sp)
    sd      tp, 4*8(sp)
    save_csrs
    mv      a0, sp
    call    kernel_trap             # returns only for a probe
    ld      t0, TF_SEPC(sp)
    csrw    sepc, t0
    ld      t0, TF_SSTATUS(sp)
    csrw    sstatus, t0
    each_register ld
    addi    sp, sp, TF_SIZE
    sret

# Probes: each is one instruction that may trap. kernel_trap() knows them by address and goes on at probe_trapped.
    .globl read_mstatus, read_word, probe_mstatus_at, probe_load_at, probe_trapped
read_mstatus:
probe_mstatus_at:
    csrr    a0, mstatus
    ret
read_word:
probe_load_at:
    ld      a0, 0(a0)
    ret
probe_trapped:
    li      a0, 0
    ret
