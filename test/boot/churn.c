/* Page-table churn near the end of memory: "churn SECONDS" runs rounds of child processes that map, protect, move, share
 * and copy memory, and check every word of it. The machine's memory is nearly full in all rounds and over-full in some,
 * where the kernel kills children. Its last line is "CHURN END rounds=… killed=… refused=… wrong=…". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, CHILDREN = 4, REFUSED = 4, WRONG = 3, SWAPS = 300, RING = 64 };

static uint64_t state;

static uint64_t next(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x9e3779b97f4a7c15u;
}

static size_t below(size_t n) { return (size_t)((next() >> 33) % n); }

static void wrong(const char *what, size_t page, uint64_t got, uint64_t want) {
    printf("WRONG %s: page %zu has %llx, not %llx\n", what, page, (unsigned long long)got, (unsigned long long)want);
    fflush(stdout);
    _exit(WRONG);
}

/* The kernel would not do something, which it may for want of memory. */
static void refuse(int line) {
    printf("refused in line %d: %s\n", line, strerror(errno));
    fflush(stdout);
    _exit(REFUSED);
}

/* What each page of a region holds, in its first and last words: 0 where it was mapped anew. */
struct region {
    volatile uint64_t *memory;
    uint64_t *want;
    size_t pages;
};

static volatile uint64_t *word(struct region *r, size_t page, size_t at) { return r->memory + page * (PAGE / 8) + at; }

static void put(struct region *r, size_t page, uint64_t value) {
    *word(r, page, 0) = value;
    *word(r, page, PAGE / 8 - 1) = value;
    r->want[page] = value;
}

static void check(struct region *r, const char *what) {
    for (size_t page = 0; page < r->pages; page++) {
        uint64_t first = *word(r, page, 0), last = *word(r, page, PAGE / 8 - 1);
        if (first != r->want[page]) wrong(what, page, first, r->want[page]);
        if (last != r->want[page]) wrong(what, page, last, r->want[page]);
    }
}

static sigjmp_buf fault;

static void on_fault(int signal) {
    (void)signal;
    siglongjmp(fault, 1);
}

/* A page that may not be written must not be, however recently it was. */
static void protect(struct region *r) {
    size_t page = below(r->pages);
    *word(r, page, 0) = r->want[page];
    if (mprotect((void *)word(r, page, 0), PAGE, PROT_READ)) return;
    if (sigsetjmp(fault, 1) == 0) {
        *word(r, page, 0) = ~r->want[page];
        wrong("a store to a protected page", page, ~r->want[page], r->want[page]);
    }
    if (*word(r, page, 0) != r->want[page]) wrong("protected", page, *word(r, page, 0), r->want[page]);
    if (mprotect((void *)word(r, page, 0), PAGE, PROT_READ | PROT_WRITE)) refuse(__LINE__);
}

/* Some pages are replaced by fresh ones: by unmapping, or by dropping what they hold. */
static void renew(struct region *r) {
    size_t from = below(r->pages), count = 1 + below(r->pages - from < 16 ? r->pages - from : 16);
    void *at = (void *)word(r, from, 0);
    if (below(2)) {
        if (madvise(at, count * PAGE, MADV_DONTNEED)) refuse(__LINE__);
    } else if (mmap(at, count * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at) {
        refuse(__LINE__);
    }
    for (size_t page = from; page < from + count; page++) {
        if (*word(r, page, 7) != 0) wrong("a fresh page", page, *word(r, page, 7), 0);
        put(r, page, next());
    }
}

static void move_page(volatile uint64_t *from, volatile uint64_t *to) {
    int flags = MREMAP_MAYMOVE | MREMAP_FIXED;
    if (mremap((void *)from, PAGE, PAGE, flags, (void *)to) != (void *)to) refuse(__LINE__);
}

/* Pairs of pages change places, by their mappings. */
static void exchange_places(struct region *r) {
    volatile uint64_t *spare = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (spare == MAP_FAILED) refuse(__LINE__);
    for (int i = 0; i < 8; i++) {
        size_t a = below(r->pages), b = below(r->pages);
        if (a == b) continue;
        move_page(word(r, a, 0), spare);
        move_page(word(r, b, 0), word(r, a, 0));
        move_page(spare, word(r, b, 0));
        uint64_t want = r->want[a];
        r->want[a] = r->want[b];
        r->want[b] = want;
        if (*word(r, a, 0) != r->want[a]) wrong("a page that moved", a, *word(r, a, 0), r->want[a]);
    }
    munmap((void *)spare, PAGE);
}

/* A child sees what we have, changes its copies, and leaves ours alone. */
static void copy(struct region *r) {
    pid_t child = fork();
    if (child < 0) return;
    if (child == 0) {
        check(r, "a child's copy");
        for (size_t i = 0; i < r->pages / 8 + 1; i++) put(r, below(r->pages), next());
        check(r, "a child's changed copy");
        if (below(4) == 0) execl("/proc/self/exe", "churn", "nothing", (char *)NULL);
        _exit(0);
    }
    put(r, below(r->pages), next());
    int status;
    if (waitpid(child, &status, 0) < 0) refuse(__LINE__);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) _exit(WEXITSTATUS(status));
}

/* Two threads: one exchanges the page behind an address, the other must see the page of the number that was announced. */
static volatile uint64_t *window;
static atomic_ullong announced, stop_reading;

static void *reader(void *unused) {
    while (!atomic_load(&stop_reading)) {
        uint64_t least = atomic_load(&announced);
        uint64_t got = *window;
        if (got < least) wrong("the page that was exchanged", 0, got, least);
    }
    return unused;
}

static void exchange(void) {
    int file = memfd_create("pages", 0);
    if (file < 0 || ftruncate(file, RING * PAGE)) return;
    window = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    if (window == MAP_FAILED) refuse(__LINE__);
    atomic_store(&announced, 0);
    atomic_store(&stop_reading, 0);
    pthread_t thread;
    if (pthread_create(&thread, NULL, reader, NULL)) {
        close(file);
        return;
    }
    for (uint64_t i = 1; i <= SWAPS; i++) {
        off_t at = (off_t)(i % RING) * PAGE;
        if (pwrite(file, &i, sizeof i, at) != sizeof i) refuse(__LINE__);
        if (mmap((void *)window, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, file, at) == MAP_FAILED) refuse(__LINE__);
        atomic_store(&announced, i);
    }
    atomic_store(&stop_reading, 1);
    pthread_join(thread, NULL);
    munmap((void *)window, PAGE);
    close(file);
}

static void child(size_t pages, uint64_t seed) {
    state = seed;
    struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, NULL);
    struct region r = {.pages = pages};
    r.memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    r.want = calloc(pages, sizeof *r.want);
    if (r.memory == MAP_FAILED || r.want == NULL) refuse(__LINE__);
    for (size_t page = 0; page < pages; page++) put(&r, page, next());
    check(&r, "what was written");
    for (int i = 0; i < 60; i++) {
        switch (below(6)) {
            case 0: exchange_places(&r); break;
            case 1: copy(&r); break;
            case 2: case 3: protect(&r); break;
            default: renew(&r);
        }
    }
    check(&r, "what is left");
    exchange();
    _exit(0);
}

static void oom_score(const char *value) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY);
    if (file < 0 || write(file, value, strlen(value)) < 0) refuse(__LINE__);
    close(file);
}

static size_t available_pages(void) {
    char line[128];
    size_t kib = 0;
    FILE *info = fopen("/proc/meminfo", "r");
    while (info != NULL && fgets(line, sizeof line, info)) sscanf(line, "MemAvailable: %zu", &kib);
    if (info != NULL) fclose(info);
    return kib / 4;
}

int main(int argc, char **argv) {
    if (argc < 2) return 2;
    if (strcmp(argv[1], "nothing") == 0) return 0;
    oom_score("-1000");
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    time_t end = now.tv_sec + atoi(argv[1]);
    unsigned long rounds = 0, killed = 0, refused = 0, bad = 0;
    while (now.tv_sec < end) {
        rounds++;
        /* Every fourth round asks for a third more than there is. Copies after a fork come on top. */
        size_t pages = available_pages() / CHILDREN / (rounds % 4 == 0 ? 3 : 5) * 4;
        for (int i = 0; i < CHILDREN; i++) {
            pid_t pid = fork();
            if (pid == 0) {
                oom_score("1000");
                child(pages, (rounds << 8 | (unsigned long)i) * 0x9e3779b97f4a7c15u + 1);
            }
            if (pid < 0) bad++;
        }
        int status;
        while (wait(&status) > 0) {
            if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) killed++;
            else if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) refused++;
            else if (status != 0) {
                printf("WRONG status %x\n", status);
                bad++;
            }
        }
        printf("round %lu killed %lu refused %lu\n", rounds, killed, refused);
        fflush(stdout);
        clock_gettime(CLOCK_MONOTONIC, &now);
    }
    printf("CHURN END rounds=%lu killed=%lu refused=%lu wrong=%lu\n", rounds, killed, refused, bad);
    return bad != 0;
}
