#include "user.h"

/* The compiler calls it to clear variables. */
void *memset(void *to, int byte, size_t count)
{
    for (char *p = to; count > 0; count--)
        *p++ = (char)byte;
    return to;
}

void add_string(struct text *text, const char *s)
{
    while (*s && text->length < sizeof text->bytes)
        text->bytes[text->length++] = *s++;
}

void add_number(struct text *text, unsigned long value)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    add_string(text, digits + at);
}

void print(struct text *text)
{
    sys_print(text->bytes, text->length);
    text->length = 0;
}

unsigned long number_or(const char *s, unsigned long otherwise)
{
    if (!s || *s < '0' || *s > '9')
        return otherwise;
    unsigned long value = 0;
    for (; *s >= '0' && *s <= '9'; s++)
        value = value * 10 + (unsigned long)(*s - '0');
    return value;
}

int same(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}
