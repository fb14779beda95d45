#!/usr/bin/env python3
"""A random C program in which pointers to locals, parameters and new objects flow about, for fuzz.py.

    generate.py SEED > program.c

Compiled with -DREFERENCE every local and parameter that can be pointed to is a block from calloc, made anew where it is declared,
and nothing is ever freed: what the program should print. Compiled by tricc without it they are plain locals: what escapes
must have moved to the heap, and what was put on the stack must not be needed any more when its frame or iteration ends.
With -DMADE objects come from functions that tricc inlines. Odd seeds make tame programs, in which pointers mostly stay in locals, so that much is put on the stack; even seeds wild ones.
Pointers are never null: they begin at `nil`, an object that points to itself.
"""
import random
import sys

HEAD = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef REFERENCE
#define tri_gc() ((void)0)
#define NEW() ((struct n *)calloc(1, sizeof(struct n)))
#define NEWS(k) ((struct n *)calloc((k), sizeof(struct n)))
#define FREE(p) ((void)(p))
#define LOCAL(x) struct n *x##_ = calloc(1, sizeof(struct n))
#define LOCALS(x, k) struct n *x = calloc((k), sizeof(struct n))
#define POINTER(x) struct n **x##_ = calloc(1, sizeof(struct n *))
#define TAKE(x) struct n *x##_ = calloc(1, sizeof(struct n)); *x##_ = x##in
#define TAKEP(x) struct n **x##_ = calloc(1, sizeof(struct n *)); *x##_ = x##in
#define V(x) (*x##_)
#define IN(x) x##in
#define LITERAL(p, q, k) (*literal(p, q, k))
#else
#include <tricolor.h>
#ifdef MADE
#define NEW() made(0)
#else
#define NEW() tri_new(struct n)
#endif
#define NEWS(k) tri_new_array(struct n, k)
#define FREE(p) tri_free(p)
#define LOCAL(x) struct n x = {0}
#define LOCALS(x, k) struct n x[k]; memset(x, 0, sizeof x)
#define POINTER(x) struct n *x
#define TAKE(x) ((void)0)
#define TAKEP(x) ((void)0)
#define V(x) (x)
#define IN(x) x
#define LITERAL(p, q, k) ((struct n){(p), (q), (k)})
#endif
struct n { struct n *a, *b; int v; };
static struct n nil = {&nil, &nil, 1}, *g[4] = {&nil, &nil, &nil, &nil};
static long acc = 1, fuel = 4000;
static int depth;
static void mix(long v) { acc = acc * 31 + v; }
__attribute__((unused)) static struct n *literal(struct n *p, struct n *q, int v) {
    struct n *x = calloc(1, sizeof *x);
    x->a = p, x->b = q, x->v = v;
    return x;
}
#if defined(MADE) && !defined(REFERENCE)
static struct n *made_of(struct n *a) { struct n *x = tri_new(struct n); x->a = a; return x; }
static struct n *made(int v) { struct n *x = made_of(0); if (!x) return &nil; x->v = v; return x; }
#endif
static struct n *fresh(struct n *x, int v) { x->a = x->b = &nil; x->v = v; return x; }
__attribute__((noinline)) static void clobber(void) {
    volatile long dirt[300];
    for (int i = 0; i < 300; i++) dirt[i] = 0x5555;
}
__attribute__((unused)) static void bytes(void *d, const void *s, size_t k) {
    char *p = d; const char *q = s;
    while (k--) *p++ = *q++;
}
static void look(struct n *p, int d) { mix(p->v); if (d) look(p->a, d - 1), look(p->b, d - 1); }
"""


class Function:
    def __init__(self, program, name, kinds, result):
        self.p, self.r = program, program.r
        self.name, self.kinds, self.result = name, kinds, result
        self.count = 0
        self.lines = []

    def fresh_name(self, stem):
        self.count += 1
        return f"{stem}{self.count}"

    def signature(self):
        types = {"ptr": "struct n *IN({})", "val": "struct n IN({})", "out": "struct n **{}"}
        args = ", ".join(types[k].format(f"p{i}") for i, k in enumerate(self.kinds))
        result = {"ptr": "struct n *", "val": "struct n ", "void": "void "}[self.result]
        return f"{result}{self.name}({args or 'void'})"

    # ---- expressions ----
    def pointer(self, env, d=2):
        """An expression of type struct n *."""
        r = self.r
        if self.p.tame:
            choice = ["var"] * 8 + ["new"] * 4 + ["addr"] * 3 + ["field"]
            choice += ["cond", "cond", "cast", "comma", "literal", "call"] if d > 0 else []
        else:
            choice = ["var"] * 5 + ["global", "new", "addr", "addr", "field", "field"]
            choice += ["call", "cond", "cast", "comma", "literal", "deref", "fieldaddr", "call"] if d > 0 else []
        c = r.choice(choice)
        if c == "var" and env["ptr"]:
            return f"V({r.choice(env['ptr'])})"
        if c == "addr" and env["loc"]:
            return f"&V({r.choice(env['loc'])})"
        if c == "addr" and env["arr"]:
            x, k = r.choice(env["arr"])
            return f"&{x}[{r.randrange(k)}]" if r.random() < 0.7 else f"({x} + {r.randrange(k)})"
        if c == "field":
            return f"{self.object(env, d - 1)}.{r.choice('ab')}"
        if c == "new":
            return f"fresh(NEW(), {r.randrange(100)})" if r.random() < .8 else f"(fresh(NEWS(3), 1), fresh(NEWS(2) + 1, {r.randrange(9)}))"
        if c == "cond":
            return f"(acc & {r.choice([1, 2, 4])} ? {self.pointer(env, d - 1)} : {self.pointer(env, d - 1)})"
        if c == "cast":
            return f"((struct n *)((uintptr_t){self.pointer(env, d - 1)} ^ 0))"
        if c == "comma":
            return f"({{ struct n *t = {self.pointer(env, d - 1)}; mix(t->v); t; }})"
        if c == "literal" and not env["noliteral"]:
            return f"&LITERAL({self.pointer(env, 0)}, {self.pointer(env, 0)}, {r.randrange(50)})"
        if c == "deref" and env["out"]:
            return f"*{r.choice(env['out'])}"
        if c == "call":
            e = self.call(env, "ptr", d - 1)
            if e:
                return e
        if self.p.tame and env["ptr"]:
            return f"V({r.choice(env['ptr'])})"
        return f"g[{r.randrange(4)}]"

    def object(self, env, d=1):
        r = self.r
        if env["loc"] and r.random() < 0.5:
            return f"V({r.choice(env['loc'])})"
        return f"(*{self.pointer(env, max(d, 0))})"

    def address_of_pointer(self, env):
        r = self.r
        c = r.randrange(4)
        if (c == 0 or self.p.tame) and env["ptr"]:
            return f"&V({r.choice(env['ptr'])})"
        if c == 1 and env["out"]:
            return r.choice(env["out"])
        if c == 2:
            return f"&{self.object(env)}.{r.choice('ab')}"
        return f"&g[{r.randrange(4)}]"

    def call(self, env, result, d):
        callees = [f for f in self.p.functions if f.result == result and (f.index > self.index or self.r.random() < .15)]
        if not callees:
            return None
        f = self.r.choice(callees)
        args = []
        for k in f.kinds:
            if k == "ptr":
                args.append(self.pointer(env, d))
            elif k == "val":
                args.append(self.object(env, 0))
            else:
                args.append(self.address_of_pointer(env))
        name = f.name if self.p.tame or self.r.random() < .9 else f"(*v_{f.name})"
        return f"{name}({', '.join(args)})"

    def place(self, env):
        r = self.r
        c = r.randrange(10)
        if self.p.tame and r.random() < .97:
            places = [f"V({x})" for x in env["ptr"]] + [f"V({x}).{r.choice('ab')}" for x in env["loc"]]
            places += [f"{y}[{r.randrange(k)}].{r.choice('ab')}" for y, k in env["arr"]]
            if places:
                return r.choice(places)
        if c < 5 and env["ptr"]:
            return f"V({r.choice(env['ptr'])})"
        if c < 6 and env["out"]:
            return f"*{r.choice(env['out'])}"
        if c < 9:
            return f"{self.object(env)}.{r.choice('ab')}"
        return f"g[{r.randrange(4)}]"

    # ---- statements ----
    def block(self, env, depth, n, indent):
        env = {k: list(v) if isinstance(v, list) else v for k, v in env.items()}
        for _ in range(n):
            self.statement(env, depth, indent)
        return env

    def put(self, indent, text):
        self.lines.append("    " * indent + text)

    def statement(self, env, depth, indent):
        r = self.r
        kinds = (["assign"] * 6 + ["local"] * 3 + ["pointer"] * 2 + ["mix"] * 2 + ["array", "copy", "bytes", "gc", "clobber", "store", "free", "call", "struct"])
        if depth > 0:
            kinds += ["for", "for", "while", "goto", "if", "block", "switch", "do"]
        c = r.choice(kinds)
        if self.p.tame and c in ("copy", "struct") and not env["loc"]:
            c = "mix"
        if c == "assign":
            self.put(indent, f"{self.place(env)} = {self.pointer(env)};")
        elif c == "local":
            x = self.fresh_name("x")
            self.put(indent, f"LOCAL({x}); fresh(&V({x}), {r.randrange(100)});")
            env["loc"].append(x)
        elif c == "array":
            x, k = self.fresh_name("y"), r.randrange(1, 4)
            n = k if r.random() < .6 else f"(acc >= 0 ? {k} : {k} + 1)"
            self.put(indent, f"LOCALS({x}, {n}); for (int i = 0; i < {k}; i++) fresh(&{x}[i], i);")
            env["arr"].append((x, k))
        elif c == "pointer":
            x = self.fresh_name("q")
            self.put(indent, f"POINTER({x}); V({x}) = {self.pointer(env)};")
            env["ptr"].append(x)
            if r.random() < .3:
                o = self.fresh_name("o")
                self.put(indent, f"struct n **{o} = {self.address_of_pointer(env)};")
                env["out"].append(o)
        elif c == "mix":
            self.put(indent, f"mix({self.object(env, 2)}.v);")
        elif c == "store":
            self.put(indent, f"{self.object(env)}.v += {r.randrange(9)};")
        elif c == "copy":
            to = f"V({r.choice(env['loc'])})" if self.p.tame else self.object(env)
            self.put(indent, r.choice([f"{to} = {self.object(env)};",
                                       f"{{ struct n t = {self.object(env)}; {to} = t; }}",
                                       f"memmove(&{to}, {self.pointer(env, 0)}, sizeof(struct n));"]))
        elif c == "bytes":
            self.put(indent, f"bytes({self.address_of_pointer(env)}, {self.address_of_pointer(env)}, sizeof(struct n *));")
        elif c == "struct":
            e = self.call(env, "val", 1)
            if e:
                to = f"V({r.choice(env['loc'])})" if self.p.tame else self.object(env)
                self.put(indent, f"{to} = {e};")
        elif c == "call":
            e = self.call(env, "void", 1)
            if e:
                self.put(indent, f"{e};")
        elif c == "gc":
            self.put(indent, "tri_gc();")
        elif c == "clobber":
            self.put(indent, "clobber();")
        elif c == "free":
            t = self.fresh_name("t")
            self.put(indent, f"{{ struct n *{t} = fresh(NEW(), {r.randrange(9)}); mix({t}->v); "
                             f"{'look(' + t + ', 0); ' if r.random() < .5 else ''}FREE({t}); }}")
        elif c == "if":
            self.put(indent, f"if (acc & {r.choice([1, 2, 4, 8])}) {{")
            self.block(env, depth - 1, r.randrange(1, 4), indent + 1)
            if r.random() < .3:
                self.put(indent, "} else {")
                self.block(env, depth - 1, r.randrange(1, 3), indent + 1)
            self.put(indent, "}")
        elif c == "block":
            self.put(indent, "{")
            self.block(env, depth - 1, r.randrange(1, 4), indent + 1)
            self.put(indent, "}")
        elif c == "switch":
            self.put(indent, "switch (acc & 3) {")
            for i in range(r.randrange(1, 4)):
                self.put(indent, f"case {i}: {{")
                self.block(env, depth - 1, r.randrange(1, 3), indent + 1)
                self.put(indent + 1, "}" + (" break;" if r.random() < .6 else ""))
            self.put(indent, "default:;")
            self.put(indent, "}")
        else:
            i, k = self.fresh_name("i"), r.randrange(1, 5)
            stop = "if (fuel-- < 0) break;"
            if c == "for":
                self.put(indent, f"for (int {i} = 0; {i} < {k}; {i}++) {{ {stop}")
                end = "}"
            elif c == "while":
                self.put(indent, f"int {i} = 0; while ({i}++ < {k}) {{ {stop}")
                end = "}"
            elif c == "do":
                self.put(indent, f"int {i} = 0; do {{ {stop}")
                end = f"}} while (++{i} < {k});"
            else:
                self.put(indent, f"int {i} = 0; l{i}: {{ fuel--;")
                end = f"}} if (++{i} < {k} && fuel > 0) goto l{i};"
            inner = dict(env)
            inner["noliteral"] = False
            self.block(inner, depth - 1, r.randrange(2, 6), indent + 1)
            if c != "goto" and r.random() < .2:
                self.put(indent + 1, f"if (acc & 64) {r.choice(['break', 'continue'])};")
            self.put(indent, end)

    def body(self):
        env = {"ptr": [], "loc": [], "arr": [], "out": [], "noliteral": True}
        for i, k in enumerate(self.kinds):
            env[{"ptr": "ptr", "val": "loc", "out": "out"}[k]].append(f"p{i}")
            if k != "out":
                self.put(1, f"{'TAKEP' if k == 'ptr' else 'TAKE'}(p{i});")
        back = {"ptr": "return &nil;", "val": "return nil;", "void": "return;"}[self.result]
        self.put(1, f"if (depth > 8 || fuel-- < 0) {back}")
        self.put(1, "depth++;")
        env = self.block(env, 3, self.r.randrange(4, 10), 1)
        self.put(1, "depth--;")
        if self.result == "ptr":
            self.put(1, f"return {self.pointer(env)};")
        elif self.result == "val":
            if env["loc"] and self.r.random() < .6:
                self.put(1, f"return V({self.r.choice(env['loc'])});")
            else:
                self.put(1, f"return {self.object(env)};")


class Program:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.tame = seed % 2 == 1
        self.functions = []
        for i in range(self.r.randrange(3, 8)):
            kinds = [self.r.choice(["ptr", "ptr", "ptr", "val", "out"]) for _ in range(self.r.randrange(0, 4))]
            f = Function(self, f"f{i}", kinds, self.r.choice(["void", "void", "val", "ptr"] if self.tame else ["ptr", "ptr", "val", "void"]))
            f.index = i
            self.functions.append(f)

    def text(self):
        out = [HEAD]
        for f in self.functions:
            attribute = "__attribute__((noinline)) " if self.r.random() < .5 else ""
            out.append(f"{attribute}static {f.signature()};")
        for f in self.functions:
            result = {"ptr": "struct n *", "val": "struct n ", "void": "void "}[f.result]
            types = ", ".join({"ptr": "struct n *", "val": "struct n", "out": "struct n **"}[k] for k in f.kinds)
            out.append(f"static {result}(*volatile v_{f.name})({types or 'void'}) = {f.name};")
        for f in self.functions:
            f.body()
            out += [f"static {f.signature()} {{", *f.lines, "}"]
        out.append("int main(void) {")
        for f in self.functions:
            args = ", ".join({"ptr": "g[1]", "val": "nil", "out": "&g[2]"}[k] for k in f.kinds)
            call = f"{f.name}({args})"
            out.append("    " + {"ptr": f"g[0] = {call};", "val": f"{{ struct n r = {call}; mix(r.v); }}", "void": f"{call};"}[f.result])
            out.append("    clobber(); tri_gc(); clobber();")
            out.append(f"    for (int i = 0; i < 4; i++) look(g[i], 5); printf(\"%s %ld\\n\", \"{f.name}\", acc);")
        out.append("    return 0;\n}")
        return "\n".join(out) + "\n"


if __name__ == "__main__":
    sys.stdout.write(Program(int(sys.argv[1])).text())
