/* expect.h - a line on stderr and exit status 1 when something is not so. */
#ifndef GUIDE_EXPECT_H
#define GUIDE_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#define expect(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                          \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

#endif
