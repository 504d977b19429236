/* Work for a hart: counts primes by trial division. */

#include "user.h"

static int is_prime(unsigned long n)
{
    for (unsigned long d = 2; d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return n >= 2;
}

int main(const char *argument)
{
    unsigned long limit = number_or(argument, 20000), count = 0;
    for (unsigned long n = 2; n < limit; n++)
        count += (unsigned long)is_prime(n);
    struct text t = {0};
    add_number(&t, count);
    add_string(&t, " primes below ");
    add_number(&t, limit);
    add_string(&t, ", counted on hart ");
    add_number(&t, (unsigned long)sys_hart());
    add_string(&t, "\n");
    print(&t);
    return 0;
}
