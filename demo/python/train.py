"""Learns from past messages who left afterwards."""
import joblib
import pandas as pd
from sklearn.linear_model import LogisticRegression

from features import features

past = pd.read_csv("past.csv")
X = pd.DataFrame([features(text) for text in past.text])
joblib.dump(LogisticRegression().fit(X, past.gone), "churn.joblib")
