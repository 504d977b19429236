/* Scanning text: strlen, strchr, memchr, comparison and a search for words. */
#include "kernel.h"

enum { BYTES = 1 << 20 };

static size_t length(const char *s) { const char *p = s; while (*p) p++; return (size_t)(p - s); }

uint64_t work(void) {
    char *text = malloc(BYTES + 1);
    uint32_t seed = 11;
    for (int i = 0; i < BYTES; i++) text[i] = "etaoin shrdlu\n"[next_random(&seed) % 14];
    text[BYTES] = 0;
    uint64_t sum = 0;
    for (int round = 0; round < 60; round++) {
        sum += length(text);
        uint64_t words = 0, lines = 0;
        int in_word = 0;
        for (const char *p = text; *p; p++) {
            int letter = *p != ' ' && *p != '\n';
            words += (uint64_t)(letter && !in_word);
            in_word = letter;
            lines += *p == '\n';
        }
        for (const char *p = text; (p = strchr(p, 'h')); p++) sum += (uint64_t)(p[1] == 't');
        for (const char *p = text; (p = strstr(p, "than")); p += 4) sum++;
        sum = sum * 5 + words * 3 + lines;
        text[next_random(&seed) % BYTES] = 'x';
    }
    return sum;
}
