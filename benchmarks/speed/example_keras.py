"""The simple example with Keras, as the lecture writes it: `python example_keras.py [every]`.

`every` asks for a forecast at every step of a window, as recurra gives it, instead of one at the last.
"""

import json
import sys
import time

began = time.perf_counter()

import keras  # noqa: E402
import numpy as np  # noqa: E402

imported = time.perf_counter()
every = sys.argv[1:] == ["every"]
rng = np.random.default_rng(0)
x = np.sin(0.1 * np.arange(1000)) + 0.1 * rng.standard_normal(1000)
x = ((x[:800] - x[:800].mean()) / x[:800].std()).astype("float32")
windows = np.lib.stride_tricks.sliding_window_view(x, 5)
inputs, targets = windows[:, :4, None], windows[:, 1:, None] if every else windows[:, 4]
model = keras.Sequential(
    [
        keras.layers.SimpleRNN(32, return_sequences=every),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1),
    ]
)
model.compile(loss="mse", optimizer="rmsprop")
ends: list[float] = []
watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
history = model.fit(inputs, targets, epochs=100, batch_size=16, verbose=0, callbacks=[watch]).history["loss"]
fitted = time.perf_counter()
alone = (ends[-1] - ends[0]) * len(ends) / (len(ends) - 1)  # the first epoch compiles
print(json.dumps({"import": imported - began, "training": fitted - imported, "alone": alone, "loss": history[-1]}))
