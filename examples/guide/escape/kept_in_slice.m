kept_in_slice.c:7:31: leaking param content: s
kept_in_slice.c:7:31: leaking param: s to result ~r0 level=0
kept_in_slice.c:8:9: moved to heap: x
