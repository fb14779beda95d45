/* switch.c - see switch.h.
 *
 * It goes on by an indirect jump to the address saved with the context, nearly always the same one, and then returns to its
 * caller: the processor's own stack of return addresses is in step with the calls that the context that left has made, and
 * contexts leave and come back at few places, so that they return where it says. (A return to the saved address itself is
 * always mispredicted, and so is every return after it when the last step is a jump: 11 and 3 ns more.) The unwind
 * tables end at the first frame of a goroutine, whose return address is undefined; so debuggers and unwinders stop there.
 */
#include "switch.h"

#if defined(__x86_64__)

enum { SAVED_WORDS = 7 }; /* resume address, r15, r14, r13, r12, rbx, rbp */

__asm__(".text\n"
        ".balign 16\n"
        ".globl trix_switch\n.hidden trix_switch\n.type trix_switch,@function\n"
        "trix_switch:\n"
        "\t.cfi_startproc\n"
        "\tpushq %rbp\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset rbp, 0\n"
        "\tpushq %rbx\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset rbx, 0\n"
        "\tpushq %r12\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset r12, 0\n"
        "\tpushq %r13\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset r13, 0\n"
        "\tpushq %r14\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset r14, 0\n"
        "\tpushq %r15\n\t.cfi_adjust_cfa_offset 8\n\t.cfi_rel_offset r15, 0\n"
        "\tleaq 1f(%rip), %rcx\n"
        "\tpushq %rcx\n\t.cfi_adjust_cfa_offset 8\n"
        "\tmovq %rsp, (%rdi)\n"
        "\tmovq %rsi, %rsp\n"
        "\tmovq %rdx, %rax\n"
        "\tpopq %rcx\n\t.cfi_adjust_cfa_offset -8\n"
        "\tjmp *%rcx\n"
        ".globl trix_switch_told\n.hidden trix_switch_told\n"
        "trix_switch_told:\n"
        "\tsubq $8, %rsp\n\t.cfi_adjust_cfa_offset 8\n"
        "\tmovq %rax, %rdi\n"
        "\tcall trix_told\n"
        "\taddq $8, %rsp\n\t.cfi_adjust_cfa_offset -8\n"
        "1:\tpopq %r15\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore r15\n"
        "\tpopq %r14\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore r14\n"
        "\tpopq %r13\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore r13\n"
        "\tpopq %r12\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore r12\n"
        "\tpopq %rbx\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore rbx\n"
        "\tpopq %rbp\n\t.cfi_adjust_cfa_offset -8\n\t.cfi_restore rbp\n"
        "\tret\n"
        "\t.cfi_endproc\n"
        ".size trix_switch, .-trix_switch\n"
        ".globl trix_switch_end\n.hidden trix_switch_end\ntrix_switch_end:\n"

        ".balign 16\n"
        ".globl trix_g_start\n.hidden trix_g_start\n.type trix_g_start,@function\n"
        "trix_g_start:\n"
        "\t.cfi_startproc\n\t.cfi_undefined rip\n\t.cfi_undefined rbp\n"
        "\txorl %ebp, %ebp\n"
        "\tmovq %rax, %rdi\n"
        "\tcall trix_g_main\n"
        "\tud2\n"
        "\t.cfi_endproc\n"
        ".size trix_g_start, .-trix_g_start\n");

#elif defined(__aarch64__)

enum { SAVED_WORDS = 22 }; /* x19-x30, d8-d15, resume address, padding */

__asm__(".text\n"
        ".balign 16\n"
        ".globl trix_switch\n.hidden trix_switch\n.type trix_switch,%function\n"
        "trix_switch:\n"
        "\t.cfi_startproc\n"
        "\tsub sp, sp, #176\n\t.cfi_adjust_cfa_offset 176\n"
        "\tstp x19, x20, [sp, #16]\n\tstp x21, x22, [sp, #32]\n\tstp x23, x24, [sp, #48]\n"
        "\tstp x25, x26, [sp, #64]\n\tstp x27, x28, [sp, #80]\n\tstp x29, x30, [sp, #96]\n"
        "\t.cfi_rel_offset x19, 16\n\t.cfi_rel_offset x20, 24\n\t.cfi_rel_offset x29, 96\n\t.cfi_rel_offset x30, 104\n"
        "\tstp d8, d9, [sp, #112]\n\tstp d10, d11, [sp, #128]\n\tstp d12, d13, [sp, #144]\n\tstp d14, d15, [sp, #160]\n"
        "\tadr x9, 1f\n\tstr x9, [sp]\n"
        "\tmov x9, sp\n\tstr x9, [x0]\n"
        "\tmov sp, x1\n"
        "\tmov x0, x2\n"
        "\tldr x9, [sp]\n"
        "\tbr x9\n"
        ".globl trix_switch_told\n.hidden trix_switch_told\n"
        "trix_switch_told:\n"
        "\tbl trix_told\n"
        "1:\tldp x19, x20, [sp, #16]\n\tldp x21, x22, [sp, #32]\n\tldp x23, x24, [sp, #48]\n"
        "\tldp x25, x26, [sp, #64]\n\tldp x27, x28, [sp, #80]\n\tldp x29, x30, [sp, #96]\n"
        "\tldp d8, d9, [sp, #112]\n\tldp d10, d11, [sp, #128]\n\tldp d12, d13, [sp, #144]\n\tldp d14, d15, [sp, #160]\n"
        "\tadd sp, sp, #176\n\t.cfi_adjust_cfa_offset -176\n"
        "\tret\n"
        "\t.cfi_endproc\n"
        ".size trix_switch, .-trix_switch\n"
        ".globl trix_switch_end\n.hidden trix_switch_end\ntrix_switch_end:\n"

        ".balign 16\n"
        ".globl trix_g_start\n.hidden trix_g_start\n.type trix_g_start,%function\n"
        "trix_g_start:\n"
        "\t.cfi_startproc\n\t.cfi_undefined x30\n"
        "\tmov x29, #0\n"
        "\tbl trix_g_main\n"
        "\tbrk #1\n"
        "\t.cfi_endproc\n"
        ".size trix_g_start, .-trix_g_start\n");

#endif

extern void trix_g_start(void), trix_switch_told(void), trix_switch_end(void);

/* Words of the new stack below `top` are written only here: the first page is touched once. */
uintptr_t trix_switch_prepare(uintptr_t top) {
    uintptr_t sp = round_down(top, 16) - SAVED_WORDS * sizeof(uintptr_t);
#if defined(__x86_64__)
    /* trix_g_start is jumped to with sp behind the resume address; its call must find sp a multiple of 16 */
    sp = round_down(sp, 16) - sizeof(uintptr_t);
#else
    sp = round_down(sp, 16);
#endif
    *(uintptr_t *)sp = (uintptr_t)trix_g_start;
    return sp;
}

bool trix_switch_tell(uintptr_t sp) {
    if (*(uintptr_t *)sp == (uintptr_t)trix_g_start) return false;
    *(uintptr_t *)sp = (uintptr_t)trix_switch_told;
    return true;
}

bool trix_switch_contains(uintptr_t pc) { return pc > (uintptr_t)trix_switch && pc < (uintptr_t)trix_switch_end; }

bool trix_switch_frame(uintptr_t saved, uintptr_t *sp, uintptr_t *fp) {
    const uintptr_t *words = (const uintptr_t *)saved;
    if (words[0] == (uintptr_t)trix_g_start) return false;
#if defined(__x86_64__)
    *fp = words[6];
    *sp = saved + (SAVED_WORDS + 1) * sizeof *words;
#else
    *fp = words[12];
    *sp = saved + SAVED_WORDS * sizeof *words;
#endif
    return true;
}
