"""The baseline: a bare Flask JSON answer."""

from flask import Flask

app = Flask("baseline")


@app.get("/")
def answer() -> dict[str, bool]:
    """As little as Flask can say."""
    return {"ok": True}
