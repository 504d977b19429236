/* An interpreter of a small stack machine: computed jumps that are hard to foresee. */
#include "kernel.h"

enum { PUSH, ADD, SUB, MUL, XOR, DUP, SWAP, LOAD, STORE, JNZ, DEC, HALT };

uint64_t work(void) {
    static const uint8_t program[] = {
        LOAD, 0, PUSH, 13, MUL, PUSH, 7, ADD, STORE, 0,      /* a = a * 13 + 7 */
        LOAD, 0, LOAD, 1, XOR, DUP, LOAD, 2, ADD, STORE, 2,  /* c += a ^ b */
        PUSH, 3, SWAP, SUB, STORE, 1,                        /* b = 3 - (a ^ b) */
        LOAD, 3, DEC, DUP, STORE, 3, JNZ, 0, HALT,
    };
    uint64_t memory[4] = {1, 2, 3, 4000000}, stack[16];
    uint64_t *sp = stack;
    const uint8_t *pc = program;
    for (;;) {
        switch (*pc++) {
            case PUSH: *sp++ = *pc++; break;
            case ADD: sp--; sp[-1] += sp[0]; break;
            case SUB: sp--; sp[-1] -= sp[0]; break;
            case MUL: sp--; sp[-1] *= sp[0]; break;
            case XOR: sp--; sp[-1] ^= sp[0]; break;
            case DUP: sp[0] = sp[-1]; sp++; break;
            case SWAP: { uint64_t t = sp[-1]; sp[-1] = sp[-2]; sp[-2] = t; break; }
            case LOAD: *sp++ = memory[*pc++]; break;
            case STORE: memory[*pc++] = *--sp; break;
            case JNZ: if (*--sp) pc = program + *pc; else pc++; break;
            case DEC: sp[-1]--; break;
            default: return fold(FOLD_START, memory, sizeof memory);
        }
    }
}
