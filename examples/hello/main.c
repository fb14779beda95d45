/* hello - an HTTP server that says hello: a goroutine for each connection, reading and writing as if it were alone.
 *
 *     hello [port]          8080 unless told
 */
#include "server.h"

TRI_MAIN

int tri_main(int argc, char **argv) {
    accept_all((void *)(intptr_t)listen_on(argc > 1 ? atoi(argv[1]) : 8080));
    return 0;
}
