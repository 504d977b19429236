#include "sbi.h"

/* What the built-in firmware of nodevisor calls itself, which is not registered. */
#define NODEVISOR_ID 0x6e767372

struct sbi_result sbi_call(u64 extension, u64 function, u64 arg0, u64 arg1, u64 arg2)
{
    register u64 a0 asm("a0") = arg0;
    register u64 a1 asm("a1") = arg1;
    register u64 a2 asm("a2") = arg2;
    register u64 a6 asm("a6") = function;
    register u64 a7 asm("a7") = extension;
    asm volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (struct sbi_result){.error = (i64)a0, .value = (i64)a1};
}

u64 sbi_spec_version(void)
{
    return (u64)sbi_call(SBI_BASE, 0, 0, 0, 0).value;
}

const char *sbi_implementation(void)
{
    /* The registry of implementation numbers, SBI specification chapter 4. */
    static const char *const names[] = {
        "Berkeley Boot Loader", "OpenSBI", "Xvisor", "KVM", "RustSBI", "Diosix", "Coffer", "Xen", "PolarFire HSS",
    };
    u64 id = (u64)sbi_call(SBI_BASE, 1, 0, 0, 0).value;
    if (id == NODEVISOR_ID)
        return "nodevisor";
    return id < ARRAY_LEN(names) ? names[id] : "an unregistered implementation";
}

bool sbi_has(u64 extension)
{
    return sbi_call(SBI_BASE, 3, extension, 0, 0).value != 0;
}

void sbi_set_timer(u64 time)
{
    sbi_call(SBI_TIME, 0, time, 0, 0);
}

void sbi_send_ipi(u64 hartid)
{
    sbi_call(SBI_IPI, 0, 1, hartid, 0);
}

i64 sbi_hart_start(u64 hartid, void (*entry)(void), void *opaque)
{
    return sbi_call(SBI_HSM, 0, hartid, (u64)entry, (u64)opaque).error;
}

i64 sbi_hart_status(u64 hartid)
{
    struct sbi_result r = sbi_call(SBI_HSM, 2, hartid, 0, 0);
    return r.error ? r.error : r.value;
}

static void reset(u64 type, u64 reason) __attribute__((noreturn));

static void reset(u64 type, u64 reason)
{
    sbi_call(SBI_SRST, 0, type, reason, 0);
    for (;;)
        asm volatile("wfi");
}

void sbi_power_off(bool failed)
{
    reset(0, failed ? 1 : 0);
}

void sbi_reboot(void)
{
    reset(1, 0);
}

void sbi_console_write(const char *text, size_t count)
{
    sbi_call(SBI_DBCN, 0, count, (u64)text, 0);
}
