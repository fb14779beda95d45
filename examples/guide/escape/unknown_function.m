unknown_function.c:8:22: leaking param content: p
unknown_function.c:12:9: moved to heap: x
