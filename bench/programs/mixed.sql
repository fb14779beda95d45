-- What SQLite is used for: filling, indexing, joining, sorting, changing, with much of the work in memory.
PRAGMA journal_mode = MEMORY;
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INTEGER, x REAL);
BEGIN;
WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200000) INSERT INTO t SELECT i, printf('name-%06d', i * 7919 % 200000), i % 1000, i / 3.0 FROM c;
COMMIT;
CREATE INDEX t_name ON t(name);
CREATE INDEX t_n ON t(n, name);
SELECT count(*), sum(x) FROM t WHERE name BETWEEN 'name-050000' AND 'name-150000';
SELECT n, count(*), max(name), group_concat(id) FROM t GROUP BY n;
SELECT count(*) FROM t AS a JOIN t AS b ON a.n = b.n AND a.id < b.id WHERE a.n < 60;
SELECT sum(length(r)) FROM (SELECT upper(name) || hex(id) AS r FROM t ORDER BY r DESC);
SELECT max(r) FROM (SELECT row_number() OVER (PARTITION BY n ORDER BY name) AS r FROM t);
UPDATE t SET name = name || '-changed', n = n + 1 WHERE id % 2 = 0;
DELETE FROM t WHERE id % 5 = 0;
SELECT count(*) FROM (SELECT DISTINCT substr(name, 1, 9) FROM t);
SELECT sum(json_extract(json_object('id', id, 'name', name), '$.id')) FROM t;
VACUUM;
