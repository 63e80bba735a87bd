"""The recurrent layers as functions of JAX: foreign functions of XLA with their first derivatives, on a CPU.

The passes of a layer are primitives: the recorded run, its tangent, and the transpose of that. The last two are linear
in what is pushed through them and each other's transpose: JAX makes gradients, tangents and linearised functions of
them, and one tape serves any number of each.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import compress
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import ShapedArray
from jax.extend.core import JaxprEqn, Primitive
from jax.interpreters import ad, batching, mlir, partial_eval

from recurra.native import sequences
from recurra.native.status import compiled, kernels, status, threads

Arrays = tuple[jax.Array, ...]
Shapes = list[tuple[int, ...]]
INPUTS: tuple[str, ...] = ("x", "h", "c", "U", "W", "b", "d")
OUTPUTS: tuple[str, ...] = ("hs", "h", "c")
TAPED = 6  # x, U, W, the steps that are there, the states and the gates: what the linear passes look at


@dataclass(frozen=True)
class Layer:
    """What is known of a layer before it runs.

    Args:
        cell, activation: as of `recurra.native.sequences.Weights`.
    """

    cell: str
    activation: str = "tanh"

    @property
    def attributes(self) -> dict[str, np.int64]:
        """What the foreign functions take beside arrays."""
        kinds = sequences.CELLS[self.cell], sequences.ACTIVATIONS[self.activation], threads()
        return {name: np.int64(kind) for name, kind in zip(("cell", "squash", "threads"), kinds, strict=True)}

    def has(self, name: str) -> bool:
        """Whether there is such an input or output."""
        return self.cell == {"c": "lstm", "d": "gru"}.get(name, self.cell)

    def outputs(self, x: Any, W: Any) -> Shapes:
        """Shapes of h after every step, and of h and c after the last."""
        (batch, steps, _), units = x.shape, W.shape[1]
        return [(batch, steps, units), (batch, units), (batch, units) if self.has("c") else (0,)]

    def tape(self, x: Any, W: Any) -> tuple[int, int]:
        """Numbers of the states and of the gates of a tape."""
        (batch, steps, _), units = x.shape, W.shape[1]
        return kernels().tape_sizes(sequences.CELLS[self.cell], batch, steps, units, x.dtype == np.float32)


@cache
def available() -> bool:
    """Whether JAX can run the kernels here; it is told of them when this is first asked."""
    module = compiled("_ffi") if status().active else None
    if module is None or jax.default_backend() != "cpu":
        return False
    module.use(status().isa)
    for name, handler in module.handlers().items():
        jax.ffi.register_ffi_target(f"recurra_{name}", handler, platform="cpu")
    return True


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def run(layer: Layer, x: Any, h: Any, c: Any, U: Any, W: Any, b: Any, d: Any, present: Any) -> Arrays:
    """Run a layer over a batch of sequences.

    Args:
        layer: its kind.
        x: (batch, steps, inputs).
        h, c: the state before (batch, units); c of no rows but for "lstm".
        U, W, b, d: weights; d of no rows but for "gru".
        present: (batch, steps), False at steps that leave the state as it is; no rows for all.

    Returns:
        h after every step (batch, steps, units), and h and c after the last.
    """
    shapes = [*layer.outputs(x, W), (0,), (0,)]
    return tuple(_call("forward", layer, shapes, (x, h, c, U, W, b, d, present))[:3])


@partial(run.defjvp, symbolic_zeros=True)
def _run_along(layer: Layer, given: Any, directions: Any) -> tuple[Arrays, Arrays]:
    *outputs, kept, gates = _record.bind(*given, layer=layer)
    x, _, _, U, W, _, _, present = given
    some = {
        name: direction
        for name, direction in zip(INPUTS, directions[:-1], strict=True)
        if layer.has(name) and not isinstance(direction, jax.custom_derivatives.SymbolicZero)
    }
    if not some:  # along c of a layer that has none
        return tuple(outputs), tuple(map(jnp.zeros_like, outputs))
    taped = x, U, W, present, kept, gates
    found = _tangent.bind(*taped, *some.values(), layer=layer, along=tuple(some), of=OUTPUTS)
    return tuple(outputs), tuple(found)


def _call(name: str, layer: Layer, shapes: Shapes, given: Sequence[Any]) -> list[jax.Array]:
    dtype = given[0].dtype
    call = jax.ffi.ffi_call(
        f"recurra_{name}_{dtype}",
        [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes],
        vmap_method="sequential",
    )
    return list(call(*given, **layer.attributes))


def _primitive(
    name: str, run: Callable[..., list[jax.Array]], shapes: Callable[..., Shapes], *settings: str
) -> Primitive:
    """A primitive that does what a function with some settings does, once for each where it is mapped over."""
    made = Primitive(f"recurra_{name}")
    made.multiple_results = True

    def shaped(*given: Any, **settings: Any) -> list[ShapedArray]:
        return [ShapedArray(shape, given[0].dtype) for shape in shapes(*given, **settings)]

    def mapped(given: Sequence[Any], axes: Sequence[int | None], **settings: Any) -> Any:
        many = {k: jnp.moveaxis(given[k], axis, 0) for k, axis in enumerate(axes) if axis is not None}

        def one(some: dict[int, Any]) -> Any:
            return made.bind(*(some.get(k, each) for k, each in enumerate(given)), **settings)

        found = jax.lax.map(one, many)
        return found, [0] * len(found)

    made.def_impl(jax.jit(run, static_argnames=("layer", *settings)))
    made.def_abstract_eval(shaped)
    batching.primitive_batchers[made] = mapped
    mlir.register_lowering(made, mlir.lower_fun(run, multiple_results=True))
    return made


def _record_shapes(*given: Any, layer: Layer) -> Shapes:
    x, W = given[0], given[4]
    kept, gates = layer.tape(x, W)
    return [*layer.outputs(x, W), (kept,), (0 if layer.cell == "elman" else gates,)]


def _run_record(*given: Any, layer: Layer) -> list[jax.Array]:
    """The run, and what it keeps: its states, and its gates but for "elman", where nothing looks at them."""
    return _call("forward", layer, _record_shapes(*given, layer=layer), given)


def _tangent_shapes(*given: Any, layer: Layer, along: tuple[str, ...], of: tuple[str, ...]) -> Shapes:
    del along
    shapes = dict(zip(OUTPUTS, layer.outputs(given[0], given[2]), strict=True))
    return [shapes[name] for name in of]


def _run_tangent(*given: Any, layer: Layer, along: tuple[str, ...], of: tuple[str, ...]) -> list[jax.Array]:
    """The tangents of some of the outputs, along some of the inputs."""
    directions = dict(zip(along, given[TAPED:], strict=True))
    everything = [directions.get(name, np.zeros(0, given[0].dtype)) for name in INPUTS]
    every = zip(OUTPUTS, layer.outputs(given[0], given[2]), strict=True)
    results = [shape if name in of else (0,) for name, shape in every]
    found = _call("tangent", layer, results, (*given[:TAPED], *everything))
    return [found[OUTPUTS.index(name)] for name in of]


def _cotangent_shapes(*given: Any, layer: Layer, of: tuple[str, ...], wanted: tuple[str, ...]) -> Shapes:
    del of
    x, U, W, *_ = given
    end, rows = (x.shape[0], W.shape[1]), W.shape[:1]
    shapes: dict[str, Any] = dict(zip(INPUTS, (x.shape, end, end, U.shape, W.shape, rows, rows), strict=True))
    return [shapes[name] for name in wanted if layer.has(name)]


def _run_cotangent(*given: Any, layer: Layer, of: tuple[str, ...], wanted: tuple[str, ...]) -> list[jax.Array]:
    """The gradients of <some given numbers, their outputs> with respect to the inputs that are wanted."""
    taped, numbers = given[:TAPED], dict(zip(of, given[TAPED:], strict=True))
    hs, h, c = (numbers.get(name, np.zeros(0, taped[0].dtype)) for name in OUTPUTS)
    together = {"x"}, {"h", "c"}, {"U", "W", "b", "d"}  # what the kernel computes at once
    asked = {name for some in together if some & {*wanted} for name in some if layer.has(name)}
    every = _cotangent_shapes(*given, layer=layer, of=of, wanted=tuple(filter(layer.has, INPUTS)))
    shapes = dict(zip(filter(layer.has, INPUTS), every, strict=True))
    results = [shapes[name] if name in asked else (0,) for name in INPUTS]
    found = _call("backward", layer, results, (*taped, hs, h, c))
    return [found[INPUTS.index(name)] for name in wanted]


_record = _primitive("record", _run_record, _record_shapes)
_tangent = _primitive("tangent", _run_tangent, _tangent_shapes, "along", "of")
_cotangent = _primitive("cotangent", _run_cotangent, _cotangent_shapes, "of", "wanted")


def _refuse(*_: Any, **__: Any) -> Any:
    raise TypeError(
        "the native kernels have first derivatives alone, and a second one is asked for: run the layer with "
        "`forward_mode=True`, which scans it"
    )


def _not_zero(names: Sequence[str], tangents: Sequence[Any]) -> dict[str, Any]:
    return {name: each for name, each in zip(names, tangents, strict=True) if not isinstance(each, ad.Zero)}


def _tangent_along(given: Any, directions: Any, *, along: tuple[str, ...], **settings: Any) -> Any:
    if any(not isinstance(each, ad.Zero) for each in directions[:TAPED]):
        _refuse()
    some = _not_zero(along, directions[TAPED:])
    after = _tangent.bind(*given[:TAPED], *some.values(), along=tuple(some), **settings)
    return _tangent.bind(*given, along=along, **settings), after


def _cotangent_along(given: Any, directions: Any, *, of: tuple[str, ...], **settings: Any) -> Any:
    if any(not isinstance(each, ad.Zero) for each in directions[:TAPED]):
        _refuse()
    some = _not_zero(of, directions[TAPED:])
    after = _cotangent.bind(*given[:TAPED], *some.values(), of=tuple(some), **settings)
    return _cotangent.bind(*given, of=of, **settings), after


def _tangent_transposed(numbers: Any, *given: Any, layer: Layer, along: tuple[str, ...], of: tuple[str, ...]) -> Any:
    some = {name: each for name, each in _not_zero(of, numbers).items() if layer.has(name)}
    wanted = tuple(n for n, each in zip(along, given[TAPED:], strict=True) if ad.is_undefined_primal(each))
    settings: dict[str, Any] = {"layer": layer, "of": tuple(some), "wanted": wanted}
    found = _cotangent.bind(*given[:TAPED], *some.values(), **settings)
    parts = dict(zip(wanted, found, strict=True))
    return [None] * TAPED + [parts.get(name) for name in along]


def _cotangent_transposed(
    directions: Any, *given: Any, layer: Layer, of: tuple[str, ...], wanted: tuple[str, ...]
) -> Any:
    some = _not_zero(wanted, directions)
    asked = [ad.is_undefined_primal(each) for each in given[TAPED:]]
    parts = tuple(compress(of, asked))
    found = iter(_tangent.bind(*given[:TAPED], *some.values(), layer=layer, along=tuple(some), of=parts))
    return [None] * TAPED + [next(found) if one else None for one in asked]


def _tangent_used(used: Sequence[bool], *rest: Any) -> tuple[list[bool], JaxprEqn | None]:
    """Without the outputs that nobody looks at: those of all steps, where only the last one counts."""
    equation: JaxprEqn = rest[-1]  # from JAX 0.12 on which of its inputs are alive comes before it
    if not any(used):
        return [False] * len(equation.invars), None
    outputs = list(compress(equation.outvars, used))
    params = {**equation.params, "of": tuple(compress(equation.params["of"], used))}
    return [True] * len(equation.invars), equation.replace(outvars=outputs, params=params)


ad.primitive_jvps[_record] = _refuse
ad.primitive_jvps[_tangent] = _tangent_along
ad.primitive_jvps[_cotangent] = _cotangent_along
ad.primitive_transposes[_tangent] = _tangent_transposed
ad.primitive_transposes[_cotangent] = _cotangent_transposed
partial_eval.dce_rules[_tangent] = _tangent_used
