#include "console.h"

#include "lib.h"
#include "sbi.h"
#include "sched.h"
#include "uart.h"

#define INPUT_SIZE 1024

static bool crlf, colours;
static char input[INPUT_SIZE];
static unsigned input_head, input_tail;
static const char *typed;
static struct proc *foreground;

void console_init(bool terminal, bool colour)
{
    crlf = terminal;
    colours = colour;
}

static void raw_write(const char *text, size_t count)
{
    if (uart_present())
        uart_write(text, count);
    else
        sbi_console_write(text, count);
}

void console_write(const char *text, size_t count)
{
    while (count > 0) {
        size_t length = 0;
        while (length < count && text[length] != '\n')
            length++;
        if (length > 0)
            raw_write(text, length);
        if (length < count) {
            raw_write(crlf ? "\r\n" : "\n", crlf ? 2 : 1);
            length++;
        }
        text += length;
        count -= length;
    }
}

const char *style(enum style s)
{
    static const char *const sequences[] = {
        [PLAIN] = "\033[0m", [TITLE] = "\033[1;36m", [DIM] = "\033[2m", [USER] = "\033[33m",
        [KERNEL] = "\033[34m", [GOOD] = "\033[32m", [BAD] = "\033[31m",
    };
    return colours ? sequences[s] : "";
}

void console_set_foreground(struct proc *p)
{
    foreground = p;
}

void console_receive(char c)
{
    if (c == CTRL_C && foreground) {
        kprintf("^C\n");
        proc_stop(foreground);
        return;
    }
    unsigned next = (input_head + 1) % INPUT_SIZE;
    if (next == input_tail)
        return; /* full: what nobody reads is lost */
    input[input_head] = c;
    input_head = next;
    wake(input);
}

void console_type(const char *text)
{
    typed = text;
}

int console_read_char(void)
{
    if (typed && *typed)
        return *typed++;
    while (input_head == input_tail) {
        if (this_proc()->stop_wanted)
            return CTRL_C;
        sleep_on(input, 0);
    }
    char c = input[input_tail];
    input_tail = (input_tail + 1) % INPUT_SIZE;
    return (u8)c;
}
