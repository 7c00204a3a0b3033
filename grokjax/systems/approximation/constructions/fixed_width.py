r"""Fixed width 7: the two-scale networks laid out one unit after another, as a dense network that is only deep.

Channels are carried from layer to layer, so W grows with depth alone and the error falls as $W^{-2r}$:

| layers | channels |
|---|---|
| N + 1 | $x$, coarse part, code, ramp $P_{n+1}$, step $S_n$ |
| $\lceil\log_2N\rceil$ | $x$'s hats $a$, $c$; coarse part, code |
| 3 | distance to the node, position $\tau$, the envelope E |
| 3 per digit | E, coarse part, code, sum, $\tau$, the digit at work, $\tau$ of the next node |
| 1 | the clip |

The code is the same accumulation of $(b_n - b_{n-1})(1 - S_n)$ as in the wide network, and every partial sum is one
of the b, so no digit is lost. One dense architecture serves every smoothness: given as many layers as it needs, order
1 fills it with first-order and order 2 with second-order digits ("adapts to the smoothness"). Structural zeros count
here: $W = 56(L-2) + 22$.

References:
    arXiv:1906.09477, theorem on fixed-width networks (width 2d + 10, there with a logarithm); arXiv:1802.03620.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...._checks import argument_error, check_choice, check_whole, check_x64
from .base import AbstractNetwork, Function, Lattice, check_points
from .two_scale import TwoScale, two_scale
from .two_scale_smooth import TwoScaleSmooth, two_scale_smooth
from .units import Form, Unit, Units


WIDTH = 7
OFFSET = 4.0  # keeps the coarse part positive while it is carried through ReLU


class FixedWidth(AbstractNetwork):
    """A dense network; build it with `fixed_width`.

    Attributes:
        matrices: from layer to layer.
        biases: of the hidden layers.
        first: weights from the input.
        last: weights and bias of the output.
        grid: where to look for the largest error.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.fixed_width(ap.target("kink"), num_cells=8, num_fine=4)
        >>> net.matrices.shape, net.depth  # all growth is depth
        ((26, 7, 7), 28)
    """

    matrices: Float[Array, "layers 7 7"]
    biases: Float[Array, "hidden 7"]
    first: Float[Array, " 7"]
    last: Float[Array, " 8"]
    grid: tuple[int, tuple[float, ...], float] = eqx.field(static=True)

    @property
    def num_weights(self) -> int:
        """$W = 56(L - 2) + 22$ for width 7."""
        return self.matrices.size + self.biases.size + self.first.size + self.last.size

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        num_nodes, switches, _ = self.grid
        cells = len(switches) + 1
        return WIDTH * (WIDTH + 1) * (cells + 3 * num_nodes // cells)

    @property
    def depth(self) -> int:
        """$L$."""
        return len(self.biases) + 1

    @property
    def lattice(self) -> Lattice:
        """That of the wide network."""
        num_nodes, switches, zone = self.grid
        return Lattice(num_nodes, np.asarray(switches), zone)

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points in [0, 1]."""
        check_x64("networks that carry digits in their weights")
        x = check_points(x)
        return _run(self, x) if isinstance(x, jax.Array) else np.asarray(_run(self, jnp.asarray(x)))

    def to_units(self) -> Units:
        """The explicit list of units, dense."""
        units = [Unit("relu", (0,), (w,), b) for w, b in zip(self.first.tolist(), self.biases[0].tolist(), strict=True)]
        width = len(self.first)
        for layer, (matrix, bias) in enumerate(zip(self.matrices.tolist(), self.biases[1:].tolist(), strict=True)):
            sources = tuple(range(1 + layer * width, 1 + (layer + 1) * width))
            units += [Unit("relu", sources, tuple(row), b) for row, b in zip(matrix, bias, strict=True)]
        sources = tuple(range(1 + len(units) - width, 1 + len(units)))
        *weights, bias = self.last.tolist()
        return Units(1, (*units, Unit("linear", sources, tuple(weights), bias)))


@eqx.filter_jit
def _run(network: FixedWidth, x: jax.Array) -> jax.Array:
    """One scan over layers; products are elementwise, so no matrix unit of reduced precision touches the digits."""
    relu = lambda t: jnp.maximum(t, 0)
    state = relu(network.first[:, None] * x[None, :] + network.biases[0][:, None])

    def layer(state, weights):
        matrix, bias = weights
        total = jnp.broadcast_to(bias[:, None], state.shape)
        for source in range(state.shape[0]):
            total = total + matrix[:, source, None] * state[source][None, :]
        return relu(total), None

    state, _ = jax.lax.scan(layer, state, (network.matrices, network.biases[1:]))
    return network.last[:-1] @ state + network.last[-1]


class _Tape:
    """Layers of at most seven named channels; each is a form in the channels of the layer before."""

    def __init__(self):
        self.rows: list[list[Form]] = []

    def layer(self, **channels: Form) -> dict[str, Form]:
        if len(channels) > WIDTH:
            raise AssertionError(f"{len(channels)} channels in a layer of width {WIDTH}")
        self.rows.append(list(channels.values()))
        return {name: Form({index: 1.0}) for index, name in enumerate(channels)}

    def arrays(self, output: Form, depth: int | None) -> tuple[np.ndarray, ...]:
        """Dense arrays; extra layers carry the output's channels along unchanged."""
        while depth is not None and len(self.rows) + 1 < depth:
            self.rows.append([Form({index: 1.0}) for index in range(WIDTH)])
        dense = np.zeros((len(self.rows), WIDTH, WIDTH + 1))
        for layer, forms in enumerate(self.rows):
            for channel, form in enumerate(forms):
                _fill(dense[layer, channel], form)
        last = np.zeros(WIDTH + 1)
        _fill(last, output)
        return dense[1:, :, :WIDTH], dense[:, :, WIDTH], dense[0, :, 0], last


def _fill(row: np.ndarray, form: Form) -> None:
    for index, weight in form.terms.items():
        row[index] = weight
    row[-1] = form.constant


def serialise(network: TwoScale | TwoScaleSmooth, depth: int | None = None) -> FixedWidth:
    """Lay a two-scale network out at width 7.

    Args:
        network: with float64 digits.
        depth: layers to fill; as many as needed unless given.

    Raises:
        ValueError: it does not fit into so few layers.
    """
    size, fine, zone = network.num_cells, network.num_fine, network.lattice.zone
    values, code = np.asarray(network.values), network.encoding
    slopes = size * np.diff(values)
    tape, x = _Tape(), Form({0: 1.0})
    ramp = lambda x, n: (x - n / size) / zone

    now = tape.layer(x=x, part=x * slopes[0] + (values[0] + OFFSET), ramp=ramp(x, 1))
    for n in range(1, size + 1):  # layer n + 1 holds ramp n + 1, step n and everything that is known of step n - 1
        bends = now["ramp"] * ((slopes[n] - slopes[n - 1]) * zone) if n < size else 0
        news = {"x": now["x"], "part": now["part"] + bends}
        if n > 1:
            jump = code[n - 1] - code[n - 2]
            news["code"] = now.get("code", Form({}, code[0])) + jump - now["step"] * jump
        if n < size - 1:
            news["ramp"] = ramp(now["x"], n + 1)
        if n < size:
            news["step"] = 1 - now["ramp"]
        now = tape.layer(**news)
    kept = lambda *names: {name: now[name] for name in names}

    hats = math.ceil(math.log2(size))
    y = now["x"] * (size / 2**hats)
    for _ in range(hats):
        now = tape.layer(a=y, c=y - 0.5, **kept("part", "code"))
        y = 2 * now["a"] - 4 * now["c"]
    now = tape.layer(a=y, c=y - 0.5, here=fine * y, **kept("part", "code"))
    distance = ((now["a"] - 2 * now["c"]) / size - 2 * zone) / (network.rise[1] - network.rise[0])
    now = tape.layer(a=distance, c=distance - 1, **kept("part", "code", "here"))
    bound = (now["a"] - now["c"]) * float(network.height)
    now, walk = _read(tape, network, {**kept("part", "code", "here"), "bound": bound})
    now = tape.layer(upper=walk + now["bound"], lower=walk - now["bound"], bound=now["bound"], part=now["part"])
    output = now["part"] - OFFSET + now["upper"] - now["lower"] - now["bound"]
    needed = len(tape.rows) + 1
    if depth is not None and depth < needed:
        raise argument_error("depth", f"at least {needed}", depth, "Give more layers, or fewer cells.")
    arrays = (jnp.asarray(array) for array in tape.arrays(output, depth))
    num_nodes, switches, zone = network.lattice
    return FixedWidth(*arrays, grid=(num_nodes, tuple(switches.tolist()), zone))


def _read(tape: _Tape, network: TwoScale | TwoScaleSmooth, now: dict[str, Form]) -> tuple[dict[str, Form], Form]:
    """Three layers per digit: threshold, complement, gate. Returns the last layer and the walk as a form in it."""
    fine, num_bits = network.num_fine, network.digits.shape[1]
    smooth = isinstance(network, TwoScaleSmooth)
    num_leading, centre = (network.num_leading, network.reach) if smooth else (0, float(fine))
    half = 2.0 ** (num_leading - 1) if smooth else 1.0
    gate_weight, total = 0.0, now["here"] * -half + centre
    for k in range(num_bits):
        leading = k < num_leading
        carried = {name: now[name] for name in ("bound", "part", "code", "here")}
        threshold = 2.0**num_bits * now["code"] - (2.0 ** (num_bits - 1) - 1)
        later = {} if smooth else {"later": now["here"] - 1}
        now = tape.layer(**carried, total=total, digit=threshold, **later)
        now = tape.layer(**{**now, "digit": 1 - now["digit"]})
        complement, here = now["digit"], now["here"]
        gate = here - fine * complement if smooth else here - now["later"] - complement
        now = tape.layer(
            bound=now["bound"],
            part=now["part"],
            code=2 * now["code"] - 1 + complement,
            here=here if leading else here - 1,
            total=now["total"] - here if smooth and not leading else now["total"],
            gate=gate,
        )
        gate_weight = half * 2.0**-k if leading else 2.0
        total = now["total"] + now["gate"] * gate_weight
    return now, (total - centre) * float(network.step)


def fixed_width(f: Function, num_cells: int, num_fine: int, *, order: int = 1, depth: int | None = None) -> FixedWidth:
    """Encode a function at width 7.

    Args:
        f: from points of shape (points,) to values.
        num_cells: $N$.
        num_fine: $M$.
        order: 1 for $r\\le1$, 2 for $1 < r\\le2$.
        depth: number of layers L, to put several smoothnesses into one architecture; as many as needed unless given.

    Raises:
        ValueError: as for `two_scale`; or an order other than 1 and 2; or too few layers.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> net = ap.fixed_width(f, num_cells=8, num_fine=4)
        >>> net.num_weights, round(8 * 4 * ap.sup_error(net, f), 6)  # the error of the wide network that it lays out
        (1478, 1.333333)
    """
    check_choice("order", str(check_whole("order", order)), ("1", "2"))
    network = (two_scale if order == 1 else two_scale_smooth)(f, num_cells, num_fine)
    return serialise(network, None if depth is None else check_whole("depth", depth))
