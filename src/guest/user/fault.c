/* Does one thing that it has no right to; the argument says which. */

#include "user.h"

#define KERNEL_ADDRESS 0x80200000UL

static void read_kernel(void)
{
    (void)*(volatile long *)KERNEL_ADDRESS;
}

static void read_csr(void)
{
    long value;
    asm volatile("csrr %0, sstatus" : "=r"(value));
}

static void read_null(void)
{
    const volatile long *null = NULL;
    asm volatile("" : "+r"(null)); /* hide it from the compiler, which knows better */
    (void)*null;
}

static void write_code(void)
{
    *(volatile int *)(unsigned long)&main = 0;
}

static void run_data(void)
{
    static int data = 0x00008067; /* ret */
    void (*function)(void);
    asm volatile("mv %0, %1" : "=r"(function) : "r"(&data));
    function();
}

static void leave_stack(void)
{
    char *sp;
    asm volatile("mv %0, sp" : "=r"(sp));
    for (;; sp -= 1024)
        *(volatile char *)sp = 0;
}

int main(const char *argument)
{
    static const struct {
        const char *name;
        void (*act)(void);
    } acts[] = {
        {"kernel", read_kernel}, {"csr", read_csr},  {"null", read_null},
        {"code", write_code},    {"data", run_data}, {"stack", leave_stack},
    };
    struct text t = {0};
    for (size_t i = 0; argument && i < ARRAY_LEN(acts); i++)
        if (same(argument, acts[i].name)) {
            acts[i].act();
            add_string(&t, "     nothing stopped it\n");
            print(&t);
            return 1;
        }
    add_string(&t, "fault: kernel, csr, null, code, data or stack?\n");
    print(&t);
    return 2;
}
