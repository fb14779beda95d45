/* tricolor - Go's memory manager for C.
 *
 *     #include <tricolor.h>
 *
 *     struct node { struct node *next; long value; };
 *     TRI_TYPE(struct node, next)
 *
 *     struct node *push(struct node *list, long value) {
 *         struct node *n = tri_new(struct node);
 *         n->value = value;
 *         tri_set(n->next, list);
 *         return n;
 *     }
 *
 * Allocate and never free: a concurrent collector takes back what no stack, register, global, thread-local or live
 * object points to. Link with -ltricolor (pkg-config tricolor). C11 and C++17, gcc 12 and clang 14 or later.
 */
#ifndef TRICOLOR_H
#define TRICOLOR_H

#include "tricolor/abi.h"
#include "tricolor/type.h"
#include "tricolor/alloc.h"
#include "tricolor/barrier.h"
#include "tricolor/control.h"
#include "tricolor/metrics.h"
#include "tricolor/go.h"
#include "tricolor/chan.h"
#include "tricolor/sync.h"
#include "tricolor/time.h"
#include "tricolor/context.h"
#include "tricolor/defer.h"
#include "tricolor/net.h"
#include "tricolor/life.h"
#include "tricolor/arena.h"
#include "tricolor/pool.h"
#include "tricolor/slice.h"
#include "tricolor/string.h"
#include "tricolor/builder.h"
#include "tricolor/hashmap.h"
#include "tricolor/debug.h"

#endif
