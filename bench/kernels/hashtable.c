/* A hash table with open addressing: inserts, finds, deletes. */
#include "kernel.h"

enum { SLOTS = 1 << 18 };
struct slot { uint64_t key, value; };

static uint64_t mix(uint64_t v) { v ^= v >> 31; v *= 0x7fb5d329728ea185u; v ^= v >> 27; v *= 0x81dadef4bc2dd44du; return v ^ v >> 33; }

uint64_t work(void) {
    struct slot *table = calloc(SLOTS, sizeof *table);
    uint32_t seed = 17;
    uint64_t sum = 0;
    for (int n = 0; n < 8000000; n++) {
        uint64_t key = next_random(&seed) % 150000 + 1, i = mix(key) % SLOTS;
        while (table[i].key && table[i].key != key) i = (i + 1) % SLOTS;
        if (n % 3 == 0) { table[i].key = key; table[i].value += (uint64_t)n; }
        else sum += table[i].value ^ (uint64_t)n;
    }
    return sum;
}
