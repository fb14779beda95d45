channel.c:7:9: moved to heap: x
