/* Line editing on top of the console's characters. */

#include "console.h"
#include "lib.h"

#define HISTORY_LINES 8
#define LINE_SIZE 128

enum { BACKSPACE = 8, DELETE = 127, CTRL_D = 4, CTRL_U = 21, ESCAPE = 27 };

static char history[HISTORY_LINES][LINE_SIZE];
static unsigned history_count;

struct editor {
    char *line;
    size_t size;
    size_t length;
    unsigned back; /* how many lines back in the history; 0: the line being typed */
};

static void erase(struct editor *e, size_t count)
{
    for (; count > 0 && e->length > 0; count--, e->length--)
        kprintf("\b \b");
}

static void insert(struct editor *e, char c)
{
    if (e->length + 1 >= e->size)
        return;
    e->line[e->length++] = c;
    console_write(&c, 1);
}

static void remember(const char *line)
{
    const char *last = history_count ? history[(history_count - 1) % HISTORY_LINES] : "";
    if (*line && strcmp(line, last) != 0)
        string_copy(history[history_count++ % HISTORY_LINES], line, LINE_SIZE);
}

/* Shows the line `step` further back (or forth, -1). */
static void recall(struct editor *e, int step)
{
    unsigned kept = history_count < HISTORY_LINES ? history_count : HISTORY_LINES;
    unsigned back = e->back + (unsigned)step;
    if (back > kept) /* also below 0, which wraps */
        return;
    e->back = back;
    erase(e, e->length);
    for (const char *s = back ? history[(history_count - back) % HISTORY_LINES] : ""; *s; s++)
        insert(e, *s);
}

/* ESC [ parameters letter: arrows up and down recall, everything else is swallowed. */
static void escape_sequence(struct editor *e, bool with_history)
{
    int c = console_read_char();
    if (c != '[' && c != 'O')
        return;
    do
        c = console_read_char();
    while (c != CTRL_C && (c < 0x40 || c > 0x7e));
    if (with_history && c == 'A')
        recall(e, 1);
    if (with_history && c == 'B')
        recall(e, -1);
}

int console_read_line(char *line, size_t size, bool with_history)
{
    struct editor e = {.line = line, .size = size};
    for (;;) {
        int c = console_read_char();
        if (c == '\r' || c == '\n') {
            kprintf("\n");
            break;
        }
        if (c == CTRL_C) {
            kprintf("^C\n");
            return LINE_INTERRUPTED;
        }
        if (c == CTRL_D && e.length == 0) {
            kprintf("\n");
            break;
        }
        if (c == BACKSPACE || c == DELETE)
            erase(&e, 1);
        else if (c == CTRL_U)
            erase(&e, e.length);
        else if (c == ESCAPE)
            escape_sequence(&e, with_history);
        else if (c >= ' ')
            insert(&e, (char)c);
    }
    line[e.length] = 0;
    if (with_history)
        remember(line);
    return (int)e.length;
}
