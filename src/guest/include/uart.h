/* 16550 UART: the serial line. */
#pragma once

#include "types.h"

void uart_init(void);
/* Whether the device tree has one. */
bool uart_present(void);
void uart_write(const char *text, size_t count);
