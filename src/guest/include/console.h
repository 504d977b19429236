/* The console: text out with its style, lines in with editing. Under it the UART, or the firmware's console. */
#pragma once

#include "types.h"

/* Control-C as a character, and what read_line() returns for it. */
#define CTRL_C 3
#define LINE_INTERRUPTED (-1)

/* What a piece of output is, for its colour. */
enum style { PLAIN, TITLE, DIM, USER, KERNEL, GOOD, BAD };

/* Chooses line ends and colour: a terminal wants CR LF, a pipe LF alone. */
void console_init(bool terminal, bool colour);

void console_write(const char *text, size_t count);

/* The escape sequence that turns a style on, or nothing without colour. */
const char *style(enum style style);

/* Takes one character that arrived; called for each by the UART's interrupt. */
void console_receive(char c);

/* Text to be read before anything that is typed: the tour answers its own question with it. */
void console_type(const char *text);

/*
 * Reads a line with echo, backspace, Control-U and a history (arrow up, arrow down) and returns its length without the
 * line end; LINE_INTERRUPTED on Control-C or when the process is being stopped. Sleeps until there is one.
 */
int console_read_line(char *line, size_t size, bool history);

/* One character of input; sleeps until there is one. CTRL_C also when the process is being stopped. */
int console_read_char(void);

/* The process that Control-C stops; NULL: Control-C goes to whoever reads. */
struct proc;
void console_set_foreground(struct proc *proc);
