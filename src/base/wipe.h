/* wipe.h - no old pointers in the gaps of stack frames.
 *
 * A compiler does not write every word of a frame. A thread that waits inside the library is scanned with the library's own frames,
 * and in their gaps lies what was there before: registers that another call has saved, what a stop or an assist has looked at.
 * One node of a queue found like this keeps all that came after it (Boehm 1993, "Space efficient conservative garbage
 * collection"; his collector clears the stack now and then, too). So the stack is cleared below an allocation that leaves the
 * fast path, before its frames are made, and below a stop and an assist, after them.
 */
#ifndef TRIX_WIPE_H
#define TRIX_WIPE_H

/* Zeroes the stack below the caller's frame, as deep as the library's calls go. Some 10 ns. */
void trix_stack_wipe(void);

#endif
