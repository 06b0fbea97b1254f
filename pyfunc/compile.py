"""Compiles texts of Python, and tells the first that is none: what the worker would say of it. It needs the standard library alone."""
import json
import sys
import textwrap
import traceback

for file, line, text in json.load(sys.stdin):
    first = next((x for x in text.splitlines() if x.strip()), '')
    if first[:1].isspace():
        text = textwrap.dedent(text)
    try:
        compile('\n' * (line - 1) + text, file, 'exec', dont_inherit=True)
    except SyntaxError as e:
        end = getattr(e, 'end_offset', None) or 0
        json.dump({'kind': 'load', 'text': '%s: %s' % (type(e).__name__, e.msg),
                   'traceback': ''.join(traceback.format_exception_only(type(e), e)),
                   'frames': [[e.filename or '', e.lineno or 0, '', (e.offset or 1) - 1, end - 1]]}, sys.stdout)
        break
    except ValueError as e:  # a NUL
        json.dump({'kind': 'load', 'text': '%s: %s' % (type(e).__name__, e), 'frames': []}, sys.stdout)
        break
