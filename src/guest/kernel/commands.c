/* The shell's commands, in the order in which `help` lists them. */

#include "shell.h"

#include "clock.h"
#include "console.h"
#include "inspect.h"
#include "lib.h"
#include "program.h"
#include "riscv.h"
#include "sbi.h"
#include "sched.h"
#include "syscall.h"
#include "tour.h"
#include "virtio_blk.h"

static void run_help(int count, char **words)
{
    (void)count, (void)words;
    for (unsigned i = 0; i < command_count; i++) {
        const struct command *c = &commands[i];
        kprintf("  %s%s%s %s", style(GOOD), c->name, style(PLAIN), c->arguments);
        for (size_t n = strlen(c->name) + strlen(c->arguments); n < 27; n++)
            kprintf(" ");
        kprintf("%s\n", c->summary);
    }
}

static void run_tour(int count, char **words)
{
    u64 number;
    if (count == 1)
        tour(true);
    else if (parse_number(words[1], &number) && number >= 1 && number <= chapter_count)
        tour_chapter((unsigned)number, true);
    else
        for (unsigned i = 0; i < chapter_count; i++)
            kprintf("  %u  %s\n", i + 1, chapters[i].title);
}

static void run_programs(int count, char **words)
{
    (void)count, (void)words;
    for (const struct program *p = programs; p < programs_end; p++)
        kprintf("  %-8s  %s\n", p->name, p->summary);
}

static void start(int count, char **words, enum trace trace)
{
    if (count < 2 || !program_find(words[1])) {
        kprintf("%s: which program? `programs` lists them\n", words[0]);
        return;
    }
    bool behind = strcmp(words[count - 1], "&") == 0;
    const char *argument = count - behind > 2 ? words[2] : NULL;
    struct proc_options options = {.argument = argument, .only_on = ANY_HART, .trace = trace};
    if (!behind) {
        int code = proc_run(words[1], options);
        if (code != 0)
            kprintf("%s: exit code %d\n", words[1], code);
        return;
    }
    struct proc *p = proc_create(program_find(words[1]), options);
    if (p)
        kprintf("[%d]\n", p->pid);
    else
        kprintf("%s: no room\n", words[1]);
}

static void run_run(int count, char **words)
{
    start(count, words, TRACE_NOTHING);
}

static void run_trace(int count, char **words)
{
    start(count, words, TRACE_STEPS);
}

static void run_trap(int count, char **words)
{
    proc_run("fault", (struct proc_options){.argument = count > 1 ? words[1] : NULL, .only_on = ANY_HART});
}

static void run_kill(int count, char **words)
{
    u64 pid;
    for (struct proc *p = procs; count > 1 && parse_number(words[1], &pid) && p < procs + MAX_PROCS; p++)
        if (p->state != PROC_FREE && p->pid == (int)pid && !p->is_thread) {
            proc_stop(p);
            return;
        }
    kprintf("kill: no program with that number; `ps` lists them\n");
}

static void run_disk(int count, char **words)
{
    u64 sector = 0;
    u8 data[SECTOR_BYTES];
    if (!blk_base() || (count > 1 && !parse_number(words[1], &sector)) || sector >= blk_sectors()) {
        kprintf(blk_base() ? "disk: sectors 0 to %lu\n" : "disk: none in this machine\n", blk_sectors() - 1);
        return;
    }
    i64 error = blk_read(sector, data);
    if (error)
        kprintf("disk: error %ld\n", error);
    else
        hex_dump(sector * SECTOR_BYTES, data, SECTOR_BYTES);
}

static void run_uptime(int count, char **words)
{
    (void)count, (void)words;
    u64 ms = clock_us(read_time()) / 1000;
    kprintf("%lu.%lu%lu%lu s by the time register\n", ms / 1000, ms / 100 % 10, ms / 10 % 10, ms % 10);
}

static void run_date(int count, char **words)
{
    (void)count, (void)words;
    struct date d = clock_date(clock_wall_ns());
    kprintf("%u-%02u-%02u %02u:%02u:%02u UTC\n", d.year, d.month, d.day, d.hour, d.minute, d.second);
}

static void run_echo(int count, char **words)
{
    for (int i = 1; i < count; i++)
        kprintf("%s%s", i > 1 ? " " : "", words[i]);
    kprintf("\n");
}

static void run_machine(int count, char **words)
{
    (void)count, (void)words;
    print_machine();
}

static void run_reboot(int count, char **words)
{
    (void)count, (void)words;
    sbi_reboot();
}

static void run_poweroff(int count, char **words)
{
    (void)count, (void)words;
    sbi_power_off(false);
}

const struct command commands[] = {
    {"help", "", "this list", run_help},
    {"tour", "[CHAPTER|list]", "user mode and kernel mode, step by step", run_tour},
    {"programs", "", "what can be run", run_programs},
    {"run", "PROGRAM [ARGUMENT] [&]", "run a program in U-mode, with & beside the shell", run_run},
    {"trace", "PROGRAM [ARGUMENT]", "run it and show each system call's way", run_trace},
    {"trap", "KIND", "an illegal access: kernel, csr, null, code, data, stack", run_trap},
    {"ps", "", "programs and threads", show_processes},
    {"kill", "PID", "stop a program", run_kill},
    {"harts", "", "the harts and what they did", show_harts},
    {"mem", "", "memory, and the kernel's map", show_memory},
    {"pages", "PID", "a program's page table", show_pages},
    {"regs", "[PID]", "this hart's CSRs, or a program's registers", show_registers},
    {"disk", "[SECTOR]", "read a sector", run_disk},
    {"machine", "", "what the device tree says", run_machine},
    {"uptime", "", "time since the start", run_uptime},
    {"date", "", "the wall clock", run_date},
    {"echo", "TEXT", "say it", run_echo},
    {"reboot", "", "start the machine anew", run_reboot},
    {"poweroff", "", "end the machine", run_poweroff},
};
const unsigned command_count = ARRAY_LEN(commands);
