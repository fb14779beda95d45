#!/usr/bin/env python3
"""check.py - tricc as a command: what it prints, its exit codes, the files it leaves.

    check.py                    the names of all cases
    check.py TRICC CASE WORK    runs one, in a folder of its own under WORK
"""
import glob
import os
import platform
import shutil
import signal
import subprocess
import sys
import time

SOURCES = {
    "main.c": '#include <stdio.h>\nint answer(void);\nint main(void) { printf("%d\\n", answer()); return 0; }\n',
    "answer.c": "int answer(void) { return 42; }\n",
    "bad.c": "int bad(void) { return x; }\n",
    "warns.c": "int warns(void) { int unused; return 0; }\n",
    "start.s": '.text\n.globl answer\nanswer: mov $42, %eax\nret\n.section .note.GNU-stack,"",@progbits\n',
    "tri.c": "#include <tricolor.h>\nstruct n { struct n *next; } *top;\n"
             "int answer(void) { for (int i = 0; i < 42; i++) { struct n *n = tri_new(struct n); n->next = top; top = n; }\n"
             "    int k = 0; for (struct n *n = top; n; n = n->next) k++; return k; }\n",
}
BAD = "bad.c:1:24: error: use of undeclared identifier 'x'"

TRICC = None


def run(*args, stdin=None, env=None, code=0, program=None):
    """Runs tricc (or a program) with the arguments; its exit code must be as said. Gives stdout and stderr."""
    command = [program or TRICC, *args]
    environment = dict(os.environ, **(env or {}))
    got = subprocess.run(command, input=stdin, capture_output=True, text=True, env=environment, check=False)
    if got.returncode != code:
        sys.exit(f"{' '.join(command)}: exit code {got.returncode}, not {code}\n{got.stdout}{got.stderr}")
    return got.stdout, got.stderr


def quiet(*args, **how):
    out, err = run(*args, **how)
    want("nothing printed", out + err, "")


def want(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: wanted {wanted!r}, got {got!r}")


def want_in(what, text, part):
    if part not in text:
        sys.exit(f"{what}: no {part!r} in {text!r}")


def ran(program="./a.out", answer="42\n"):
    want(program, run(program=program)[0], answer)


def absent(*names):
    for name in names:
        if os.path.exists(name):
            sys.exit(f"{name} was left behind")


# ---- compiling and linking ----

def links_several_files():
    quiet("main.c", "answer.c", "-o", "program")
    ran("./program")
    want("files", sorted(os.listdir(".")), sorted([*SOURCES, "program", "tmp"]))


def compiles_several_files():
    quiet("-c", "main.c", "answer.c")
    quiet("main.o", "answer.o")
    ran()


def uses_the_heap_at_every_level():
    for level in ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz", "-Og", "-Ofast", "-O"):
        run(level, "main.c", "tri.c")
        ran()


def makes_assembly():
    out, _ = run("-S", "answer.c", "-o", "-")
    want_in("assembly", out, "answer:")
    quiet("-S", "answer.c", "main.c")
    quiet("answer.s", "main.s")
    ran()


def makes_bitcode():
    out, _ = run("-S", "-emit-llvm", "tri.c", "-o", "-")
    want_in("IR", out, "tri__store_slow")
    quiet("-c", "-emit-llvm", "tri.c", "-o", "tri.bc")
    quiet("main.c", "tri.bc")
    ran()


def takes_assembly_archives_and_objects():
    quiet("-c", "start.s", "-o", "answer.o")
    run("rcs", "libanswer.a", "answer.o", program="ar")
    quiet("main.c", "libanswer.a")
    ran()
    quiet("main.c", "-L.", "-lanswer", "-o", "b.out")
    ran("./b.out")
    quiet("main.c", "-L.", "-l", "answer", "-o", "c.out")
    ran("./c.out")
    quiet("main.c", "-L.", "-l", ":libanswer.a", "-o", "d.out")
    ran("./d.out")


def reads_standard_input():
    quiet("-x", "c", "-c", "-", "-o", "answer.o", stdin=SOURCES["answer.c"])
    quiet("main.c", "answer.o")
    ran()


def makes_shared_objects():
    quiet("-shared", "-fPIC", "tri.c", "-o", "libanswer.so")
    quiet("main.c", "-L.", "-lanswer", "-Wl,-rpath,.")
    ran()


def links_statically():
    quiet("-static", "main.c", "tri.c")
    ran()
    quiet("-static-libtricolor", "main.c", "tri.c", "-o", "b.out")
    ran("./b.out")
    if "libtricolor" in run("./b.out", program="ldd")[0]:
        sys.exit("-static-libtricolor links the shared library")


def resolvers_of_ifuncs():
    with open("early.c", "w", encoding="utf-8") as f:
        f.write("#include <stdio.h>\nstatic int one(void) { return 42; }\nstatic int (*chosen)(void);\nstatic const char *name;\n"
                "static void *keep(const char *n) { name = n; return chosen; }\n"
                "static int (*resolve(void))(void) { chosen = one; return keep(\"one\") ? one : NULL; }\n"
                "int f(void) __attribute__((ifunc(\"resolve\")));\n"
                "int main(void) { printf(\"%d\\n\", chosen == one && *name == 'o' ? f() : 0); }\n")
    for how in (), ("-static",), ("-static-pie",):
        for level in "-O0", "-O2":
            quiet(level, *how, "early.c")
            ran()


def links_in_two_steps():
    quiet("-c", "main.c", "tri.c")
    quiet("-r", "main.o", "tri.o", "-o", "both.o")
    quiet("both.o")
    ran()


def link_time_optimisation():
    if not shutil.which("ld.lld"):
        print("skipped: needs lld")
        sys.exit(77)
    for kind in ("-flto", "-flto=thin"):
        quiet(kind, "-O2", "-fuse-ld=lld", "main.c", "tri.c")
        ran()


def other_linkers():
    for linker in ("lld", "gold"):
        if shutil.which("ld." + linker):
            run("-fuse-ld=" + linker, "-ffunction-sections", "-Wl,--gc-sections", "main.c", "tri.c")
            ran()


def external_assembler():
    quiet("-fno-integrated-as", "main.c", "tri.c")
    ran()


def other_target():
    quiet("--target=aarch64-linux-gnu", "-c", "answer.c")
    _, err = run("-m32", "-c", "answer.c", code=1)
    want("-m32", err, "tricc: error: tricolor does not run on 'i386-pc-linux-gnu': only Linux on x86-64 and aarch64\n")


def needs_no_header():
    """The user's names stay free: a program may call its own things what the library calls its own."""
    with open("own.c", "w", encoding="utf-8") as f:
        f.write("typedef int tri_type; int tri_new, tri_free; struct s { struct s *p; } g;\n"
                "int answer(void) { g.p = &g; return 42 + tri_new; }\n")
    quiet("-Wall", "main.c", "own.c")
    ran()


# ---- options ----

def preprocesses():
    want_in("-E", run("-E", "-P", "answer.c")[0], "int answer(void) { return 42; }")
    want_in("-dM", run("-E", "-dM", "answer.c")[0], "#define __TRICC__ 1")


def writes_dependencies():
    quiet("-MD", "-MP", "-c", "answer.c", "-o", "sub.o")
    want("sub.d", open("sub.d", encoding="utf-8").read(), "sub.o: answer.c\n")
    quiet("-MMD", "-MF", "x.d", "-MT", "target", "-c", "answer.c")
    want("x.d", open("x.d", encoding="utf-8").read(), "target: answer.c\n")
    want("-M", run("-MM", "answer.c")[0], "answer.o: answer.c\n")


def response_files():
    with open("args", "w", encoding="utf-8") as f:
        f.write("-O1 'main.c'\n\"answer.c\" -fstats -o my\\ program")
    _, err = run("@args")
    ran("./my program")
    want_in("-fstats in a response file", err, "tricc: main.c: total:")


def very_long_command_lines():
    with open("args", "w", encoding="utf-8") as f:
        f.write("main.c answer.c\n" + "".join(f"-DMACRO_{i}={1:0400}\n" for i in range(3000)))
    quiet("@args")
    ran()


def go_flags():
    run("-gcflags=-m -l", "-c", "answer.c")
    run("-gcflags", "-m=2 -N", "-c", "answer.c")
    _, err = run("-gcflags=-z", "-c", "answer.c", code=1)
    want("unknown flag", err, "tricc: error: -gcflags: unknown flag '-z'; tricc knows -m, -m=2, -m=json, -l and -N\n")


def saves_temps():
    quiet("-save-temps", "main.c", "tri.c")
    ran()
    for name in ("main.i", "main.bc", "main.s", "main.o", "tri.o"):
        os.stat(name)


def questions():
    out, _ = run("--version")
    want_in("--version", out, "clang version 19")
    want_in("--version", out.splitlines()[-1], "tricc: tricolor ")
    want_in("-dumpmachine", run("-dumpmachine")[0], "linux-gnu")
    want_in("-print-prog-name", run("-print-prog-name=ld")[0], "ld")
    want_in("--help", run("--help")[0], "-fmanaged-malloc")
    want_in("-v", run("-v")[1], "clang version 19")
    _, err = run("-###", "-c", "answer.c")
    want_in("-###", err, '"-cc1"')
    absent("answer.o")


def verbose():
    _, err = run("-v", "main.c", "answer.c")
    want_in("-v", err, '"-cc1"')
    want_in("-v", err, '"-ltricolor"')
    ran()


def debug_information():
    with open("d.c", "w", encoding="utf-8") as f:
        f.write("struct s { int member; };\nint answer(struct s *s) { int local = s->member; return local; }\n")
    for flags, there in ((["-g"], True), ([], False), (["-g", "-g0"], False), (["-g1"], True), (["-gdwarf-4"], True)):
        run(*flags, "-c", "d.c")
        sections = run("-SW", "d.o", program="readelf")[0]
        want(f"debug information with {flags}", ".debug_info" in sections, there)
    run("-g", "-gsplit-dwarf", "-c", "d.c")
    os.stat("d.dwo")


def gdb_shows_locals():
    if not shutil.which("gdb"):
        print("skipped: needs gdb")
        sys.exit(77)
    with open("d.c", "w", encoding="utf-8") as f:
        f.write("struct s { struct s *next; int member; };\nint stop(struct s *s) { return s->member; }\n"
                "int main(void) { struct s one = {0, 7}; struct s two = {&one, 35}; return stop(&two) != 35; }\n")
    run("-g", "-O0", "d.c")
    out, _ = run("-q", "-batch", "-nx", "-ex", "break stop", "-ex", "run", "-ex", "print s->member + s->next->member", "-ex", "up",
                 "-ex", "print one.member", "-ex", "print two.next == &one", "./a.out", program="gdb")
    want("gdb", [line for line in out.splitlines() if line.startswith("$")], ["$1 = 42", "$2 = 7", "$3 = 1"])


def coverage():
    quiet("--coverage", "main.c", "answer.c", "-o", "program")
    ran("./program")
    want("counters", sorted(n for n in os.listdir(".") if n.endswith(".gcda")), ["program-answer.gcda", "program-main.gcda"])


# ---- diagnostics ----

def no_input():
    want("no input", run(code=1)[1], "tricc: error: no input files\n")
    want("no such file", run("nosuch.c", code=1)[1], "tricc: error: no such file or directory: 'nosuch.c'\n")


def unknown_option():
    _, err = run("-fno-such-thing", "-c", "answer.c", code=1)
    want("unknown option", err, "tricc: error: unknown argument: '-fno-such-thing'\n")


def stacks_that_are_not_seen():
    for option in "-fsanitize=safe-stack", "-fsplit-stack":
        for level in "-O0", "-O2":
            _, err = run(option, level, "-c", "answer.c", code=1)
            want_in(option, err, f"error: the collector does not see the stack of '{option}'")
            absent("answer.o")


def errors_end_with_one():
    _, err = run("-c", "bad.c", "-o", "bad.o", code=1)
    want_in("error", err, BAD)
    absent("bad.o")


def others_are_compiled_when_one_fails():
    _, err = run("-c", "bad.c", "answer.c", code=1)
    want_in("error", err, BAD)
    os.stat("answer.o")
    absent("bad.o")
    _, err = run("main.c", "bad.c", "answer.c", code=1)
    want("said once", err.count("error:"), 1)
    absent("a.out")


def a_failed_link_leaves_nothing():
    _, err = run("main.c", code=1)
    want_in("link", err, "answer")
    absent("a.out")


def warnings():
    _, err = run("-Wall", "-c", "warns.c")
    want("warnings", err.count("warning:"), 1)
    run("-Wall", "-Werror", "-c", "warns.c", code=1)
    quiet("-w", "-c", "warns.c")
    quiet("-Wl,--as-needed", "-L.", "-c", "answer.c", "-Qunused-arguments")


def colours():
    _, err = run("-fcolor-diagnostics", "-c", "bad.c", code=1)
    want_in("colours", err, "\x1b[")
    _, err = run("-c", "bad.c", code=1)
    if "\x1b" in err:
        sys.exit("colours without a terminal")


def names_plain_inputs():
    run("-c", "answer.c", "-o", "plain.o", program="cc")
    run("rcs", "libplain.a", "plain.o", program="ar")
    note = "tricc: note: '{}' was not compiled by tricc: its stores have no barriers [-Wtri-plain]\n"
    want("object", run("-Wtri-plain", "main.c", "plain.o")[1], note.format("plain.o"))
    want("archive", run("-Wtri-plain", "main.c", "-L.", "-lplain")[1], note.format("./libplain.a(plain.o)"))
    run("-shared", "-fPIC", "answer.c", "-o", "libforeign.so", program="cc")
    want("shared library", run("-Wtri-plain", "main.c", "-L.", "-lforeign")[1], note.format("./libforeign.so"))
    quiet("-shared", "-fPIC", "answer.c", "-o", "libours.so")
    quiet("-Wtri-plain", "main.c", "-L.", "-lours")
    quiet("main.c", "plain.o")
    quiet("-c", "answer.c")
    quiet("-Wtri-plain", "main.c", "answer.o")
    quiet("-Wtri-plain", "-static", "main.c", "answer.o")


def packed_pointers():
    with open("p.c", "w", encoding="utf-8") as f:
        f.write("struct __attribute__((packed)) p { char c; char *s; };\nvoid f(struct p *p, char *s) { p->s = s; }\n")
    _, err = run("-c", "p.c")
    want("warning", err, "p.c:2:37: warning: pointer stored where its address may not be a multiple of 8 (packed struct?): "
                         "the collector does not see it there [-Wtri-packed]\n")
    quiet("-Wno-tri-packed", "-c", "p.c")
    quiet("-w", "-c", "p.c")


def assembly_that_may_store():
    with open("a.c", "w", encoding="utf-8") as f:
        f.write("void store(void **at, void *p) { __asm__ volatile(\"mov %1, (%0)\" : : \"r\"(at), \"r\"(p) : \"memory\"); }\n"
                "void fence(void) { __asm__ volatile(\"\" : : : \"memory\"); }\n"
                "int add(int a, int b) { __asm__(\"add %1, %0\" : \"+r\"(a) : \"r\"(b)); return a; }\n")
    _, err = run("-O2", "-Wtri-asm", "-c", "a.c")
    want("warning", err, "a.c:1:34: warning: inline assembly that may store pointers: its inputs are shaded, what it loads itself is not [-Wtri-asm]\n")
    quiet("-O2", "-c", "a.c")
    quiet("-O2", "-Wtri-asm", "-Wno-tri-asm", "-c", "a.c")


def code_models():
    if platform.machine() != "x86_64":
        print("skipped: models of x86-64")
        sys.exit(77)
    for model in ("small", "medium", "large"):
        for how in ([], ["-fPIC"], ["-fno-pic", "-no-pie"]):
            for level in ("-O0", "-O2"):
                quiet(f"-mcmodel={model}", level, *how, "main.c", "tri.c")
                ran()


def large_functions():
    """Thousands of variables and objects in one loop: no variable of them may cost time as all of them together do."""
    with open("large.c", "w", encoding="utf-8") as f:
        f.write("#include <tricolor.h>\nstruct n { struct n *next; };\nvoid use(int *);\nint c(int);\nvoid f(int n) {\n    for (int i = 0; i < n; i++) {\n")
        for i in range(6000):
            f.write(f"        if (c({i})) {{ int v{i} = {i}, *p{i} = &v{i}; use(p{i}); if (*p{i}) c(1); }}\n")
        for i in range(1000):
            f.write(f"        if (c({i})) {{ struct n *o{i} = tri_new(struct n), *q{i} = o{i}; if (q{i}->next) c(1); }}\n")
        f.write("    }\n}\n")
    _, err = run("-O0", "-fstats", "-c", "large.c")
    want_in("all variables", err, "6000 locals moved to the heap, 1000 allocations put on the stack")


def broken_bitcode():
    with open("broken.bc", "wb") as f:
        f.write(b"BC\xc0\xde" + bytes(64))
    run("-c", "broken.bc", code=1)
    absent("broken.o")


def shared_values():
    """Optimised code: values that are used twice in a value that is used twice …, 60 times; their ways cannot all be walked."""
    steps = 60
    code = ["define void @mixed(i64 %x0, ptr %to) {"]
    for i in range(steps):
        code += [f"%h{i} = lshr i64 %x{i}, 7", f"%m{i} = shl i64 %x{i}, 3", f"%y{i} = xor i64 %x{i}, %h{i}", f"%x{i + 1} = add i64 %y{i}, %m{i}"]
    code += [f"store i64 %x{steps}, ptr %to", "ret void", "}", "define void @chosen(ptr %p0, i64 %n, i1 %c, ptr %value) {"]
    for i in range(steps):
        code += [f"%q{i} = getelementptr i8, ptr %p{i}, i64 %n", f"%p{i + 1} = select i1 %c, ptr %p{i}, ptr %q{i}"]
    code += [f"store ptr %value, ptr %p{steps}", "ret void", "}"]
    with open("shared.ll", "w", encoding="utf-8") as f:
        f.write(f'target triple = "{run("-dumpmachine")[0].strip()}"\n' + "\n".join(code) + "\n")
    for level in ("-O0", "-O2"):
        quiet("-w", level, "-c", "shared.ll")


def attributes_of_bitcode():
    """An optimiser has found that grow's parameter is not captured; that it is freed there it does not say."""
    with open("grow.c", "w", encoding="utf-8") as f:
        f.write("#include <stdio.h>\n#include <stdlib.h>\n"
                "__attribute__((noinline)) static char *grow(char *p) { p = realloc(p, 4000); if (!p) abort(); p[1] = 2; return p; }\n"
                "int main(void) { char *p = malloc(8); p[0] = 40; __asm__ volatile(\"\" : : : \"memory\"); p = grow(p);\n"
                "    printf(\"%d\\n\", p[0] + p[1]); free(p); return 0; }\n")
    run("-O2", "-emit-llvm", "-c", "grow.c", program=long_way()["TRICC_CLANG"])
    for level in ("-O0", "-O2"):
        quiet("-w", "-fmanaged-malloc", level, "grow.bc")
        ran()


# ---- what may go wrong outside ----

def missing_clang():
    _, err = run("-c", "answer.c", env={"TRICC_CLANG": "/nonexistent/clang"}, code=1)
    want("missing clang", err,
         "tricc: error: cannot run '/nonexistent/clang': No such file or directory\n"
         "tricc: error: tricc needs clang 19: install the package clang-19, or let TRICC_CLANG name the program\n")


def nowhere_to_write():
    _, err = run("-c", "answer.c", "-o", "no/such/folder/x.o", code=1)
    want_in("no such folder", err, "no/such/folder/x.o")
    _, err = run("-c", "answer.c", env={"TMPDIR": "/nonexistent"}, code=1)
    want("no place for temporary files", err, "tricc: error: cannot make a temporary folder in '/nonexistent' (TMPDIR says where)\n")


def signals_leave_nothing():
    with open("long.c", "w", encoding="utf-8") as f:
        f.write("#define A(x) x x x x x x x x\n#define B(x) A(A(A(x)))\nint v;\nint f(int a) { B(B(a = a * 31 + v; v ^= a;)) return a; }\n")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        for wait in (0.05, 0.3, 0.6):
            child = subprocess.Popen([TRICC, "-O2", "-c", "long.c"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(wait)  # wherever it is then
            child.send_signal(number)
            want("ended by the signal", child.wait(), -number)
            absent("long.o")
            want("temporary files", os.listdir("tmp"), [])


def a_signal_ends_the_passes():
    """The long way, where the passes run in tricc itself: they wait for their prelude, a pipe, when the signal comes."""
    root = os.path.dirname(os.path.dirname(os.path.realpath(TRICC)))
    passes, = glob.glob(os.path.join(root, "**", "tricc", "passes.so"), recursive=True)
    for name, source in (("bin/tricc", TRICC), (os.path.relpath(passes, root), passes)):
        os.makedirs(os.path.dirname(os.path.join("root", name)))
        shutil.copy(source, os.path.join("root", name))
    prelude = os.path.join("root", os.path.dirname(os.path.relpath(passes, root)), f"prelude-{platform.machine()}.ll")
    os.mkfifo(prelude)
    with open("store.c", "w", encoding="utf-8") as f:
        f.write("void store(void **at, void *value) { *at = value; }\n")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        with subprocess.Popen(["root/bin/tricc", "-c", "store.c"], env={**os.environ, **long_way()}) as child:
            with open(prelude, "w", encoding="utf-8"):  # waits until somebody reads
                child.send_signal(number)
                try:
                    want("ended by the signal", child.wait(60), -number)
                finally:
                    child.kill()
        absent("store.o")
        want("temporary files", os.listdir("tmp"), [])


def many_at_once():
    running = [subprocess.Popen([TRICC, "-c", "tri.c", "-o", f"{i}.o"]) for i in range(8)]
    for child in running:
        want("exit code", child.wait(), 0)
    for i in range(8):
        run("main.c", f"{i}.o")
        ran()


# ---- as CC of others ----

def make_project():
    with open("Makefile", "w", encoding="utf-8") as f:
        f.write("CFLAGS = -O2 -Wall -MMD\nprogram: main.o tri.o\n\t$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)\n-include *.d\n")
    run("-j4", "CC=" + TRICC, "program", program="make")
    ran("./program")


def cmake_project():
    with open("CMakeLists.txt", "w", encoding="utf-8") as f:
        f.write("cmake_minimum_required(VERSION 3.20)\nproject(p C)\nset(CMAKE_C_STANDARD 11)\ninclude(CheckCCompilerFlag)\n"
                "include(CheckFunctionExists)\ncheck_c_compiler_flag(-Wall HAS_WALL)\ncheck_c_compiler_flag(-fno-such-flag HAS_NONE)\n"
                "check_function_exists(printf HAS_PRINTF)\ncheck_function_exists(no_such_function HAS_NO)\n"
                "if(NOT HAS_WALL OR HAS_NONE OR NOT HAS_PRINTF OR HAS_NO)\n  message(FATAL_ERROR \"probes\")\nendif()\n"
                "if(NOT CMAKE_C_COMPILER_ID STREQUAL Clang)\n  message(FATAL_ERROR \"${CMAKE_C_COMPILER_ID}\")\nendif()\n"
                "find_package(Threads REQUIRED)\nadd_library(answer SHARED tri.c)\nadd_executable(program main.c)\n"
                "target_link_libraries(program answer Threads::Threads)\n")
    run("-S", ".", "-B", "build", "-DCMAKE_C_COMPILER=" + TRICC, "-DCMAKE_BUILD_TYPE=Release", program="cmake", env={"CMAKE_C_COMPILER_LAUNCHER": ""})
    run("--build", "build", "-j4", program="cmake")
    ran("build/program")


def configure_script():
    """The probes that autoconf makes, by hand: autoconf itself need not be there."""
    with open("configure", "w", encoding="utf-8") as f:
        f.write(CONFIGURE)
    out, _ = run("configure", program="sh", env={"CC": TRICC})
    want("configure", out, "works yes\nsuffix o\ngnu yes\ncross no\nprintf yes\nno_such_function no\nstddef.h yes\nno_such.h no\nsizeof 8\n")


CONFIGURE = r"""
for option in --version -v -V -qversion; do $CC $option >/dev/null 2>>config.log; done
echo 'int main(void) { return 0; }' >conftest.c
$CC -o conftest conftest.c 2>>config.log && ./conftest && echo works yes
rm -f conftest.o; $CC -c conftest.c 2>>config.log && ls conftest.o | sed 's/.*\./suffix /'
printf '#ifndef __GNUC__\n choke me\n#endif\nint x;\n' >conftest.c
$CC -c conftest.c 2>>config.log && echo gnu yes || echo gnu no
$CC conftest.c -o conftest 2>>config.log && echo links without main
echo 'int main(void) { FILE *f = fopen("conftest.out", "w"); return !f; }' | sed '1i #include <stdio.h>' >conftest.c
$CC -o conftest conftest.c && ./conftest && echo cross no
for f in printf no_such_function; do
    printf 'char %s(void);\nint main(void) { return %s(); }\n' $f $f >conftest.c
    if $CC -w -o conftest conftest.c 2>>config.log; then echo $f yes; else echo $f no; fi
done
for h in stddef.h no_such.h; do
    echo "#include <$h>" >conftest.c
    if $CC -E conftest.c >/dev/null 2>>config.log; then echo $h yes; else echo $h no; fi
done
for n in 4 8; do
    echo "int a[1 - 2 * !(sizeof(void *) == $n)];" >conftest.c
    $CC -c conftest.c 2>>config.log && echo sizeof $n
done
exit 0
"""

# ---- the short way (clang with the passes as its plugin) and the long way ----

def long_way():
    """an environment that makes tricc take it: another clang is named"""
    return {"TRICC_CLANG": next(filter(None, map(shutil.which, ("clang-19", "clang"))))}


def both_ways_make_the_same():
    for level in ("-O0", "-O1", "-O2", "-O3"):
        for more in ([], ["-g"], ["-fPIC", "-fmanaged-malloc"]):
            run(level, *more, "-c", "tri.c", "-o", "short.o")
            run(level, *more, "-c", "tri.c", "-o", "long.o", env=long_way())
            with open("short.o", "rb") as a, open("long.o", "rb") as b:
                if a.read() != b.read():
                    sys.exit(f"{level} {more}: the objects differ")


def both_ways_say_the_same():
    for options in (["-m"], ["-m=2"], ["-fstats"], ["-Wall"]):
        said = [run("-O2", *options, "-c", "tri.c", "warns.c", env=env)[1] for env in ({}, long_way())]
        want(options[0], said[0], said[1])
        if not said[0]:
            sys.exit(f"{options[0]}: nothing said")


def the_short_way_starts_clang_once():
    _, err = run("-###", "-c", "tri.c")
    want_in("asked", err, "-cc1")
    out, _ = run("-f", "-e", "trace=execve", "-qq", "-o", "trace", TRICC, "-O2", "-g", "-Wall", "-fPIC", "-c", "tri.c", program="strace") \
        if shutil.which("strace") else (None, None)
    if out is None:
        print("skipped: needs strace")
        sys.exit(77)
    with open("trace", encoding="utf-8") as f:
        started = [line for line in f if "execve(" in line and "= 0" in line]
    want("programs started", len(started), 2)


CASES = {name: case for name, case in list(globals().items())
         if callable(case) and case.__module__ == __name__ and name not in ("run", "quiet", "want", "want_in", "ran", "absent", "main", "long_way")}


def main():
    global TRICC
    if len(sys.argv) == 1:
        print("\n".join(CASES))
        return
    TRICC, case, work = sys.argv[1:]
    work = os.path.join(work, case)
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(os.path.join(work, "tmp"))
    os.chdir(work)
    os.environ.update(TMPDIR=os.path.join(work, "tmp"), LC_ALL="C", TERM="dumb", TRICC_VERIFY="1")
    for name, content in SOURCES.items():
        with open(name, "w", encoding="utf-8") as f:
            f.write(content)
    CASES[case]()
    want("temporary files left", os.listdir("tmp"), [])


main()
