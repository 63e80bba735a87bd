"""Japanese vowels: nine speakers told apart by an utterance of 7 to 29 frames."""

from typing import Any

import numpy as np

from recurra.suites.suite import Case, Entry, Measure, Published, Suite

SPEAKERS = 9
Utterances = list[np.ndarray]

RESERVOIR: dict[str, Any] = {
    "units": 400,
    "spectral_radius": 0.216,
    "in_degree": 10,
    "input_scaling": 0.181,
    "bias_scaling": 1.0,
    "leak": 0.43,
}
FRAMES, RIDGE, MEMBERS = 5, 10.0, 10
GRU: dict[str, Any] = {
    "cell": "gru",
    "units": 64,
    "batch_size": 16,
    "epochs": 60,
    "learning_rate": 5e-3,
    "final_learning_rate": 1e-4,
    "validation": 0.0,
}


def read(part: str) -> tuple[Utterances, np.ndarray]:
    """The utterances of a part, and the speaker of each, 1 to 9."""
    from recurra.data import datasets

    series = datasets.load("japanese-vowels", part=part)
    return [segment.values for segment in series.segments], np.array(series.provenance["labels"])


def measure(case: Case) -> dict[str, Any]:
    """Learn the 270 utterances, and name the speakers of the other 370."""
    (train, speakers), (test, truth) = read("train"), read("test")
    settings = dict(case.entry.settings)
    if case.entry.learner == "reservoir":
        members = settings.pop("members", 1)
        votes = sum(reservoir_votes(train, speakers, test, members * case.seed + k, settings) for k in range(members))
        found = np.argmax(votes, axis=1) + 1
    elif case.entry.learner == "sequences":
        found = network_answers(train, speakers, test, {**settings, "seed": case.seed})
    else:
        whole = np.concatenate(train)
        seen, new = (mean_frames(each, whole.mean(axis=0), whole.std(axis=0)) for each in (train, test))
        found = np.argmax(linear_votes(seen, new, speakers), axis=1) + 1
    return {"accuracy": 100 * np.mean(found == truth), "errors": int(np.sum(found != truth))}


def reservoir_votes(
    train: Utterances, speakers: np.ndarray, test: Utterances, seed: int, settings: dict[str, Any]
) -> np.ndarray:
    """A vote for each speaker (utterances, 9): states and frames at five times of an utterance, a ridge readout.

    Reference: H. Jaeger, M. Lukosevicius, D. Popovici, U. Siewert, Neural Networks 20 (2007) 335-352, section 4.4.
    """
    from recurra.reservoirs import draw_reservoir

    whole = np.concatenate(train)
    mean, std = whole.mean(axis=0), whole.std(axis=0)
    reservoir = draw_reservoir(features=whole.shape[1], seed=seed, **settings)

    def seen(utterance: np.ndarray) -> np.ndarray:
        rows = (utterance - mean) / std
        states = reservoir.harvest(np.zeros(reservoir.units), rows)
        at = np.linspace(0, len(rows) - 1, FRAMES + 1)[1:].round().astype(int)
        return np.concatenate([states[at].ravel(), rows[at].ravel()])

    return linear_votes(np.stack(list(map(seen, train))), np.stack(list(map(seen, test))), speakers)


def linear_votes(train: np.ndarray, test: np.ndarray, speakers: np.ndarray) -> np.ndarray:
    """Ridge regression on indicators of the speakers, in its dual form: there are more features than utterances."""
    from recurra.threads import one_blas_thread

    wanted = np.eye(SPEAKERS)[speakers - 1]
    with one_blas_thread():
        train, test = (np.concatenate([each, np.ones((len(each), 1))], axis=1) for each in (train, test))
        return test @ (train.T @ np.linalg.solve(train @ train.T + RIDGE * np.eye(len(train)), wanted))


def mean_frames(utterances: Utterances, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """The mean frame of each, in standard deviations: no order, no memory."""
    return np.stack([(each.mean(axis=0) - mean) / std for each in utterances])


def network_answers(train: Utterances, speakers: np.ndarray, test: Utterances, settings: dict[str, Any]) -> np.ndarray:
    """What a recurrent network says after the last frame."""
    from recurra.estimators.sequences import Sequences

    model = Sequences(task="many-to-one", loss="categorical", **settings).fit(train, speakers.tolist())
    return np.array(model.predict_classes(test))


SUITE = Suite(
    name="japanese-vowels",
    title="Japanese vowels: the speaker of an utterance, one of nine",
    protocol=(
        "270 utterances of 7 to 29 frames of 12 coefficients are learnt, 370 are tested, as the authors of the data "
        "divided them. A reservoir is driven by the frames; states and frames at five times of the utterance go to a "
        "ridge readout, and ten reservoirs add their votes. Settings were chosen by tenfold cross-validation on the "
        "270. A trained network answers after the last frame."
    ),
    source="M. Kudo et al., Pattern Recognition Letters 20 (1999) 1103-1111",
    measures=(
        Measure("accuracy", "utterances recognised, %", "higher"),
        Measure("errors", "errors of 370", "lower"),
    ),
    entries=(
        Entry("reservoir N=400", "reservoir", RESERVOIR),
        Entry("ten reservoirs N=400", "reservoir", {**RESERVOIR, "members": MEMBERS}),
        Entry("gru N=64", "sequences", GRU),
        Entry("linear, mean frame", "mean frame", seeded=False, baseline=True),
    ),
    published=(
        Published("echo state network N=500, tutorial of reservoirpy, every frame", "accuracy", 92.8, "its output"),
        Published("the same, last state", "accuracy", 87.3, "its output"),
        Published(
            "ensemble of leaky echo state networks, Jaeger 2007", "accuracy", 100.0, "Neural Networks 20: no errors"
        ),
    ),
    measure=measure,
    seeds=5,
    any_learner=False,
)
