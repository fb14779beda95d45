-- A long session: each check prints ok, or what was found instead.
.bail on
PRAGMA journal_mode = MEMORY;
PRAGMA cache_size = 500;
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, x REAL, blob BLOB);
CREATE INDEX t_name ON t(name);
CREATE INDEX t_n ON t(n, name);

BEGIN;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 30000)
INSERT INTO t SELECT i, printf('name-%05d', i * 7919 % 30000), i % 1000, i / 3.0, zeroblob(i % 50) FROM c;
COMMIT;
SELECT iif(count(*) = 30000 AND count(DISTINCT name) = 30000 AND sum(n) = 14985000, 'ok', 'counts: ' || count(*) || ' ' || sum(n)) FROM t;
SELECT iif(id = 1 AND n = 1, 'ok', 'by name: ' || id) FROM t WHERE name = 'name-07919';
SELECT iif(count(*) = 30, 'ok', 'by n: ' || count(*)) FROM t WHERE n = 77;
SELECT iif(sum(length(blob)) = 735000, 'ok', 'blobs: ' || sum(length(blob))) FROM t;

-- changes, rolled back and kept
BEGIN;
UPDATE t SET name = upper(name), n = n + 1 WHERE id % 3 = 0;
DELETE FROM t WHERE id % 7 = 0;
SAVEPOINT s;
INSERT INTO t(name, n) SELECT name || '-copy', n FROM t WHERE id < 5000;
ROLLBACK TO s;
SELECT iif(count(*) = 25715, 'ok', 'after rollback to: ' || count(*)) FROM t;
ROLLBACK;
SELECT iif(count(*) = 30000 AND sum(n) = 14985000, 'ok', 'after rollback: ' || count(*)) FROM t;
BEGIN;
UPDATE t SET name = upper(name), n = n + 1 WHERE id % 3 = 0;
DELETE FROM t WHERE id % 7 = 0;
COMMIT;
SELECT iif(count(*) = 25715 AND sum(name GLOB 'NAME*') = 8572, 'ok', 'changes: ' || count(*) || ' ' || sum(name GLOB 'NAME*')) FROM t;
PRAGMA integrity_check;

-- joins, groups, windows, sorting
CREATE TABLE u(n INTEGER PRIMARY KEY, label TEXT) WITHOUT ROWID;
WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 1000) INSERT INTO u SELECT i, hex(i) || '/' || i FROM c;
SELECT iif(count(*) = 25715, 'ok', 'join: ' || count(*)) FROM t JOIN u USING (n);
SELECT iif(max(c) - min(c) <= 20 AND sum(c) = 25715, 'ok', 'groups: ' || min(c) || '-' || max(c)) FROM (SELECT label, count(*) AS c, group_concat(name) AS names FROM t JOIN u USING (n) GROUP BY label);
SELECT iif(sum(r = 1) = count(DISTINCT n), 'ok', 'windows') FROM (SELECT n, row_number() OVER (PARTITION BY n ORDER BY name DESC) AS r, lag(name, 1, '') OVER (ORDER BY id) AS before FROM t);
SELECT iif(count(*) = 0, 'ok', 'order: ' || count(*)) FROM (SELECT name, lag(name) OVER (ORDER BY name COLLATE NOCASE, id) AS before FROM t) WHERE lower(before) > lower(name);
SELECT iif(length(group_concat(name, '')) = 257150, 'ok', 'concat: ' || length(group_concat(name, ''))) FROM t;
SELECT iif(count(*) = (SELECT count(*) FROM t WHERE n = 500), 'ok', 'correlated: ' || count(*)) FROM t AS a WHERE n = 500 AND EXISTS (SELECT 1 FROM t AS b WHERE b.n = a.n - 1 AND b.id <> a.id);

-- views, triggers, foreign keys, upserts, generated columns
PRAGMA foreign_keys = ON;
CREATE TABLE parent(id INTEGER PRIMARY KEY, total INTEGER DEFAULT 0, twice INTEGER GENERATED ALWAYS AS (total * 2));
CREATE TABLE child(id INTEGER PRIMARY KEY, parent REFERENCES parent ON DELETE CASCADE, value INTEGER CHECK (value >= 0));
CREATE TRIGGER child_added AFTER INSERT ON child BEGIN UPDATE parent SET total = total + new.value WHERE id = new.parent; END;
CREATE TRIGGER child_gone AFTER DELETE ON child BEGIN UPDATE parent SET total = total - old.value WHERE id = old.parent; END;
CREATE VIEW sums AS SELECT parent, sum(value) AS s FROM child GROUP BY parent;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200) INSERT INTO parent(id) SELECT i FROM c;
WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 9999) INSERT INTO child(parent, value) SELECT i % 200 + 1, i % 13 FROM c;
SELECT iif(count(*) = 0, 'ok', 'triggers: ' || count(*)) FROM parent JOIN sums ON parent.id = sums.parent WHERE total <> s OR twice <> 2 * s;
DELETE FROM child WHERE value = 5;
SELECT iif(count(*) = 0, 'ok', 'triggers on delete: ' || count(*)) FROM parent JOIN sums ON parent.id = sums.parent WHERE total <> s;
DELETE FROM parent WHERE id > 100;
SELECT iif(count(*) = 0, 'ok', 'cascade: ' || count(*)) FROM child WHERE parent > 100;
INSERT INTO u VALUES (5, 'again') ON CONFLICT (n) DO UPDATE SET label = label || '+' || excluded.label;
SELECT iif(label = '35/5+again', 'ok', 'upsert: ' || label) FROM u WHERE n = 5;

-- many prepared statements and schema changes
CREATE TEMP TABLE made(sql TEXT);
ALTER TABLE t ADD COLUMN extra TEXT DEFAULT 'extra';
SELECT iif(count(*) = 25715, 'ok', 'added column') FROM t WHERE extra = 'extra';
ALTER TABLE t RENAME COLUMN extra TO more;
ALTER TABLE t DROP COLUMN blob;
SELECT iif(count(*) = 25715, 'ok', 'altered') FROM t WHERE more = 'extra';
REINDEX;
ANALYZE;
VACUUM;
PRAGMA integrity_check;

-- JSON, dates, strings, mathematics
SELECT iif(json_array_length(json_group_array(json_object('id', id, 'name', name))) = 25715, 'ok', 'json') FROM t;
SELECT iif(sum(value ->> 'k') = 499500, 'ok', 'json_each: ' || sum(value ->> 'k')) FROM json_each((SELECT json_group_array(json_object('k', value)) FROM (WITH RECURSIVE c(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM c WHERE value < 999) SELECT value FROM c)));
SELECT iif(date('2020-02-28', '+1 day') = '2020-02-29' AND strftime('%j', '2021-12-31') = '365', 'ok', 'dates');
SELECT iif(replace(hex(zeroblob(2000)), '0', 'ab') LIKE 'abab%' AND instr('haystack', 'st') = 4 AND substr('abcdef', -3, 2) = 'de', 'ok', 'strings');
SELECT iif(abs(sin(pi() / 6) - 0.5) < 1e-12 AND sqrt(2) * sqrt(2) < 2.0000001, 'ok', 'mathematics');

-- full text and trees
CREATE VIRTUAL TABLE f USING fts5(title, body);
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)
INSERT INTO f SELECT 'title ' || i, 'word' || (i % 100) || ' common ' || CASE WHEN i % 10 = 0 THEN 'tenth ' ELSE 'other ' END || printf('%d %d', i, i * i) FROM c;
SELECT iif(count(*) = 300, 'ok', 'fts: ' || count(*)) FROM f WHERE f MATCH 'tenth common';
SELECT iif(count(*) = 30, 'ok', 'fts: ' || count(*)) FROM f WHERE f MATCH 'word7 NOT tenth';
DELETE FROM f WHERE rowid % 2 = 0;
INSERT INTO f(f) VALUES ('optimize');
SELECT iif(count(*) = 0, 'ok', 'fts after delete: ' || count(*)) FROM f WHERE f MATCH 'tenth';
CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1);
WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 4999) INSERT INTO r SELECT i, i % 100, i % 100 + 1, i / 100, i / 100 + 1 FROM c;
SELECT iif(count(*) = 36, 'ok', 'rtree: ' || count(*)) FROM r WHERE x0 >= 10 AND x1 <= 16 AND y0 >= 10 AND y1 <= 16;

-- recursion that makes much and keeps little
WITH RECURSIVE m(x, y, n, a, b) AS (
  SELECT px.i / 20.0 - 2, py.i / 12.0 - 1, 0, 0.0, 0.0 FROM (WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 60) SELECT i FROM c) AS px,
    (WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 24) SELECT i FROM c) AS py
  UNION ALL SELECT x, y, n + 1, a * a - b * b + x, 2 * a * b + y FROM m WHERE a * a + b * b < 4 AND n < 28)
SELECT iif(count(*) > 10000, 'ok', 'mandelbrot: ' || count(*)) FROM m;
WITH RECURSIVE digits(z, lp) AS (SELECT '1', 1 UNION ALL SELECT CAST(lp + 1 AS TEXT), lp + 1 FROM digits WHERE lp < 9),
  x(s, ind) AS (SELECT s, instr(s, '.') FROM (SELECT '53..7....6..195....98....6.8...6...34..8.3..17...2...6.6....28....419..5....8..79' AS s)
    UNION ALL SELECT substr(s, 1, ind - 1) || z || substr(s, ind + 1), instr(substr(s, 1, ind - 1) || z || substr(s, ind + 1), '.') FROM x, digits AS z
    WHERE ind > 0 AND NOT EXISTS (SELECT 1 FROM digits AS lp WHERE z.z = substr(s, ((ind - 1) / 9) * 9 + lp, 1)
      OR z.z = substr(s, ((ind - 1) % 9) + (lp - 1) * 9 + 1, 1)
      OR z.z = substr(s, (((ind - 1) / 3) % 3) * 3 + ((ind - 1) / 27) * 27 + lp + ((lp - 1) / 3) * 6, 1)))
SELECT iif(s = '534678912672195348198342567859761423426853791713924856961537284287419635345286179', 'ok', 'sudoku: ' || s) FROM x WHERE ind = 0;

ATTACH ':memory:' AS other;
CREATE TABLE other.copy AS SELECT * FROM t;
CREATE INDEX other.copy_name ON copy(name);
SELECT iif(count(*) = 25715, 'ok', 'attached: ' || count(*)) FROM other.copy AS a JOIN t AS b ON a.name = b.name AND a.id = b.id;
DETACH other;
SELECT 'the end';
