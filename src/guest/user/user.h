/* What programs have: system calls, and a little text. */
#pragma once

#include "syscall.h"
#include "types.h"

static inline long system_call(long number, long arg0, long arg1)
{
    register long a0 asm("a0") = arg0;
    register long a1 asm("a1") = arg1;
    register long a7 asm("a7") = number;
    asm volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
    return a0;
}

static inline long sys_print(const char *text, size_t bytes)
{
    return system_call(SYS_PRINT, (long)text, (long)bytes);
}

static inline long sys_read(char *buffer, size_t bytes)
{
    return system_call(SYS_READ, (long)buffer, (long)bytes);
}

static inline long sys_sleep(long milliseconds)
{
    return system_call(SYS_SLEEP, milliseconds, 0);
}

static inline long sys_sector(long number, void *buffer)
{
    return system_call(SYS_SECTOR, number, (long)buffer);
}

static inline long sys_clock(struct clock *clock)
{
    return system_call(SYS_CLOCK, (long)clock, 0);
}

static inline long sys_yield(void)
{
    return system_call(SYS_YIELD, 0, 0);
}

static inline long sys_hart(void)
{
    return system_call(SYS_HART, 0, 0);
}

/* A line under construction: one system call prints it whole, so that lines of several programs do not mix. */
struct text {
    size_t length;
    char bytes[160];
};

void add_string(struct text *text, const char *s);
void add_number(struct text *text, unsigned long value);
void print(struct text *text);

/* A decimal number, or `otherwise` when there is none. */
unsigned long number_or(const char *s, unsigned long otherwise);
int same(const char *a, const char *b);

/* Every program's. `argument` may be NULL. The result is its exit code. */
int main(const char *argument);
