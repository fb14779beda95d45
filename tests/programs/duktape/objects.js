// Objects, arrays, closures, strings, regular expressions, exceptions, JSON and buffers, many of each, some kept to the end.
function assert(what, said) { if (!what) throw new Error('not so: ' + said); }

function Tree(depth) { this.left = depth ? new Tree(depth - 1) : null; this.right = depth ? new Tree(depth - 1) : null; }
Tree.prototype.count = function () { return 1 + (this.left ? this.left.count() + this.right.count() : 0); };
var kept = new Tree(12);
for (var i = 0; i < 30; i++) assert(new Tree(8).count() === 511, 'count');

var table = {}, words = [];
for (i = 0; i < 20000; i++) { var w = 'w' + (i * 7919 % 5003); table[w] = (table[w] || 0) + 1; }
for (w in table) words.push(w);
words.sort();
assert(words.length === 5003 && words[0] === 'w0' && table.w1 >= 3, 'table');

var adders = [];
for (i = 0; i < 3000; i++) adders.push((function (k) { return function (x) { return x + k; }; })(i));
var sum = 0;
for (i = 0; i < adders.length; i++) sum += adders[i](1);
assert(sum === 3000 * 2999 / 2 + 3000, 'closures');

var text = words.join(',').replace(/w(\d+)/g, function (all, digits) { return '<' + digits + '>'; });
assert(text.split(',').length === 5003 && /^<0>,<1>/.test(text), 'text');

var document_ = JSON.stringify({ list: words, deep: { deep: { deep: [1, null, true, 'x\u00e9'] } } });
for (i = 0; i < 5; i++) assert(JSON.stringify(JSON.parse(document_)) === document_, 'JSON');

function deep(n) { if (!n) throw { code: 7, trace: words.slice(0, 10) }; try { deep(n - 1); } finally { sum++; } }
for (i = 0; i < 100; i++) { try { deep(50); } catch (e) { assert(e.code === 7 && e.trace.length === 10, 'exception'); } }
assert(sum === 3000 * 2999 / 2 + 3000 + 5000, 'finally');

var cyclic = [];
for (i = 0; i < 3000; i++) { var a = { n: i }, b = { a: a }; a.b = b; if (i % 100 === 0) cyclic.push(a); }
Duktape.gc();
for (i = 0; i < cyclic.length; i++) assert(cyclic[i].b.a.n === 100 * i, 'cycles');

var bytes = new Uint8Array(100000);
for (i = 0; i < bytes.length; i++) bytes[i] = i * 31;
var copy = new Uint8Array(bytes.buffer.slice(50000));
assert(copy.length === 50000 && copy[77] === (50077 * 31 & 255), 'buffers');

var Fibers = [], made = 0;
for (i = 0; i < 50; i++) Fibers.push(new Duktape.Thread(function (n) { for (;;) { made++; n = Duktape.Thread.yield(n * 2); } }));
for (var round = 0; round < 20; round++) for (i = 0; i < Fibers.length; i++) assert(Duktape.Thread.resume(Fibers[i], i) === 2 * i, 'coroutines');
assert(made === 1000, 'made');
assert(kept.count() === 8191, 'kept');
print('ok');
