/* The kernel's start on the boot hart, and its end. */

#include "console.h"
#include "hart.h"
#include "lib.h"
#include "platform.h"
#include "sbi.h"
#include "sched.h"
#include "shell.h"
#include "tour.h"
#include "uart.h"
#include "virtio_blk.h"
#include "vm.h"

extern char kernel_end[];

/* Memory that the kernel keeps for itself and its programs, from its own end on. */
#define ARENA_BYTES (16UL << 20)

/*
 * The boot arguments say who is there: `shell` a terminal, so it ends in the shell; `tour` plays the tour first (and
 * alone when there is no `shell`, then powers off); `color` allows colours. Nothing at all: the tour.
 */
static void main_thread(void)
{
    bool terminal = has_word(platform.bootargs, "shell");
    bool play = has_word(platform.bootargs, "tour") || !terminal;
    kprintf("\n%snodevisor guest%s, a small operating system for RISC-V\n", style(TITLE), style(PLAIN));
    print_machine();
    if (play)
        tour(false);
    harts_start(false);
    if (terminal)
        shell();
    kprintf("\n%sThe end: SBI SRST, shutdown.%s\n", style(TITLE), style(PLAIN));
    sbi_power_off(false);
}

void panic(const char *format, ...)
{
    kprintf("\n%skernel panic on hart %lu: ", style(BAD), this_hart()->hartid);
    va_list args;
    va_start(args, format);
    kvprintf(format, args);
    va_end(args);
    kprintf("%s\n", style(PLAIN));
    sbi_power_off(true);
}

static void start_memory(void)
{
    u64 start = PAGE_UP(kernel_end), end = start + ARENA_BYTES;
    u64 memory_end = platform.memory_base + platform.memory_size;
    if (start < platform.memory_base || start + (1UL << 20) > memory_end)
        panic("the device tree names no memory behind the kernel");
    pages_init(start, end < memory_end ? end : memory_end);
    vm_init();
}

/* Called by boot.S with translation off, on the boot hart's stack. */
void kernel_start(u64 hartid, const void *dtb)
{
    asm volatile("mv tp, %0" : : "r"(&harts[0]));
    bool known = platform_read(dtb);
    harts_init(hartid);
    kernel_lock();
    console_init(has_word(platform.bootargs, "shell"), has_word(platform.bootargs, "color"));
    if (!known)
        panic("no device tree that names harts, memory and a timebase");
    hart_init_traps();
    harts[0].online = true;
    start_memory();
    uart_init();
    blk_init();
    if (!thread_create("main", main_thread))
        panic("no room for the first thread");
    scheduler();
}
