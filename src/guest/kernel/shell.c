#include "shell.h"

#include "console.h"
#include "lib.h"
#include "proc.h"

static int split(char *line, char **words)
{
    int count = 0;
    while (count < MAX_WORDS) {
        while (*line == ' ')
            *line++ = 0;
        if (!*line)
            break;
        words[count++] = line;
        while (*line && *line != ' ')
            line++;
    }
    return count;
}

/* Programs that were started with & and have ended since. */
static void collect(void)
{
    for (struct proc *p = procs; p < procs + MAX_PROCS; p++) {
        if (p->state != PROC_DEAD)
            continue;
        kprintf("%s[%d] %s ended with %d%s\n", style(DIM), p->pid, p->name, p->exit_code, style(PLAIN));
        proc_free(p);
    }
}

static void run_line(char *line)
{
    char *words[MAX_WORDS];
    int count = split(line, words);
    if (count == 0)
        return;
    for (unsigned i = 0; i < command_count; i++)
        if (strcmp(words[0], commands[i].name) == 0) {
            commands[i].run(count, words);
            return;
        }
    kprintf("%s: no such command; `help` lists them\n", words[0]);
}

void shell(void)
{
    char line[128];
    kprintf("\nType %shelp%s for what there is, %spoweroff%s to end.\n", style(GOOD), style(PLAIN), style(GOOD),
            style(PLAIN));
    for (;;) {
        collect();
        kprintf("%sguest>%s ", style(GOOD), style(PLAIN));
        if (console_read_line(line, sizeof line, true) > 0)
            run_line(line);
    }
}
