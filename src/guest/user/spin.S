# Never gives the hart back by itself: only the timer can take it away. s1 counts the rounds.

    .section .text.start, "ax"
    .globl _start
_start:
    addi    s1, s1, 1
    j       _start
