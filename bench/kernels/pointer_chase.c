/* Follows a random cycle through 64 MiB: every step misses caches and translation caches. */
#include "kernel.h"

enum { N = (64 << 20) / 64 };
struct node { struct node *next; uint64_t value[7]; };

uint64_t work(void) {
    struct node *nodes = malloc(sizeof *nodes * N);
    uint32_t *order = malloc(sizeof *order * N), seed = 5;
    for (uint32_t i = 0; i < N; i++) order[i] = i;
    for (uint32_t i = N - 1; i > 0; i--) {
        uint32_t j = next_random(&seed) % (i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
    for (uint32_t i = 0; i < N; i++) {
        nodes[order[i]].next = &nodes[order[(i + 1) % N]];
        nodes[order[i]].value[0] = i;
    }
    uint64_t sum = 0;
    struct node *n = nodes;
    for (uint32_t i = 0; i < 4 * N; i++) {
        sum = sum * 3 + n->value[0];
        n = n->next;
    }
    return sum;
}
