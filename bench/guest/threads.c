/* Mandelbrot rows that threads take from a common counter: "threads N" computes the same picture with N of them and
 * prints its checksum. Tests that a machine's vCPUs run at the same time and share memory at little cost. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 1024, LIMIT = 2000, THREADS_MAX = 16 };

static atomic_int next_row;
static atomic_ullong checksum;

static int iterations(double cx, double cy) {
    double x = 0, y = 0;
    int n = 0;
    while (n < LIMIT && x * x + y * y < 4) {
        double t = x * x - y * y + cx;
        y = 2 * x * y + cy;
        x = t;
        n++;
    }
    return n;
}

static void *worker(void *unused) {
    for (int row; (row = atomic_fetch_add(&next_row, 1)) < SIZE;) {
        uint64_t sum = 0;
        for (int column = 0; column < SIZE; column++) {
            sum = sum * 31 + (uint64_t)iterations(3.0 * column / SIZE - 2, 2.0 * row / SIZE - 1);
        }
        atomic_fetch_add(&checksum, sum * (uint64_t)(row + 1));
    }
    return unused;
}

int main(int argc, char **argv) {
    int threads = argc > 1 ? atoi(argv[1]) : 1;
    pthread_t id[THREADS_MAX];
    if (threads < 1 || threads > THREADS_MAX) return 2;
    for (int i = 0; i < threads; i++) {
        if (pthread_create(&id[i], NULL, worker, NULL) != 0) return 1;
    }
    for (int i = 0; i < threads; i++) pthread_join(id[i], NULL);
    printf("%016llx\n", (unsigned long long)checksum);
    return 0;
}
