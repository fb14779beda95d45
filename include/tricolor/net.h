/* tricolor/net.h - reading and writing that parks the goroutine, not the thread. On a plain thread they are the calls of libc
 * without the prefix. Any descriptor will do, blocking or not; regular files, which are always "ready", are read and
 * written with the processor given to others meanwhile.
 *
 * All return -1 with errno set when they fail. Read errno at once, before anything else of the goroutine waits.
 */
#ifndef TRICOLOR_NET_H
#define TRICOLOR_NET_H

#include "abi.h"

TRI__EXTERN_C_BEGIN

/* <sys/socket.h> is not included, since programs have functions of their own called accept, bind or send: `long` is ssize_t,
 * `unsigned int` is socklen_t. */
struct sockaddr;

/* At least one byte, or 0 at the end. */
TRI_API long tri_read(int fd, void *buffer, size_t bytes);
/* All of it, unless there is an error: then what has been written, or -1 when nothing was. */
TRI_API long tri_write(int fd, const void *buffer, size_t bytes);
/* The listening socket is made non-blocking. The new one is as accept(2) makes it. */
TRI_API int tri_accept(int fd, struct sockaddr *from, unsigned int *length);
TRI_API int tri_connect(int fd, const struct sockaddr *to, unsigned int length);
/* Waits until the descriptor can be read (or written), or has an error. 0; regular files are ready at once. */
TRI_API int tri_wait_readable(int fd);
TRI_API int tri_wait_writable(int fd);

TRI__EXTERN_C_END
#endif
