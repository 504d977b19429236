/* The Mandelbrot set in doubles, 400 x 400 points, up to 200 steps each. */
#include "kernel.h"

enum { N = 700, STEPS = 300 };

uint64_t work(void) {
    uint64_t sum = 0;
    for (int py = 0; py < N; py++) {
        for (int px = 0; px < N; px++) {
            double cx = px * 3.0 / N - 2.0, cy = py * 2.0 / N - 1.0;
            double x = 0, y = 0;
            int step = 0;
            while (step < STEPS && x * x + y * y <= 4.0) {
                double t = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = t;
                step++;
            }
            sum = sum * 31 + (uint64_t)step;
        }
    }
    return sum;
}
