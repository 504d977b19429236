/* kprintf: formatted output, one write to the console for each stretch of text. */

#include "console.h"
#include "lib.h"

struct conversion {
    bool left, zero, is_long;
    unsigned width;
};

static void pad(char c, unsigned count)
{
    while (count-- > 0)
        console_write(&c, 1);
}

static void put(const struct conversion *c, const char *text, size_t count)
{
    unsigned blanks = c->width > count ? c->width - count : 0;
    if (!c->left)
        pad(c->zero ? '0' : ' ', blanks);
    console_write(text, count);
    if (c->left)
        pad(' ', blanks);
}

static void put_number(const struct conversion *c, u64 value, unsigned base, const char *prefix)
{
    char digits[24];
    unsigned at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    for (size_t n = strlen(prefix); n > 0; n--)
        digits[--at] = prefix[n - 1];
    put(c, digits + at, sizeof digits - at);
}

static const char *parse_conversion(const char *f, struct conversion *c)
{
    *c = (struct conversion){0};
    for (; *f == '-' || *f == '0'; f++) {
        if (*f == '-')
            c->left = true;
        else
            c->zero = true;
    }
    for (; *f >= '0' && *f <= '9'; f++)
        c->width = c->width * 10 + (*f - '0');
    for (; *f == 'l'; f++)
        c->is_long = true;
    return f;
}

static void put_signed(const struct conversion *c, i64 value)
{
    put_number(c, value < 0 ? -(u64)value : (u64)value, 10, value < 0 ? "-" : "");
}

void kvprintf(const char *f, va_list args)
{
    while (*f) {
        const char *start = f;
        while (*f && *f != '%')
            f++;
        if (f > start)
            console_write(start, f - start);
        if (!*f)
            return;
        struct conversion c;
        f = parse_conversion(f + 1, &c);
        char kind = *f ? *f++ : 0;
        if (kind == 's') {
            const char *s = va_arg(args, const char *);
            put(&c, s, strlen(s));
        } else if (kind == 'c') {
            char character = (char)va_arg(args, int);
            put(&c, &character, 1);
        } else if (kind == 'd') {
            put_signed(&c, c.is_long ? va_arg(args, long) : va_arg(args, int));
        } else if (kind == 'u' || kind == 'x') {
            u64 value = c.is_long ? va_arg(args, u64) : va_arg(args, u32);
            put_number(&c, value, kind == 'u' ? 10 : 16, "");
        } else if (kind == 'p') {
            put_number(&c, (u64)va_arg(args, void *), 16, "0x");
        } else if (kind == '%') {
            put(&c, "%", 1);
        }
    }
}

void kprintf(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    kvprintf(format, args);
    va_end(args);
}
