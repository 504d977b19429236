#include "tour.h"

#include "clock.h"
#include "console.h"
#include "hart.h"
#include "lib.h"
#include "platform.h"
#include "riscv.h"
#include "sbi.h"
#include "virtio_blk.h"

const struct chapter chapters[] = {
    {"Three modes", play_modes},
    {"A program, its memory, its way into the kernel", play_program},
    {"System calls that wait", play_calls},
    {"What a program must not do", play_faults},
    {"The timer takes the hart away", play_timer},
    {"Several harts", play_harts},
};
const unsigned chapter_count = ARRAY_LEN(chapters);

static void print_date(u64 wall_ns)
{
    struct date d = clock_date(wall_ns);
    kprintf(", now %u-%02u-%02u %02u:%02u:%02u UTC", d.year, d.month, d.day, d.hour, d.minute, d.second);
}

void print_machine(void)
{
    u64 spec = sbi_spec_version();
    char isa[56]; /* the tree's string goes on for lines */
    string_copy(isa, platform.isa, sizeof isa);
    kprintf("  machine   %s, %u hart%s, %lu MiB of memory at 0x%lx\n", platform.model, hart_count,
            hart_count == 1 ? "" : "s", platform.memory_size >> 20, platform.memory_base);
    kprintf("  harts     %s, page tables Sv39\n", isa);
    kprintf("  firmware  SBI %lu.%lu, %s\n", spec >> 24, spec & 0xffffff, sbi_implementation());
    kprintf("  clock     %lu ticks a second", platform.timebase_hz);
    if (clock_wall_ns())
        print_date(clock_wall_ns());
    kprintf("\n  console   16550 at 0x%lx, interrupt %u\n", platform.uart.base, platform.uart.irq);
    if (blk_base())
        kprintf("  disk      virtio-blk at 0x%lx, %lu sectors\n", blk_base(), blk_sectors());
    else
        kprintf("  disk      none\n");
}

void tour_chapter(unsigned number, bool interactive)
{
    const struct chapter *chapter = &chapters[number - 1];
    kprintf("\n%s== %u. %s ==%s\n", style(TITLE), number, chapter->title, style(PLAIN));
    chapter->play(interactive);
}

void tour(bool interactive)
{
    for (unsigned i = 1; i <= chapter_count; i++)
        tour_chapter(i, interactive);
}
