/* Control and status registers and their bits, by the names of the privileged specification. */
#pragma once

#include "types.h"

#define csr_read(name) ({ u64 v_; asm volatile("csrr %0, " #name : "=r"(v_) : : "memory"); v_; })
#define csr_write(name, value) asm volatile("csrw " #name ", %0" : : "r"((u64)(value)) : "memory")
#define csr_set(name, bits) asm volatile("csrs " #name ", %0" : : "r"((u64)(bits)) : "memory")
#define csr_clear(name, bits) asm volatile("csrc " #name ", %0" : : "r"((u64)(bits)) : "memory")

/* sstatus */
#define SSTATUS_SIE (1UL << 1)
#define SSTATUS_SPIE (1UL << 5)
#define SSTATUS_SPP (1UL << 8)
#define SSTATUS_FS (3UL << 13)
#define SSTATUS_SUM (1UL << 18)

/* sie, sip */
#define INTERRUPT_SOFTWARE 1
#define INTERRUPT_TIMER 5
#define INTERRUPT_EXTERNAL 9
#define SCAUSE_INTERRUPT (1UL << 63)

/* scause, exceptions */
#define CAUSE_ILLEGAL_INSTRUCTION 2
#define CAUSE_USER_ECALL 8
#define CAUSE_FETCH_PAGE_FAULT 12
#define CAUSE_LOAD_PAGE_FAULT 13
#define CAUSE_STORE_PAGE_FAULT 15

/* satp: mode in the top four bits, the root table's page number below. */
#define SATP_SV39 (8UL << 60)

/* Bits of a page-table entry. */
#define PTE_V (1UL << 0)
#define PTE_R (1UL << 1)
#define PTE_W (1UL << 2)
#define PTE_X (1UL << 3)
#define PTE_U (1UL << 4)
#define PTE_A (1UL << 6)
#define PTE_D (1UL << 7)
#define PTE_ADDRESS(pte) (((pte) >> 10) << 12)

/* Names of the integer registers in their order. */
extern const char *const register_names[32];

/* Text of an scause value: "load page fault", "supervisor timer interrupt". */
const char *cause_name(u64 scause);

static inline u64 read_time(void)
{
    return csr_read(time);
}
