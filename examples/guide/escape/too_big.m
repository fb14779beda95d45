too_big.c:7:17: tri_alloc_leaf(1 << 20) escapes to heap
