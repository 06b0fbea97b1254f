import re


def features(text):
    words = re.findall(r"[a-z']+", text.lower())
    upset = {"refund", "cancel", "cancelled", "late", "worst", "nobody"}
    return {"words": len(words), "asks": text.count("?"), "upset": sum(w in upset for w in words)}
