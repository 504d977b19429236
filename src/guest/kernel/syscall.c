#include "syscall.h"

#include "clock.h"
#include "console.h"
#include "lib.h"
#include "platform.h"
#include "riscv.h"
#include "sched.h"
#include "trace.h"
#include "virtio_blk.h"

static i64 sys_print(struct proc *p, const u64 *a)
{
    char piece[128];
    for (u64 done = 0; done < a[1];) {
        u64 step = a[1] - done < sizeof piece ? a[1] - done : sizeof piece;
        if (!copy_from_user(p, piece, a[0] + done, step))
            return ERROR_BAD_ADDRESS;
        console_write(piece, step);
        done += step;
    }
    return (i64)a[1];
}

static i64 sys_read(struct proc *p, const u64 *a)
{
    char line[128];
    int count = console_read_line(line, a[1] + 1 < sizeof line ? a[1] + 1 : sizeof line, false);
    if (count < 0)
        return ERROR_INTERRUPTED;
    return copy_to_user(p, a[0], line, count) ? count : ERROR_BAD_ADDRESS;
}

static i64 sys_sleep(struct proc *p, const u64 *a)
{
    /* Longer than a day is a mistake, and must not overflow. */
    u64 ms = a[0] < 86400000 ? a[0] : 86400000;
    u64 until = read_time() + clock_ticks(ms * 1000);
    while (read_time() < until && !p->stop_wanted)
        sleep_on(p, until);
    return 0;
}

static i64 sys_sector(struct proc *p, const u64 *a)
{
    static u8 sector[SECTOR_BYTES] __attribute__((aligned(16)));
    static struct proc *owner;
    while (owner && !p->stop_wanted)
        sleep_on(&owner, 0);
    if (p->stop_wanted)
        return ERROR_INTERRUPTED;
    owner = p;
    i64 result = blk_read(a[0], sector);
    if (result == 0 && !copy_to_user(p, a[1], sector, SECTOR_BYTES))
        result = ERROR_BAD_ADDRESS;
    owner = NULL;
    wake(&owner);
    return result;
}

static i64 sys_clock(struct proc *p, const u64 *a)
{
    struct clock c = {.ticks = read_time(), .hz = platform.timebase_hz, .wall_ns = clock_wall_ns()};
    return copy_to_user(p, a[0], &c, sizeof c) ? 0 : ERROR_BAD_ADDRESS;
}

static i64 sys_yield(struct proc *p, const u64 *a)
{
    (void)p, (void)a;
    yield();
    return 0;
}

static i64 sys_hart(struct proc *p, const u64 *a)
{
    (void)p, (void)a;
    return (i64)this_hart()->hartid;
}

static i64 sys_exit(struct proc *p, const u64 *a)
{
    (void)p;
    proc_exit((int)a[0]);
}

static const struct syscall table[] = {
    [SYS_PRINT] = {"print", 2, sys_print}, [SYS_READ] = {"read", 2, sys_read},
    [SYS_SLEEP] = {"sleep", 1, sys_sleep}, [SYS_SECTOR] = {"sector", 2, sys_sector},
    [SYS_CLOCK] = {"clock", 1, sys_clock}, [SYS_YIELD] = {"yield", 0, sys_yield},
    [SYS_HART] = {"hart", 0, sys_hart},    [SYS_EXIT] = {"exit", 1, sys_exit},
};

const struct syscall *syscall_find(u64 number)
{
    return number < ARRAY_LEN(table) && table[number].serve ? &table[number] : NULL;
}

void syscall(struct proc *p, struct trap_frame *frame)
{
    u64 number = frame->x[REG_A7], arguments[] = {frame->x[REG_A0], frame->x[REG_A1]};
    const struct syscall *call = syscall_find(number);
    p->syscalls++;
    trace_call(p, frame);
    i64 result = call ? call->serve(p, arguments) : ERROR_NO_SUCH_CALL;
    frame->x[REG_A0] = (u64)result;
    frame->sepc += 4; /* sepc is the ecall itself; it has no compressed form */
    trace_return(p, frame, number, arguments);
}
