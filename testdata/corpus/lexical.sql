-- Where a ; or a quote stands that ends nothing.
SELECT 'a;b', "c;d" FROM (SELECT 1 AS "c;d");
SELECT 'it''s; "quoted"', 'two '' '' quotes', '''', '''''', ';''';
SELECT "a""b;" FROM (SELECT 2 AS "a""b;");
SELECT E'a\'b;c', e'\\', E'\\\'', E'tab\tnl\n;', E'\x41\x3b\101', E'a''b;';
SELECT 'a\', 'b\\';
SELECT 'no escape: \', ';';
SELECT $$a;b'c"d$$, $$ -- no comment; $$, $$ /* neither; $$;
SELECT $tag$ a; $$ ' " $ta $tag$, $_t1$;$_t1$, $é$ ; $é$;
SELECT $a$ $b$ ; $a$, $$$$, $$ $ $$;
SELECT 1 -- a comment; with a semicolon and a ' quote
, 2; -- and one behind; it
SELECT /* a; comment ' " $$ */ 1;
SELECT /* nested /* comments; /* deep */ ; */ ' */ 2;
SELECT /**/ 3 /***/, /* * / ** // */ 4, /* -- */ 5 --/* ;
;
SELECT 6 --
;
SELECT 7 /* -- ; */ + /* '; */ 1;
SELECT 8*/* times; */2, 8-/**/-1, 8/ /* by */2;
SELECT 9--;
+1;
SELECT 10-+-1, 2- -3, 1+-/* ; */1;
SELECT x'AB;' IS NULL;
SELECT 'a'
'b;c';
SELECT 'a' -- between; them
   ';b';
SELECT 'multi
line; string', "multi
line" FROM (SELECT 1 AS "multi
line");
SELECT 1 AS a$b$c, 2 AS _x$1, 3 AS é, 4 AS "日本;", 5 AS 日本語, 6 AS 🦆, 7 AS ünïcödé$;
SELECT a$$b FROM (SELECT 'c;' AS a$$b);
SELECT 1 AS "select", 2 AS "a.b", 3 AS " ", 4 AS "'";
SELECT 1 AS b, 'x' AS n, 'e' AS e, e FROM (SELECT 5 AS e);
SELECT 1 e, 2e1, 3 e1, e'a\';b' e2;
SELECT{'a':1}, [1]AS"x;"FROM(SELECT 1);
SELECT 1 AS nbsp, 'keeps ;' ;
SELECT'a'||$$;$$||"b"FROM(SELECT';'AS"b");
SELECT count(*)FILTER(WHERE x>1)FROM range(3)t(x);
SELECT .5, 5., 5.e1;
SELECT 1;;SELECT 2;
;
; ;
/* a comment alone; */ ;
-- another one;
SELECT 3; SELECT 4;SELECT 5
;SELECT 6;
SELECT ';' ; SELECT ';;' ;; SELECT ";" FROM (SELECT 1 AS ";");
SELECT '--', '/*', '*/', $$'$$, "--" FROM (SELECT 1 AS "--");
SELECT 'a' /* ' */ AS "b" -- "
, $x$ $X$ ; $x$;
SELECT [';', '"', $$'$$], {'k;': ';'}, ';'::VARCHAR, (';');
SELECT '日本;語', 'é''é;', '🦆;';
SELECT regexp_replace('a;b', ';', '\;'), regexp_matches('a"b', '["'']'), replace('a;b', ';', ''';''');
SELECT 'ends with a backslash \'; SELECT '\'; SELECT E'\\'; SELECT E'\';';
SELECT U FROM (SELECT 1 AS U), (SELECT 2 AS N);
SELECT 1 AS "semi;colon", "semi;colon" + 1 FROM (SELECT 3 AS "semi;colon");
	SELECT	'tabs;'	AS	t	;
SELECT 'the last, without a semicolon' /* ; */ -- ;
