/* One of each system call that waits for something: the clock, time to pass, the console, the disk. */

#include "user.h"

static char sector[SECTOR_BYTES];

static void show_clock(void)
{
    struct clock c;
    struct text t = {0};
    sys_clock(&c);
    add_string(&t, "     clock: ");
    add_number(&t, c.ticks);
    add_string(&t, " ticks of ");
    add_number(&t, 1000000000 / c.hz);
    add_string(&t, " ns\n");
    print(&t);
}

static void ask(void)
{
    char name[32];
    struct text t = {0};
    add_string(&t, "     Your name? ");
    print(&t);
    long count = sys_read(name, sizeof name - 1);
    name[count > 0 ? count : 0] = 0;
    add_string(&t, "     Good day, ");
    add_string(&t, name);
    add_string(&t, ".\n");
    print(&t);
}

/* The first line of the sector, as far as it is text. */
static void show_sector(void)
{
    struct text t = {0};
    long error = sys_sector(0, sector);
    add_string(&t, error == 0 ? "     sector 0: \"" : "     no disk\n");
    if (error == 0) {
        for (size_t i = 0; i < 60 && sector[i] >= ' ' && sector[i] < 127; i++)
            add_string(&t, (char[]){sector[i], 0});
        add_string(&t, "\"\n");
    }
    print(&t);
}

int main(const char *argument)
{
    (void)argument;
    show_clock();
    sys_sleep(20);
    show_clock();
    ask();
    show_sector();
    return 0;
}
