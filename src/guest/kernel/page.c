/* Physical pages: a list of freed ones, and the rest of the arena that was never used. */

#include "lib.h"
#include "vm.h"

struct free_page {
    struct free_page *next;
};

static struct free_page *freed;
static u64 fresh, arena_end;
static u64 total, in_use;

void pages_init(u64 start, u64 end)
{
    fresh = PAGE_UP(start);
    arena_end = PAGE_DOWN(end);
    total = (arena_end - fresh) / PAGE_SIZE;
}

u64 page_alloc(void)
{
    u64 page;
    if (freed) {
        page = (u64)freed;
        freed = freed->next;
    } else if (fresh < arena_end) {
        page = fresh;
        fresh += PAGE_SIZE;
    } else {
        return 0;
    }
    in_use++;
    return (u64)memset((void *)page, 0, PAGE_SIZE);
}

void page_free(u64 page)
{
    struct free_page *f = (struct free_page *)page;
    f->next = freed;
    freed = f;
    in_use--;
}

u64 pages_total(void)
{
    return total;
}

u64 pages_free_count(void)
{
    return total - in_use;
}
