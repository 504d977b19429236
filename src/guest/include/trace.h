/* Says in words what a trap is about, and follows a traced program from trap to trap. */
#pragma once

#include "proc.h"

/* A system call of a traced program: before it is served, and after. */
void trace_call(const struct proc *proc, const struct trap_frame *frame);
void trace_return(const struct proc *proc, const struct trap_frame *frame, u64 number, const u64 *arguments);

/* A program did something it has no right to: what, where, and why the hart refused. */
void report_fault(const struct proc *proc, const struct trap_frame *frame);
