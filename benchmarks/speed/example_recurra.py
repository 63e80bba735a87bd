"""The simple example with recurra, as a user would write it: `python example_recurra.py [again]`.

A noisy sine, windows of four values, 32 recurrent and 8 dense units, RMSprop, 100 epochs of batches of 16. Every step
of a window is a forecast; Keras' network gives one at the last step.
"""

import json
import sys
import time

began = time.perf_counter()

import numpy as np  # noqa: E402

import recurra as rc  # noqa: E402

imported = time.perf_counter()
rng = np.random.default_rng(0)
x = np.sin(0.1 * np.arange(1000)) + 0.1 * rng.standard_normal(1000)
model = rc.RNN(
    units=32, readout=(8,), optimizer="rmsprop", schedule="constant", clip_norm=None, validation=0.0, epochs=100,
    batch_size=16, bptt_length=4,
)  # fmt: skip
model.fit(x[:800])
fitted = time.perf_counter()
found = {"import": imported - began, "training": fitted - imported, "loss": model.history_[-1]["loss"]}
if sys.argv[1:] == ["again"]:  # training alone: warm fits of 100 and of 10 epochs, and 100 epochs by their difference
    spans = []
    for epochs in (10, 100):
        again = time.perf_counter()
        model.set_params(epochs=epochs).fit(x[:800])
        spans.append(time.perf_counter() - again)
    found["again"], found["alone"] = spans[1], (spans[1] - spans[0]) * 100 / 90
print(json.dumps(found))
