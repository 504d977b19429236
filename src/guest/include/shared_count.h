/* The page that the counting programs share with the tour. */
#pragma once

#include "types.h"

struct shared_count {
    u64 expected; /* how many programs take part */
    u64 arrived;  /* how many are there: all start together */
    u64 rounds;   /* of each */
    u64 plain;    /* counted with load, add, store */
    u64 atomic;   /* counted with amoadd.d */
};
