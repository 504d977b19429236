/* System calls: number in a7, arguments in a0 …, result in a0. The same numbers for kernel and programs. */
#pragma once

#define SYS_PRINT 1  /* (text, bytes) → bytes */
#define SYS_READ 2   /* (buffer, bytes) → bytes of one line from the console */
#define SYS_SLEEP 3  /* (milliseconds) → 0 */
#define SYS_SECTOR 4 /* (number, buffer of 512 bytes) → 0 */
#define SYS_CLOCK 5  /* (struct clock *) → 0 */
#define SYS_YIELD 6  /* () → 0 */
#define SYS_HART 7   /* () → id of the hart it runs on */
#define SYS_EXIT 8   /* (code), does not return */

#define ERROR_NO_SUCH_CALL (-38)
#define ERROR_BAD_ADDRESS (-14)
#define ERROR_INTERRUPTED (-4)
#define ERROR_NO_DEVICE (-19)
#define ERROR_INPUT_OUTPUT (-5)

#define SECTOR_BYTES 512

#ifndef __ASSEMBLER__
/* What SYS_CLOCK fills in. */
struct clock {
    unsigned long ticks;   /* of the time register */
    unsigned long hz;      /* ticks a second */
    unsigned long wall_ns; /* since 1970-01-01 UTC, 0: the board has no clock */
};

#ifdef GUEST_KERNEL
#include "proc.h"

struct syscall {
    const char *name;
    unsigned arguments;
    i64 (*serve)(struct proc *proc, const u64 *arguments);
};

/* The system call of that number, or NULL. */
const struct syscall *syscall_find(u64 number);

/* Serves the call that a trap frame holds: result in a0, sepc past the ecall. */
void syscall(struct proc *proc, struct trap_frame *frame);
#endif
#endif
