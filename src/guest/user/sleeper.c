#include "user.h"

int main(const char *argument)
{
    return (int)sys_sleep((long)number_or(argument, 1000));
}
