/* Fibonacci by the definition: calls and returns. */
#include "kernel.h"

__attribute__((noinline, optimize("no-optimize-sibling-calls"))) static uint64_t fib(uint64_t n) {
    __asm__ volatile("" : "+r"(n));
    if (n < 2) return n;
    uint64_t a = fib(n - 1);
    __asm__ volatile("" : "+r"(a));
    return a + fib(n - 2);
}

uint64_t work(void) { return fib(37); }
