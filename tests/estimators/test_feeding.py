"""Trained for the free run: what a window sees, is compared, and is drawn, from the parameters of a learner."""

import numpy as np
import pytest

import recurra as rc
from recurra.errors import Interrupted
from recurra.estimators.training_options import objective, windows
from recurra.models import to_tensors
from recurra.training import Feeding

SMALL = {"units": 4, "bptt_length": 8, "epochs": 10, "batch_size": 16, "learning_rate": 0.02, "origins": 5}
WAVE = np.sin(0.3 * np.arange(90))


def _bits(model):
    return {name: array.tobytes() for name, array in to_tensors(model.network_.model).items()}


@pytest.mark.parametrize("kind", ["mixed", "sampled", "leading"])
def test_data_at_every_step_are_the_training_without_a_feeding_to_the_bit(kind):
    plain = rc.LSTM(**SMALL).fit(WAVE)
    assert _bits(rc.LSTM(**SMALL, feeding=kind, final_data_share=1.0).fit(WAVE)) == _bits(plain)


def test_what_a_feeding_makes_of_the_objective():
    def made(**options):
        found = objective(rc.GRU(**SMALL, **options))
        return found.teacher_forced, found.feeding, found.washout

    assert made() == (8, Feeding(), 0)
    assert made(teacher_forced=3, washout=2) == (3, Feeding(), 2)
    assert made(feeding="mixed") == (4, Feeding("mixed"), 0)
    assert made(feeding="mixed", teacher_forced=1) == (1, Feeding("mixed"), 0)
    assert made(input_noise=0.1) == (8, Feeding(noisy=True), 0)
    fed = {"feeding": "sampled", "final_data_share": 0.2, "share_schedule": "exponential"}
    assert made(**fed) == (4, Feeding("sampled", "exponential"), 0)
    finite = objective(rc.FFNN(order=6, bptt_length=8, feeding="mixed"), 6)
    assert finite.teacher_forced == 6  # its memory is filled first


def test_the_numbers_of_a_feeding():
    model = rc.GRU(**SMALL, feeding="leading", final_data_share=0.25, input_noise=0.3, seed=7)
    values = WAVE[:, None].copy()
    values[5] = np.nan
    found = windows(model, [(values, np.zeros((90, 0)))])
    assert (float(found.fed.first), float(found.fed.last)) == (1.0, 0.25)
    assert float(found.fed.noise) == np.float32(0.3)
    assert float(found.fed.updates) == 10 * (82 // 16)  # all epochs, of whole batches
    assert found.fed.seed.tolist() == [0, 7]
    assert found.observed.sum() == 89
    few = windows(
        rc.GRU(**SMALL, feeding="mixed", data_share=0.5, final_data_share=0.5, share_epochs=4),
        [(values, np.zeros((90, 0)))],
    )
    assert (float(few.fed.last), float(few.fed.updates)) == (0.5, 4 * (82 // 16))


@pytest.mark.parametrize(
    "build",
    [
        lambda **fed: rc.RNN(**{**SMALL, **fed}),
        lambda **fed: rc.FFNN(**{**SMALL, **fed, "bptt_length": 12}, order=5),
    ],
    ids=["rnn", "ffnn"],
)
def test_a_stopped_fit_goes_on_with_the_same_bits(build, tmp_path):
    rng = np.random.default_rng(0)
    drive = rng.normal(size=90)
    values = WAVE + 0.1 * drive
    values[[30, 31]] = np.nan
    series = rc.Series(values[:, None], inputs=rc.Series(drive[:, None], channels=["F"])).masked()
    fed = {"feeding": "sampled", "data_share": 1.0, "final_data_share": 0.1, "input_noise": 0.02, "epochs": 20}
    fed |= {"share_schedule": "inverse-sigmoid", "share_epochs": 15}
    whole = build(**fed).fit(series)

    def stop(entry):
        if entry["epoch"] == 10:
            raise Interrupted("stopped", signal_number=15)

    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(Interrupted):
        build(**fed).fit(series, checkpoint=path, progress=stop)
    again = build(**fed).fit(series, checkpoint=path)
    assert _bits(again) == _bits(whole)
    assert again.history_ == whole.history_
    assert [entry["validation"] is not None for entry in whole.history_] == 2 * [*9 * [False], True]  # the closed loop


def test_a_washout_leaves_the_errors_of_an_unknown_past_out():
    """Of a sine, the first row does not say whether it rises: (1 + cos 0.3) / 2 of the first increment is unknown."""
    wave, options = np.sin(0.3 * np.arange(2000)), {"validation": 0, "increment": True, "stride": 5}
    plain, washed = (rc.GRU(**SMALL, **options, washout=steps).fit(wave).history_[-1]["loss"] for steps in (0, 4))
    assert plain > 0.95 * (1 + np.cos(0.3)) / 2 / SMALL["bptt_length"]
    assert washed < 0.02
