"""Clients of dsql serve that others wrote: python serve_clients.py URL. Its endpoints and its model are those of TestServeClients."""

import subprocess
import sys

import numpy
import pandas
import prometheus_client.parser
import pyarrow
import tritonclient.http
from urllib.request import Request, urlopen

url = sys.argv[1]


def ask(path, body=None, accept="application/json"):
    headers = {"Accept": accept, "Content-Type": "application/json"}
    return urlopen(Request(url + path, body, headers))


# Schemathesis: what /openapi.json says holds. Whether a value is taken isn't asked: parameters are converted as fields of a source are,
# which no schema says, and so is not what is SQL.
checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance,unsupported_method"
st = subprocess.run([sys.executable, "-m", "schemathesis.cli", "run", url + "/openapi.json", "--checks", checks, "--max-examples", "20",
                     "--no-color", "--seed", "1"], capture_output=True, text=True)
if st.returncode != 0:
    sys.exit(st.stdout + st.stderr)

# Triton: the Open Inference Protocol.
triton = tritonclient.http.InferenceServerClient(url.removeprefix("http://"))
assert triton.is_server_live() and triton.is_server_ready() and triton.is_model_ready("late")
inputs = triton.get_model_metadata("late")["inputs"]
sent = []
for name, values in (("dep_delay", [30.0, 2.0]), ("distance", [900.0, 100.0])):
    x = tritonclient.http.InferInput(name, [2], "FP64")
    x.set_data_from_numpy(numpy.array(values), binary_data=False)
    sent.append(x)
outputs = [tritonclient.http.InferRequestedOutput(o["name"], binary_data=False) for o in triton.get_model_metadata("late")["outputs"]]
got = triton.infer("late", sent, outputs=outputs).as_numpy(outputs[0].name())
assert len(inputs) == 2 and list(got) == [1.0, -1.0], got
try:
    triton.infer("late", sent[:0] + [tritonclient.http.InferInput("nope", [1], "FP64").set_data_from_numpy(numpy.array([1.0]), binary_data=False)])
    sys.exit("an input that isn't there was taken")
except tritonclient.http.InferenceServerException as e:
    assert "nope" in e.message(), e

# Prometheus: names, types and help.
families = {f.name: f for f in prometheus_client.parser.text_string_to_metric_families(ask("/metrics").read().decode())}
assert families["dsql_ready"].samples[0].value == 1 and families["dsql_http_requests"].type == "counter", sorted(families)
assert families["dsql_http_request_seconds"].type == "histogram" and all(f.documentation for f in families.values())

# pandas, by Arrow and by CSV.
arrow = pyarrow.ipc.open_stream(ask("/v1/endpoints/delays?id=A", accept="application/vnd.apache.arrow.stream").read()).read_pandas()
assert list(arrow["delay"]) == [1.5, 2.5] and list(arrow.columns) == ["id", "delay", "day"], arrow
csv = pandas.read_csv(ask("/v1/query", b'{"sql": "SELECT id, delay FROM flights ORDER BY day"}', accept="text/csv"))
assert list(csv["id"]) == ["A", "B", "C", "A"] and csv["delay"].isna().sum() == 1, csv
print("all right")
