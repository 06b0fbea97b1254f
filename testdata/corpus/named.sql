-- In a file of their own: DuckDB refuses named and positional parameters in one text.
PREPARE p2 AS SELECT $named AS a, $other || ';' AS b;
EXECUTE p2(named := 1, other := 'x');
PREPARE p4 AS SELECT $a$ not a parameter; $a$ AS x, $b AS y;
EXECUTE p4(b := ';');
PREPARE p5 AS INSERT INTO nothing VALUES ($a);
SELECT $x;
EXECUTE p4(c := 1);
DEALLOCATE PREPARE p2;
DEALLOCATE p4
