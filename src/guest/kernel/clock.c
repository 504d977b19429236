#include "clock.h"

#include "platform.h"
#include "sbi.h"
#include "sched.h"

u64 clock_ticks(u64 us)
{
    return us * platform.timebase_hz / 1000000;
}

u64 clock_us(u64 ticks)
{
    u64 hz = platform.timebase_hz;
    return ticks / hz * 1000000 + ticks % hz * 1000000 / hz;
}

void clock_arm(u64 time)
{
    sbi_set_timer(time);
}

void clock_arm_slice(void)
{
    u64 slice_end = this_hart()->slice_end, wake_time = next_wake_time();
    clock_arm(slice_end < wake_time ? slice_end : wake_time);
}

void clock_interrupt(void)
{
    struct hart *hart = this_hart();
    hart->timer_interrupts++;
    wake_sleepers();
    if (hart->proc && read_time() >= hart->slice_end) {
        hart->switch_wanted = true;
        hart->slice_end = read_time() + clock_ticks(slice_us);
    }
    /* Arming again also takes the pending interrupt back. */
    if (hart->proc)
        clock_arm_slice();
    else
        clock_arm(next_wake_time());
}

u64 clock_wall_ns(void)
{
    if (!platform.rtc.base)
        return 0;
    volatile u32 *rtc = (volatile u32 *)platform.rtc.base;
    u64 low = rtc[0]; /* TIME_LOW: reading it also latches TIME_HIGH */
    return (u64)rtc[1] << 32 | low;
}

struct date clock_date(u64 wall_ns)
{
    u64 seconds = wall_ns / 1000000000;
    u64 days = seconds / 86400, rest = seconds % 86400;
    /* Years counted from March, so that the leap day is the last of one: 400 years have 146097 days. */
    u64 shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
    u64 year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    u64 of_year = of_era - (365 * year + year / 4 - year / 100);
    u64 month = (5 * of_year + 2) / 153;
    return (struct date){
        .year = year + era * 400 + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = of_year - (153 * month + 2) / 5 + 1,
        .hour = rest / 3600,
        .minute = rest / 60 % 60,
        .second = rest % 60,
    };
}
