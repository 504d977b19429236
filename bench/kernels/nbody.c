/* Bodies under gravity: multiplications, divisions and square roots of doubles. */
#include "kernel.h"
#include <math.h>

enum { BODIES = 5, STEPS = 1000000 };
struct body { double x, y, z, vx, vy, vz, mass; };

uint64_t work(void) {
    struct body b[BODIES];
    uint32_t seed = 23;
    for (int i = 0; i < BODIES; i++) {
        double *p = &b[i].x;
        for (int k = 0; k < 6; k++) p[k] = (next_random(&seed) * 0x1p-31 - 1) * (k < 3 ? 10 : 0.5);
        b[i].mass = 0.1 + next_random(&seed) * 0x1p-32;
    }
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < BODIES; i++) {
            for (int j = i + 1; j < BODIES; j++) {
                double dx = b[i].x - b[j].x, dy = b[i].y - b[j].y, dz = b[i].z - b[j].z;
                double d2 = dx * dx + dy * dy + dz * dz + 0.01, m = 0.001 / (d2 * sqrt(d2));
                b[i].vx -= dx * b[j].mass * m; b[i].vy -= dy * b[j].mass * m; b[i].vz -= dz * b[j].mass * m;
                b[j].vx += dx * b[i].mass * m; b[j].vy += dy * b[i].mass * m; b[j].vz += dz * b[i].mass * m;
            }
        }
        for (int i = 0; i < BODIES; i++) {
            b[i].x += 0.001 * b[i].vx; b[i].y += 0.001 * b[i].vy; b[i].z += 0.001 * b[i].vz;
        }
    }
    return fold(FOLD_START, b, sizeof b);
}
