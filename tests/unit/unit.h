/* unit.h - cmocka and what it wants before it, and random numbers that are the same in every run. */
#ifndef UNIT_H
#define UNIT_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* xorshift64* (Vigna 2016). Each test file has its own state, seeded with a constant. */
static uint64_t random_state = 0x9e3779b97f4a7c15u;

__attribute__((unused)) static uint64_t random_word(void) {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1du;
}

/* 0 … n - 1. */
__attribute__((unused)) static uint64_t random_below(uint64_t n) { return random_word() % n; }

#endif
