# Where a program begins: in U-mode, sp at its stack, a0 its argument.

#include "syscall.h"

    .section .text.start, "ax"
    .globl _start
_start:
    call    main
    li      a7, SYS_EXIT
    ecall
