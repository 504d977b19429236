/* Shell commands that look inside the kernel. */
#pragma once

#include "types.h"

void show_processes(int count, char **words);
void show_harts(int count, char **words);
void show_memory(int count, char **words);
void show_pages(int count, char **words);
void show_registers(int count, char **words);

/* Sixteen bytes a line: offset, hexadecimal, text. Equal lines are shown once. */
void hex_dump(u64 offset, const u8 *data, size_t count);
