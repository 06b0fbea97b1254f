-- Names that would be markup, or turn what stands around them: nothing of them may run, and no view may break.
CREATE MODEL "m<script>hacked=1</script>" FROM 'm.txt' TAGS (owner '"><script>hacked=1</script>‮', "<b>" '<img src=x onerror=hacked=1>');
CREATE SOURCE "<script>hacked=1</script>" (id BIGINT, "<img src=x onerror=hacked=1>" VARCHAR, a DOUBLE, plan VARCHAR, b DOUBLE, code DOUBLE, seen TIMESTAMP)
  FROM FILES ('in/*.jsonl', format json);
CREATE JOURNAL "'""><svg onload=hacked=1>/?#‮" KEYS ("<img src=x onerror=hacked=1>") SEQUENCE BY seen
  RULES (SET plan = coalesce(plan, '</code><script>hacked=1</script>'), CONSTRAINT "<script>hacked=1</script>" EXPECT (plan <> '</title><script>hacked=1</script>') ON VIOLATION REJECT)
  METRICS ("m""><img src=x onerror=hacked=1>" = avg(a), "javascript:hacked=1" = max(b))
  CHECKS (CHECK "c""><script>hacked=1</script>" EXPECT (count(*) > 1000 AND '</script><script>hacked=1</script>' <> '') ON FAILURE WARN)
  FROM "<script>hacked=1</script>";
CREATE STREAM "s‮&lt;&#x3c;script&gt;" AS SELECT *, "m<script>hacked=1</script>"(a, plan, b, code) AS "p</td><script>hacked=1</script>" FROM "<script>hacked=1</script>";
CREATE MONITOR "h</section><script>hacked=1</script>" ON MODEL "m<script>hacked=1</script>" FROM "s‮&lt;&#x3c;script&gt;"
  PREDICTION "p</td><script>hacked=1</script>" BY (plan);
CREATE EXPERIMENT "e<script>hacked=1</script>" VARIANTS ("<img src=x onerror=hacked=1>" 1, "b‮" 1)
  EXPOSURES (SELECT id, CASE WHEN id % 2 = 0 THEN '<img src=x onerror=hacked=1>' ELSE 'b‮' END, seen FROM "s‮&lt;&#x3c;script&gt;")
  METRIC "r""><script>hacked=1</script>" (SELECT id, a, seen FROM "s‮&lt;&#x3c;script&gt;");
CREATE ENDPOINT "ep<script>hacked=1</script>" AS SELECT 1 AS "<script>hacked=1</script>";
REFRESH;
