/* The trap frame: what the trap entry saves of a program, on top of its kernel stack. */
#pragma once

#define TF_SEPC 256
#define TF_SSTATUS 264
#define TF_SCAUSE 272
#define TF_STVAL 280
#define TF_SIZE 288

#ifndef __ASSEMBLER__
#include "types.h"

struct trap_frame {
    u64 x[32]; /* x[0] is not used */
    u64 sepc, sstatus, scause, stval;
};

/* Numbers of the registers that the calling convention gives a name. */
enum { REG_SP = 2, REG_S1 = 9, REG_A0 = 10, REG_A1 = 11, REG_A2 = 12, REG_A7 = 17 };

void trap_entry(void);
void user_return(struct trap_frame *tf) __attribute__((noreturn));

/* Reads a word at `address`, or a CSR of M-mode, from the kernel, and reports a trap instead of dying of it. */
struct probe {
    bool trapped;
    u64 value, scause, sepc, stval;
};
struct probe probe_mstatus(void);
struct probe probe_load(u64 address);
#endif
