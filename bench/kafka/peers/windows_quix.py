"""The job of bench/windows.py in quixstreams, one process. TOPIC OUT N"""
import os, sys, tempfile, time
from datetime import timedelta
from quixstreams import Application
from quixstreams.dataframe.windows import Count, Mean

topic, out, n = sys.argv[1], open(sys.argv[2], 'w'), int(sys.argv[3])
with tempfile.TemporaryDirectory() as state:
    app = Application(broker_address=os.environ['DSQL_KAFKA'], consumer_group='quix-%s' % time.time(), auto_offset_reset='earliest', commit_interval=5,
                      loglevel='WARNING', state_dir=state, use_changelog_topics=False)
    sdf = app.dataframe(app.topic(topic, value_deserializer='json', timestamp_extractor=lambda v, h, ts, tt: v['ts']))
    sdf = sdf.tumbling_window(timedelta(minutes=1), grace_ms=timedelta(minutes=1)).agg(n=Count(), a=Mean('amount')).final()
    sdf = sdf.update(lambda v, k, ts, h: out.write(f"{k.decode() if isinstance(k, bytes) else k},{v['start']},{v['n']},{v['a']!r}\n"), metadata=True)
    app.run(count=n, timeout=60)
    out.close()
