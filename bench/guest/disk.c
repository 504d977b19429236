/*
 * Reads or writes a block device past the page cache, with so many requests under way at a time:
 *   disk DEVICE read|write sequential|random BYTES REQUESTS DEPTH
 * prints "SECONDS s" when all of them have ended. Offsets are the same in every run.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 };

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

struct work {
    int fd;
    int write;
    int random;
    size_t bytes;
    long requests;
    uint64_t blocks;
    uint64_t state;
    long begun;
};

static void begin(struct work *w, struct iocb *cb, void *buffer)
{
    uint64_t block = (w->random ? next_random(&w->state) : (uint64_t)w->begun) % w->blocks;

    memset(cb, 0, sizeof *cb);
    cb->aio_fildes = w->fd;
    cb->aio_lio_opcode = w->write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
    cb->aio_buf = (uintptr_t)buffer;
    cb->aio_nbytes = w->bytes;
    cb->aio_offset = block * w->bytes;
    cb->aio_data = (uintptr_t)cb;
    w->begun++;
}

static void run(struct work *w, int depth)
{
    static struct iocb cbs[DEPTH_MAX];
    struct iocb *submit[DEPTH_MAX];
    struct io_event events[DEPTH_MAX];
    aio_context_t context = 0;
    long done = 0;
    int ready = 0;

    if (syscall(SYS_io_setup, depth, &context) < 0)
        die("io_setup");
    for (int i = 0; i < depth && w->begun < w->requests; i++) {
        void *buffer;
        if (posix_memalign(&buffer, 4096, w->bytes))
            die("memory");
        memset(buffer, i + 1, w->bytes);
        begin(w, &cbs[i], buffer);
        submit[ready++] = &cbs[i];
    }
    while (done < w->requests) {
        if (ready > 0 && syscall(SYS_io_submit, context, (long)ready, submit) != ready)
            die("io_submit");
        ready = 0;
        long n = syscall(SYS_io_getevents, context, 1L, (long)depth, events, NULL);
        if (n < 0)
            die("io_getevents");
        for (long i = 0; i < n; i++) {
            struct iocb *cb = (struct iocb *)(uintptr_t)events[i].data;
            if (events[i].res != (int64_t)w->bytes)
                die("a request");
            done++;
            if (w->begun == w->requests)
                continue;
            begin(w, cb, (void *)(uintptr_t)cb->aio_buf);
            submit[ready++] = cb;
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    struct work w = { .write = !strcmp(argv[2], "write"), .random = !strcmp(argv[3], "random"), .state = 88172645463325252 };
    w.bytes = strtoul(argv[4], NULL, 10);
    w.requests = strtol(argv[5], NULL, 10);
    int depth = atoi(argv[6]);
    if (w.bytes == 0 || depth < 1 || depth > DEPTH_MAX)
        return 2;
    w.fd = open(argv[1], O_RDWR | O_DIRECT);
    uint64_t size;
    if (w.fd < 0 || ioctl(w.fd, BLKGETSIZE64, &size) < 0)
        die(argv[1]);
    w.blocks = size / w.bytes;

    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    run(&w, depth);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("TOOK %.6f s\n", (to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9);
    return 0;
}
