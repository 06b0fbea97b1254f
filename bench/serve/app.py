"""The peer of serve.py: FastAPI, as its tutorial has it, with LightGBM. Two ways: a thread of the pool for each request, and none."""
import lightgbm as lgb, numpy as np
from typing import Optional
from fastapi import FastAPI
from pydantic import create_model
b = lgb.Booster(model_file='lgb31.txt')
Row = create_model('Row', **{f'f{i}': (Optional[float], None) for i in range(30)})
app = FastAPI()


@app.post('/predict')
def predict(r: Row):
    x = np.array([[getattr(r, f'f{i}') if getattr(r, f'f{i}') is not None else np.nan for i in range(30)]])
    return {'score': float(b.predict(x, num_threads=1)[0])}


@app.post('/predict_async')
async def predict2(r: Row):
    x = np.array([[v if v is not None else np.nan for v in r.model_dump().values()]])
    return {'score': float(b.predict(x, num_threads=1)[0])}
