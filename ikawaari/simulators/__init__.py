"""Payment providers, simulated: each speaks its provider's protocol on a real socket, as the provider documents it.

A simulator exists to test an adapter, so it must not share a mistake with one: it imports nothing of the rest of the
program. `ground.py` is what all of them stand on; each provider has a file (or a folder), and a line in `registry.py`.

Every simulator answers five addresses of its own:

- `POST /_sim/next {"kind", "times", "on", …}` orders a fault for the next answers or callbacks (`orders.py`);
- `POST /_sim/clock {"advance_seconds"}` moves its clock forward, and what falls due until then happens;
- `POST /_sim/set {…}` changes how it behaves from now on, `GET /_sim/set` returns that;
- `GET /_sim/ledger` returns every charge and refund: the truth to compare with;
- `GET /_sim/callbacks` returns every delivery of a callback, and how it was answered.
"""
