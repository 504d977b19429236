/* The tour: user mode and kernel mode made visible, chapter by chapter. */
#pragma once

#include "types.h"

struct chapter {
    const char *title;
    void (*play)(bool interactive);
};

extern const struct chapter chapters[];
extern const unsigned chapter_count;

/* Plays all chapters. `interactive`: someone sits at the console and may be asked something. */
void tour(bool interactive);
/* Plays one, from 1. */
void tour_chapter(unsigned number, bool interactive);

void play_modes(bool interactive);
void play_program(bool interactive);
void play_calls(bool interactive);
void play_faults(bool interactive);
void play_timer(bool interactive);
void play_harts(bool interactive);

/* What the machine is, as the device tree and the firmware tell it. */
void print_machine(void);
