"""`Sequences`: from sequences of any lengths to a number, a class or another sequence."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from scipy.special import expit, softmax

from recurra._types import whole_number
from recurra.cells import ELEMENTWISE
from recurra.errors import ConfigError, DataError, NotFittedError, unknown
from recurra.estimators import sequence_file
from recurra.estimators.parameters import Checks
from recurra.estimators.second_order import hessian_free_problems
from recurra.estimators.sequence_data import (
    Coding,
    Table,
    batches,
    hold_out,
    padded_data,
    read_inputs,
    read_targets,
)
from recurra.estimators.sequence_network import draw_network, held_out, settings
from recurra.estimators.sequence_scores import Memoryless, compare
from recurra.forecasting.compiled import Compiled
from recurra.forecasting.stream import Stream
from recurra.models import CELLS
from recurra.storage import Layout
from recurra.tasks import TASKS, TaskType
from recurra.training import INITIALISATIONS, METHODS, MOMENTA, Loss, MaskedSteps, train

LOSSES = ("squared", "absolute", "huber", "binary", "categorical")
_PROBABILITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "binary": expit,
    "categorical": lambda logits: softmax(logits, axis=-1),
}
_TOGETHER = 256  # sequences that are run at once


@dataclasses.dataclass(kw_only=True, eq=False)
class Sequences:
    """Recurrent layers and a readout, trained on pairs of an input sequence and a target; in scikit-learn's manner.

    Inputs are arrays (time, features) or sequences of symbols (a text, a list of words), of any lengths. Values are
    scaled to mean 0 and standard deviation 1 over the training sequences, symbols become one-hot rows. A target is a
    value or a vector (outputs,), with a time axis an array (time, outputs); for the loss "categorical" a class, or a
    sequence of classes. Targets that are NaN are not compared.

    Args:
        task: "many-to-one", "one-to-many", "many-to-many" or "delayed"; see `recurra.tasks.TaskType`.
        delay: steps from the last row of the input to the first of the answer, for "delayed"; with 0 it begins at the
            last row of the input.
        feedback: for "one-to-many" and "delayed": beside its input, the network sees what it gave one step before.
        cell: "elman", "gru" or "lstm".
        activation: of the hidden units of "elman", one of `recurra.cells.ACTIVATIONS` that acts on each by itself;
            "identity" makes a linear network.
        units: hidden units of each layer.
        layers: recurrent layers on top of each other.
        learned_start: train the state before the first row too, instead of zeros.
        precision: "float32" or "float64".
        loss: "squared", "absolute" or "huber" for values; "binary" for numbers from 0 to 1 that are probabilities,
            each by itself; "categorical" for classes, of which one is true.
        output: activation of the readout, for values; other than "identity", targets are not scaled.
        init: of the cell "elman": "default" or "echo-state"; see `RNN`.
        input_scale: of the initialisation "echo-state".
        optimizer: "adam", "adamw", "rmsprop", "adagrad", "sgd", "momentum", "nesterov" or "hessian-free".
        hessian_free: a table of settings of that method; see `recurra.training.HessianFree`.
        learning_rate: step length of the optimiser.
        final_learning_rate: step length at the end, along half a cosine; None keeps it constant.
        momentum: coefficient of the velocity, for "momentum" and "nesterov".
        momentum_schedule: "constant"; "delayed", 0.9 in the first 1000 updates; or "increasing" towards `momentum`.
        momentum_tail: updates at the end in which the momentum is 0.9 at most, to come to rest; 0 for none.
        averaged_updates: updates at the end whose weights are averaged, which is then what is validated and kept; 0 for
            none. It takes out what the last steps go to and fro.
        weight_decay: for "adamw".
        epochs: passes over the training sequences.
        batch_size: sequences a gradient is averaged over; None takes 32, and all of them for "hessian-free".
        clip_norm: longest gradient; None for no limit.
        validation: fraction of the sequences, drawn from `seed`, that is held out; the weights with the lowest loss
            of these are kept. 0 trains on all and keeps the last weights.
        patience: epochs without a better validation after which training stops, looked at every 10 epochs.
        seed: of the weights, the held-out sequences and the order of the others.

    Fitted attributes: `network_` (in scaled units), `inputs_` and `targets_` (how both are coded), `classes_` (of the
    loss "categorical"), `steps_` (rows of an answer unless `predict` is told: a number, "input" for as many as the
    input has, or None where the training did not say), `memoryless_` (the baselines), `history_`, `params_`.

    Example:
        >>> words = ["abba", "aab", "babab", "b", "aaa", "ab"]
        >>> model = Sequences(task="many-to-one", loss="categorical", units=4, epochs=1, validation=0)
        >>> model = model.fit(words, ["odd" if w.count("b") % 2 else "even" for w in words])
        >>> model.classes_, model.predict(["ab", "bb"]).shape
        (('even', 'odd'), (2, 2))
    """

    kind: ClassVar[str] = "sequences"
    handed: ClassVar[tuple[str, ...]] = ()  # parameters that no file holds

    task: str = "many-to-one"
    delay: int = 0
    feedback: bool = False
    cell: str = "lstm"
    activation: str = "tanh"
    units: int = 32
    layers: int = 1
    learned_start: bool = False
    precision: str = "float32"
    loss: str = "squared"
    output: str = "identity"
    init: str = "default"
    input_scale: float = 0.1
    optimizer: str = "adam"
    hessian_free: Mapping[str, Any] | None = None
    learning_rate: float = 1e-2
    final_learning_rate: float | None = None
    momentum: float = 0.9
    momentum_schedule: str = "constant"
    momentum_tail: int = 0
    averaged_updates: int = 0
    weight_decay: float = 0.0
    epochs: int = 100
    batch_size: int | None = None
    clip_norm: float | None = 1.0
    validation: float = 0.1
    patience: int | None = None
    seed: int = 0

    def check(self) -> None:
        """Refuse parameters that cannot work.

        Raises:
            ConfigError: all problems at once.
        """
        checks = Checks(self).choice("task", list(TASKS)).whole("delay", 0).flag("feedback").choice("cell", list(CELLS))
        checks.choice("activation", ELEMENTWISE).whole("units", 1, 100_000).whole("layers", 1, 1000)
        checks.flag("learned_start").choice("precision", ["float32", "float64"]).choice("loss", list(LOSSES))
        checks.choice("output", ELEMENTWISE).choice("optimizer", list(METHODS))
        checks.number("learning_rate", 0, open_low=True).number("final_learning_rate", 0, optional=True)
        checks.number("momentum", 0, 1).number("weight_decay", 0).whole("epochs", 1)
        checks.whole("batch_size", 1, optional=True).choice("momentum_schedule", list(MOMENTA))
        checks.whole("momentum_tail", 0).whole("averaged_updates", 0)
        checks.choice("init", list(INITIALISATIONS)).number("input_scale", 0, open_low=True)
        checks.number("clip_norm", 0, open_low=True, optional=True).number("validation", 0, 0.9)
        checks.whole("patience", 1, optional=True).whole("seed", 0, 2**32 - 1)
        if self.delay and self.task != "delayed":
            checks.problems.append(f"`delay` is for the task 'delayed', not {self.task!r}")
        if self.feedback and self.task not in ("one-to-many", "delayed"):
            checks.problems.append("`feedback` is for 'one-to-many' and 'delayed', which run on after the input")
        if self.output != "identity" and self.loss in _PROBABILITIES:
            checks.problems.append(f"`output`: the loss {self.loss!r} has its own, which gives probabilities")
        if self.activation != "tanh" and self.cell != "elman":
            checks.problems.append(f"`activation` is for the cell 'elman', not {self.cell!r}")
        if self.init != "default" and self.cell != "elman":
            checks.problems.append(f"`init` {self.init!r} is for the cell 'elman', not {self.cell!r}")
        checks.problems += hessian_free_problems(self)
        if self.weight_decay and self.optimizer != "adamw":
            checks.problems.append("`weight_decay` is for the optimizer 'adamw'")
        checks.raise_all()

    def fit(
        self,
        inputs: Any,
        targets: Any,
        *,
        validation: tuple[Any, Any] | None = None,
        checkpoint: Path | None = None,
        progress: Callable[[dict[str, Any]], None] | None = None,
    ) -> Self:
        """Train on pairs of an input and a target.

        Args:
            inputs: a list of arrays (time, features), one array (sequences, time, features), or a list of sequences
                of symbols; for "one-to-many" also one row (features,) each.
            targets: one for each input.
            validation: inputs and targets that validate, instead of a fraction of those.
            checkpoint: file to which the training writes its state, and from which it resumes.
            progress: called after every stretch of training with epoch, epochs, loss, validation and seconds.

        Raises:
            ConfigError: parameters that cannot work.
            DataError: sequences that are not of this task (says of which they are), values that are missing in an
                input, columns that are constant.
            DivergenceError: the training left the finite numbers.
        """
        self.check()
        vars(self).pop("network_", None)
        task = self._type
        xs = read_inputs(inputs, task)
        ys = read_targets(targets, xs, task, classes=self._classes)
        kept, held = self._split(xs, ys, validation)
        self.inputs_ = Coding.fit(kept[0], "inputs", scaled=True)
        self.targets_ = Coding.fit(kept[1], "targets", scaled=self.output == "identity" and self.loss != "binary")
        self._check_probabilities([*kept[1], *held[1]])
        coded, data = self._data(*kept)
        held_data = self._data(*held)[1] if held[0] else None
        sizes = self.inputs_.width, self.targets_.width
        how = settings(self, draw_network(self, *sizes, None), *data[1].shape)
        if self.patience is not None and held_data is None:
            raise ConfigError("`patience` waits for a better validation: set `validation` above 0")
        objective = MaskedSteps(Loss(self.loss))
        trained = train(
            draw_network(self, *sizes, self.seed),
            objective,
            data,
            how,
            validate=None if held_data is None else held_out(objective, held_data),
            checkpoint=checkpoint,
            progress=progress,
        )
        self.memoryless_ = Memoryless.fit(task, *coded)
        self.steps_ = _steps([len(x) for x in kept[0]], [len(y) for y in kept[1]])
        self.history_ = trained.history
        self.network_ = Compiled(trained.best)
        self.params_ = self.get_params()
        return self

    def predict(self, inputs: Any, *, steps: int | None = None) -> Any:
        """What the network answers: values in the units of the targets, or probabilities.

        Args:
            inputs: as of `fit`.
            steps: rows of an answer of "one-to-many" and "delayed"; None takes what the training targets had.

        Returns:
            (sequences, outputs) for "many-to-one"; otherwise a list of arrays (time, outputs).
        """
        self._fitted()
        xs = read_inputs(inputs, self._type)
        answers = self._answers(xs, self._rows_of_answers(xs, steps))
        return np.concatenate(answers) if self.task == "many-to-one" else answers

    def predict_classes(self, inputs: Any, *, steps: int | None = None) -> Any:
        """The likeliest classes; for the loss "binary" 1 where the probability is above one half, and 0.

        Returns:
            One class for each sequence for "many-to-one"; otherwise a list of classes for each. For "binary" arrays as
            of `predict`.
        """
        answers = self.predict(inputs, steps=steps)
        single = self.task == "many-to-one"
        if self.loss == "binary":
            return (answers > 0.5).astype(int) if single else [(answer > 0.5).astype(int) for answer in answers]
        if not self._classes:
            raise ConfigError(f"the loss {self.loss!r} is for values: `predict` gives them")
        return self.targets_.decided(answers) if single else [self.targets_.decided(answer) for answer in answers]

    def score(self, inputs: Any, targets: Any) -> dict[str, Any]:
        """How good the answers are, beside those of trivial baselines on the same sequences.

        Returns:
            For values mse, rmse, mae, and r2 (None where the truth is constant); for classes and the loss "binary"
            accuracy, exact (share of the sequences with every answer right) and log_loss. "baselines" has the same of
            "constant" (the mean of the training targets, or the most frequent class) and of "memoryless" (a linear
            map of the row that the network sees at a step, of the last row where the answer comes after the input).
        """
        self._fitted()
        task = self._type
        xs = read_inputs(inputs, task)
        ys = read_targets(targets, xs, task, classes=self._classes)
        self._check_probabilities(ys)
        rows, truth = [len(y) for y in ys], self.targets_.code(ys, "targets")
        kind = self.loss if self.loss in _PROBABILITIES else "values"
        guesses = self.memoryless_.answers(task, self.inputs_.code(xs, "inputs"), rows)
        found = {"network": self._answers(xs, rows)}
        found |= {name: [self.targets_.values(y) for y in answers] for name, answers in guesses.items()}
        truths = [self.targets_.values(y) for y in truth]
        scores = {name: compare(truths, answers, kind) for name, answers in found.items()}
        return {**scores.pop("network"), "baselines": scores}

    def stream(self) -> Stream:
        """The fitted network on one sequence as it comes, row by row, in the units of the data; see `Stream`.

        Raises:
            ConfigError: the task answers after its input.
        """
        self._fitted()
        if self._type.runs_on:
            raise ConfigError(f"the task {self.task!r} answers after its input, so nothing comes of it row by row")

        def coded(chunk: Any) -> np.ndarray:
            return self.inputs_.code(read_inputs([chunk], self._type), "inputs")[0]

        return Stream(self.network_.model, before=coded, after=self._finished)

    def save(self, path: Any, *, overwrite: bool = False) -> None:
        """Write the fitted model as safetensors and strict JSON; `recurra.load` reads it back, and no code runs."""
        self._fitted()
        changed = [name for name, value in self.get_params().items() if value != self.params_[name]]
        if changed:
            raise ConfigError(f"{', '.join(map(repr, changed))} changed after `fit`: fit again, or set the old value")
        sequence_file.save(self, Path(path), overwrite=overwrite)

    def layout(self, document: dict[str, Any]) -> Layout:
        """Dtype and shape of every array that the description in a model file calls for."""
        return sequence_file.layout(self, document)

    def restore(self, document: dict[str, Any], tensors: dict[str, np.ndarray]) -> "Sequences":
        """This estimator, fitted as a model file says."""
        return sequence_file.restore(self, document, tensors)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every constructor argument by name."""
        del deep  # no parameter is itself an estimator
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments by name; refuses an unknown one with the nearest known name."""
        known = [field.name for field in dataclasses.fields(self)]
        for name, value in params.items():
            if name not in known:
                raise ConfigError(unknown("parameter", name, known))
            setattr(self, name, value)
        return self

    @property
    def classes_(self) -> tuple[Any, ...]:
        """The classes, in the order of the probabilities."""
        self._fitted()
        if self.targets_.symbols is None:
            raise AttributeError(f"there are no classes: the loss is {self.loss!r}")
        return self.targets_.symbols

    @property
    def _type(self) -> TaskType:
        return TaskType(self.task, self.delay)

    @property
    def _classes(self) -> bool:
        return self.loss == "categorical"

    def _fitted(self) -> None:
        if not hasattr(self, "network_"):
            raise NotFittedError("this Sequences is not fitted yet: call `fit(inputs, targets)` first")

    def _split(self, xs: list[Table], ys: list[Table], given: Any) -> tuple[Any, Any]:
        """What is trained on, and what validates."""
        if given is not None:
            if not isinstance(given, tuple | list) or len(given) != 2:
                raise ConfigError(f"`validation` of `fit` is a pair, inputs and targets, got {given!r}")
            held = read_inputs(given[0], self._type)
            return (xs, ys), (held, read_targets(given[1], held, self._type, classes=self._classes))
        parts = hold_out(len(xs), self.validation, self.seed)
        kept, held = (([xs[k] for k in part], [ys[k] for k in part]) for part in parts)
        return kept, held

    def _data(self, xs: list[Table], ys: list[Table]) -> tuple[Any, Any]:
        """Inputs and targets, coded; and as the objective takes them."""
        coded = self.inputs_.code(xs, "inputs"), self.targets_.code(ys, "targets")
        return coded, padded_data(self._type, *coded, together=self._classes, precision=self.precision)

    def _check_probabilities(self, ys: list[Table]) -> None:
        if self.loss != "binary":
            return
        outside = [k for k, y in enumerate(map(np.asarray, ys)) if ((y < 0) | (y > 1)).any()]
        if outside:
            raise DataError(f"`targets`, sequence {outside[0]}: the loss 'binary' takes numbers from 0 to 1")

    def _rows_of_answers(self, xs: list[Table], steps: int | None) -> list[int]:
        task = self._type
        if not task.runs_on and steps is not None:
            raise ConfigError(f"`steps` is for 'one-to-many' and 'delayed': {self.task!r} has its own")
        if steps is not None and (not whole_number(steps) or steps < 1):
            raise ConfigError(f"`steps`, the rows of an answer, must be a whole number of at least 1, got {steps!r}")
        given = self.steps_ if steps is None else steps
        if not task.runs_on:
            return [task.answers(len(x)) or 0 for x in xs]
        if given is None:
            raise ConfigError("the training targets had different numbers of rows: say how many with `steps`")
        return [len(x) if given == "input" else int(given) for x in xs]

    def _answers(self, xs: list[Table], rows: list[int]) -> list[np.ndarray]:
        """The answer (rows, outputs) to each input, in the units of the targets; those of like length together."""
        task, coded = self._type, self.inputs_.code(xs, "inputs")
        seen = [task.rows(x, count) for x, count in zip(coded, rows, strict=True)]
        answers: dict[int, np.ndarray] = {}
        for now, batch in batches(seen, _TOGETHER, self.precision):
            outputs = self.network_.run(self.network_.initial_state(len(batch)), batch)[1]
            for k, y in zip(now, outputs, strict=False):
                first = task.first(len(coded[k]))
                answers[k] = self._finished(y[first : first + rows[k]])
        return [answers[k] for k in range(len(seen))]

    def _finished(self, outputs: np.ndarray) -> np.ndarray:
        """What the network gave, as probabilities or in the units of the targets."""
        probabilities = _PROBABILITIES.get(self.loss)
        return self.targets_.values(outputs) if probabilities is None else probabilities(outputs)


def _steps(inputs: list[int], targets: list[int]) -> int | str | None:
    """How many rows an answer has, as far as the training says."""
    if len(set(targets)) == 1:
        return targets[0]
    return "input" if inputs == targets else None
