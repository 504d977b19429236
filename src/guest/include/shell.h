/* The shell: a line, a command. */
#pragma once

#include "types.h"

#define MAX_WORDS 8

struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    void (*run)(int count, char **words);
};

extern const struct command commands[];
extern const unsigned command_count;

/* Reads and runs commands until the machine goes off. */
void shell(void) __attribute__((noreturn));
