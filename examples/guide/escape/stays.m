stays.c:10:22: tri_new(struct pair) does not escape
