/* expect.h - what the guide's programs say about themselves: a line on stderr and exit status 1 when it is not so. */
#ifndef GUIDE_EXPECT_H
#define GUIDE_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#define expect(condition)                                                                                      \
    do {                                                                                                       \
        if (!(condition)) {                                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                            \
            exit(1);                                                                                           \
        }                                                                                                      \
    } while (0)

#endif
