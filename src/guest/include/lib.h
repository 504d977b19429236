/* The little of a C library that the kernel needs. */
#pragma once

#include <stdarg.h>

#include "types.h"

void *memset(void *to, int byte, size_t count);
void *memcpy(void *to, const void *from, size_t count);
int memcmp(const void *a, const void *b, size_t count);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
/* Copies as much as fits and always ends with a NUL. */
void string_copy(char *to, const char *from, size_t size);
bool starts_with(const char *s, const char *prefix);
/* Whether `word` stands in `list` between blanks. */
bool has_word(const char *list, const char *word);
/* Reads a decimal or 0x-hexadecimal number; false if there is none or something follows it. */
bool parse_number(const char *s, u64 *value);

/*
 * Prints to the console. Conversions: %s %c %d %u %x %p and %%, with `l` (64-bit), a width, `-` (left) and `0`.
 * %p is a 64-bit address as 0x….
 */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

void kvprintf(const char *format, va_list args);

/* Says what went wrong and has the firmware power the machine off as failed. */
void panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
