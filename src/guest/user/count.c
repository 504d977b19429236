/* Adds to two counters in a page that other harts' programs add to at the same time. */

#include "shared_count.h"
#include "user.h"

#define USER_SHARED 0x60000000UL

/* All start together; whoever waits long lets others run. */
static void wait_for_all(struct shared_count *shared)
{
    __atomic_add_fetch(&shared->arrived, 1, __ATOMIC_ACQ_REL);
    for (unsigned spins = 1; __atomic_load_n(&shared->arrived, __ATOMIC_ACQUIRE) < shared->expected; spins++)
        if (spins % 1024 == 0)
            sys_yield();
}

int main(const char *argument)
{
    (void)argument;
    struct shared_count *shared = (struct shared_count *)USER_SHARED;
    volatile u64 *plain = &shared->plain;
    struct text t = {0};
    add_string(&t, "     count on hart ");
    add_number(&t, (unsigned long)sys_hart());
    add_string(&t, " is ready\n");
    print(&t);
    wait_for_all(shared);
    for (u64 i = 0; i < shared->rounds; i++) {
        *plain = *plain + 1;
        __atomic_fetch_add(&shared->atomic, 1, __ATOMIC_RELAXED);
    }
    return 0;
}
