/* Calls to the firmware: RISC-V Supervisor Binary Interface 2.0. */
#pragma once

#include "types.h"

#define SBI_BASE 0x10
#define SBI_TIME 0x54494d45
#define SBI_IPI 0x735049
#define SBI_HSM 0x48534d
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e

struct sbi_result {
    i64 error;
    i64 value;
};

struct sbi_result sbi_call(u64 extension, u64 function, u64 a0, u64 a1, u64 a2);

/* BASE: specification version (major in bits 30:24), implementation and its version, whether an extension is there. */
u64 sbi_spec_version(void);
const char *sbi_implementation(void);
bool sbi_has(u64 extension);

/* TIME: the next timer interrupt of this hart, and withdraws one that is pending. */
void sbi_set_timer(u64 time);

/* IPI: a software interrupt for one hart. */
void sbi_send_ipi(u64 hartid);

/* HSM: starts a stopped hart in S-mode with a0 = hartid, a1 = opaque; 0 or an SBI error. */
i64 sbi_hart_start(u64 hartid, void (*entry)(void), void *opaque);
i64 sbi_hart_status(u64 hartid);

/* SRST: do not come back. */
void sbi_power_off(bool failed) __attribute__((noreturn));
void sbi_reboot(void) __attribute__((noreturn));

/* DBCN: text for the firmware's console, when the device tree names no UART. */
void sbi_console_write(const char *text, size_t count);
