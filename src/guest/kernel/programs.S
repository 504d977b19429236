# The programs: their ELF files as they were linked, and the table of them (struct program).

.macro program name, summary
    .section .rodata.elf, "a"
    .balign 16
elf_\name:
    .incbin "\name\().elf"
elf_end_\name:
    .section .rodata.text, "a"
name_\name:
    .asciz  "\name"
summary_\name:
    .asciz  "\summary"
    .section .rodata.table, "a"
    .quad   name_\name, summary_\name, elf_\name, elf_end_\name
.endm

    .section .rodata.table, "a"
    .balign 8
    .globl programs, programs_end
programs:
    program hello,   "two system calls, in seven instructions of assembly"
    program calls,   "system calls that wait: clock, sleep, read, sector"
    program fault,   "does what it must not: kernel, csr, null, code, data or stack"
    program spin,    "an endless loop without a system call"
    program primes,  "counts the primes below its argument (20000)"
    program count,   "adds to a shared counter (part of the tour)"
    program sleeper, "sleeps for its argument in milliseconds (1000)"
    .section .rodata.table, "a"
programs_end:
