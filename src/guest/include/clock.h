/* Time: the `time` register, the timer through the firmware, the wall clock of the board. */
#pragma once

#include "types.h"

struct date {
    unsigned year, month, day, hour, minute, second;
};

/* Ticks of the time register in `us` microseconds, and back. */
u64 clock_ticks(u64 us);
u64 clock_us(u64 ticks);

/* The next timer interrupt of this hart: at `time`, all ones: never. */
void clock_arm(u64 time);
/* The same for the end of the running slice or the first sleeper, whichever is sooner. */
void clock_arm_slice(void);

/* A timer interrupt: wakes sleepers, ends a slice that is used up. */
void clock_interrupt(void);

/* Nanoseconds since 1970-01-01 UTC from the real-time clock, 0 if there is none. */
u64 clock_wall_ns(void);
struct date clock_date(u64 wall_ns);
