size_unknown.c:6:18: tri_alloc_leaf(n) escapes to heap
size_unknown.c:11:27: argv does not escape
