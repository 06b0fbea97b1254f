-- Messages of clients → features by a Python function → a scikit-learn model → an A/B experiment → files for those who act on it.
CREATE SOURCE messages_in (client_id BIGINT, sent_at TIMESTAMP, text VARCHAR) FROM FILES ('in/*.jsonl', format json);

CREATE FUNCTION features(text VARCHAR) RETURNS STRUCT(words BIGINT, asks BIGINT, upset BIGINT)
  LANGUAGE python FROM 'features.py:features';
CREATE MODEL churn FROM 'churn.joblib' FORMAT sklearn INPUT (words BIGINT, asks BIGINT, upset BIGINT) TAGS (owner 'care');
CREATE EXPERIMENT winback VARIANTS (control 50, offer 50) SALT '2026-03';

CREATE STREAM messages
  RULES (CONSTRAINT says_something EXPECT (length(text) > 0))
  FROM messages_in;

CREATE STREAM scored
  METRICS (mean_risk = avg(risk), offers = count(*) FILTER (variant = 'offer'))
  CHECKS (CHECK risks EXPECT (null_ratio(risk) = 0))
  AS SELECT client_id, sent_at, features(text) AS f, churn(f)[2] AS risk, winback(client_id) AS variant FROM STREAM messages;

CREATE STREAM offers AS SELECT client_id, sent_at, round(risk, 2) AS risk FROM STREAM scored WHERE risk > 0.5 AND variant = 'offer';
CREATE SINK offers_out INTO FILES ('out', format csv) FROM offers;

REFRESH;
SELECT variant, count(*) AS messages, round(avg(risk), 2) AS mean_risk FROM scored GROUP BY ALL ORDER BY variant;
