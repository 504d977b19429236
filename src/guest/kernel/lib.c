#include "lib.h"

void *memset(void *to, int byte, size_t count)
{
    u8 *p = to;
    while (count > 0 && ((u64)p & 7)) {
        *p++ = (u8)byte;
        count--;
    }
    u64 pattern = 0x0101010101010101UL * (u8)byte;
    for (; count >= 8; count -= 8, p += 8)
        *(u64 *)p = pattern;
    while (count-- > 0)
        *p++ = (u8)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t count)
{
    u8 *t = to;
    const u8 *f = from;
    if ((((u64)t | (u64)f) & 7) == 0)
        for (; count >= 8; count -= 8, t += 8, f += 8)
            *(u64 *)t = *(const u64 *)f;
    while (count-- > 0)
        *t++ = *f++;
    return to;
}

int memcmp(const void *a, const void *b, size_t count)
{
    const u8 *p = a, *q = b;
    for (; count > 0; count--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return (u8)*a - (u8)*b;
}

void string_copy(char *to, const char *from, size_t size)
{
    size_t i = 0;
    for (; i + 1 < size && from[i]; i++)
        to[i] = from[i];
    to[i] = 0;
}

bool starts_with(const char *s, const char *prefix)
{
    while (*prefix)
        if (*s++ != *prefix++)
            return false;
    return true;
}

bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        while (*list == ' ')
            list++;
        if (starts_with(list, word) && (list[length] == 0 || list[length] == ' '))
            return true;
        while (*list && *list != ' ')
            list++;
    }
    return false;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return 99;
}

bool parse_number(const char *s, u64 *value)
{
    int base = 10;
    if (starts_with(s, "0x")) {
        base = 16;
        s += 2;
    }
    if (!*s)
        return false;
    u64 sum = 0;
    for (; *s; s++) {
        int digit = digit_value(*s);
        if (digit >= base)
            return false;
        sum = sum * base + digit;
    }
    *value = sum;
    return true;
}
