returned.c:9:18: moved to heap: p
