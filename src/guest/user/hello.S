# The smallest program that says something: print, then exit. Each ecall is a trap into the kernel.

#include "syscall.h"

    .section .rodata
message:
    .ascii  "     Hello from user mode.\n"
    .equ    message_bytes, . - message

    .section .text.start, "ax"
    .globl _start
_start:
    lla     a0, message
    li      a1, message_bytes
    li      a7, SYS_PRINT
    ecall
    li      a0, 0
    li      a7, SYS_EXIT
    ecall
