captured.c:10:24: leaking param content: arg
captured.c:17:16: moved to heap: j
captured.c:22:1: argv does not escape
captured.c:23:31: argv does not escape
