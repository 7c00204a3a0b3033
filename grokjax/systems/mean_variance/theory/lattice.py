r"""Fields on a line of sites: their Dirichlet energy, and linear systems without subtraction.

With an edge between neighbouring sites, $D(f)=\sum_e k_e(f_{e+1}-f_e)^2=f'Kf$, where

- `"density"`: $k_e=1/((n-1)\,\Delta x_e^2)$, the average of $|\nabla f|^2$ over the data, and
- `"lebesgue"`: $k_e=1/\Delta x_e$, its integral. (Both are $n-1$ on $n$ equally spaced sites of $[0,1]$.)

Ends are free. Systems $(\mathrm{diag}(d)+\mathrm{path}(t))x=b$ with $d>0$ are eliminated by additions, products and
quotients of positive numbers only, $e_{i+1}=d_{i+1}+e_it_i/(e_i+t_i)$, so that the constant mode survives
$t/d=10^{12}$, where the textbook's elimination loses it. The same recursion with 2 x 2 blocks solves for both fields at
once and decides whether a Hessian is positive.

References:
    arXiv:2306.16717, section 4.1 and appendix B (the field theory and its discretisation).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Scalar

from ...._checks import check_choice
from ....theory.roots import narrow


WEIGHTINGS = ("density", "lebesgue")

Sites = Float[Array, " sites"]
Edges = Float[Array, " edges"]
Pairs = Float[Array, "sites 2"]
Pairs3 = Float[Array, "sites 3"]


class Lattice(eqx.Module):
    """Sites on a line.

    Attributes:
        positions: sorted.
        stiffness: $k_e$ of the edges between neighbours.
        order: where each site stands in the data.
    """

    positions: Sites
    stiffness: Edges
    order: Any

    @staticmethod
    def of(inputs: Sites, weighting: str = "density") -> "Lattice":
        """The lattice of some inputs in any order.

        Args:
            inputs: distinct numbers.
            weighting: "density" or "lebesgue".

        Raises:
            ValueError: the weighting is unknown.
        """
        check_choice("weighting", weighting, WEIGHTINGS)
        order = jnp.argsort(inputs)
        positions = inputs[order]
        gaps = jnp.diff(positions)
        stiffness = 1 / gaps if weighting == "lebesgue" else 1 / (gaps.shape[0] * gaps**2)
        return Lattice(positions, stiffness, order)

    @property
    def num_sites(self) -> int:
        """Number of sites."""
        return self.positions.shape[0]

    def energy(self, field: Sites) -> Scalar:
        """$D(f)$."""
        return jnp.sum(self.stiffness * jnp.diff(field) ** 2)

    def force(self, field: Sites) -> Sites:
        """$Kf$, half the gradient of $D$."""
        flow = self.stiffness * jnp.diff(field)
        return jnp.concatenate([-flow[:1], flow[:-1] - flow[1:], flow[-1:]])

    def unsort(self, field: Sites) -> Sites:
        """A field in the order of the data."""
        return jnp.zeros_like(field).at[self.order].set(field)


def eliminate(diagonal: Sites, stiffness: Edges) -> tuple[Sites, Sites]:
    r"""Pivots of $\mathrm{diag}(d)+\mathrm{path}(t)$ from the first site on.

    Args:
        diagonal: $d>0$.
        stiffness: $t\ge0$.

    Returns:
        $e_i$, the pivots without the edge to the next site, and $e_i+t_i$ (with $t_n=0$), the pivots themselves. The
        determinant is the product of the latter.
    """

    def forward(e, edge):
        t, d = edge
        new = d + e * (t / (e + t))
        return new, new

    _, later = jax.lax.scan(forward, diagonal[0], (stiffness, diagonal[1:]))
    e = jnp.concatenate([diagonal[:1], later])
    return e, e + jnp.concatenate([stiffness, jnp.zeros_like(stiffness[:1])])


def solve_path(diagonal: Sites, stiffness: Edges, right: Sites) -> Sites:
    r"""$x$ of $(\mathrm{diag}(d)+\mathrm{path}(t))x=b$.

    Args:
        diagonal: $d>0$.
        stiffness: $t\ge0$.
        right: $b$.
    """

    def forward(state, edge):
        e, q = state
        t, d, b = edge
        weight = t / (e + t)
        return (d + e * weight, b + weight * q), (e + t, q)

    def backward(x, edge):
        t, pivot, q = edge
        x = (q + t * x) / pivot
        return x, x

    (e, q), (pivots, sums) = jax.lax.scan(forward, (diagonal[0], right[0]), (stiffness, diagonal[1:], right[1:]))
    last = q / e
    _, x = jax.lax.scan(backward, last, (stiffness, pivots, sums), reverse=True)
    return jnp.append(x, last)


def log_determinant(diagonal: Sites, stiffness: Edges) -> Scalar:
    r"""$\log\det(\mathrm{diag}(d)+\mathrm{path}(t))$.

    Args:
        diagonal: $d>0$.
        stiffness: $t\ge0$.
    """
    return jnp.sum(jnp.log(eliminate(diagonal, stiffness)[1]))


def inverse_diagonal(diagonal: Sites, stiffness: Edges) -> Sites:
    r"""The diagonal of $(\mathrm{diag}(d)+\mathrm{path}(t))^{-1}$: eliminations from both ends meet at every site.

    Args:
        diagonal: $d>0$.
        stiffness: $t\ge0$.
    """
    from_left = eliminate(diagonal, stiffness)[0]
    from_right = eliminate(diagonal[::-1], stiffness[::-1])[0][::-1]
    beyond = from_right[1:] * (stiffness / (from_right[1:] + stiffness))
    return 1 / (from_left + jnp.append(beyond, jnp.zeros_like(beyond[:1])))


def solve_pairs(blocks: Pairs3, stiffness: Float[Array, "edges 2"], right: Pairs) -> tuple[Pairs, Bool[Array, ""]]:
    r"""Two fields at once: a symmetric block [[a, b], [b, d]] on every site, a path for each field.

    Eliminating a site leaves the parallel sum of its block $E$ and the edge $T=\mathrm{diag}(s,t)$ to the next one,

    $$ T(E+T)^{-1}E = \frac1{\det(E+T)}\begin{pmatrix} s(\det E+ta) & stb\\ stb & t(\det E+sd)\end{pmatrix},
    \qquad \det(E+T)=\det E+sd+ta+st. $$

    Args:
        blocks: columns a, b, d.
        stiffness: of the edges, one column per field.
        right: the right-hand side.

    Returns:
        The solution, and whether the matrix is positive definite.
    """

    def solve(block, det, q):
        (a, b, d), (u, v) = block, q
        return (d * u - b * v) / det, (a * v - b * u) / det

    def forward(state, edge):
        block, q = state
        (s, t), here, right = edge
        parallel, pivot, det, positive = _eliminate_pair(block, s, t)
        u, v = solve(pivot, det, q)
        new = tuple(x + y for x, y in zip(here, parallel, strict=True))
        return (new, (right[0] + s * u, right[1] + t * v)), (pivot, det, q, positive)

    def backward(x, edge):
        (s, t), pivot, det, (u, v) = edge
        x = solve(pivot, det, (u + s * x[0], v + t * x[1]))
        return x, x

    edges, sites, sums = tuple(stiffness.T), tuple(blocks.T), tuple(right.T)
    first, later = [jax.tree.map(lambda x: x[0], (sites, sums)), jax.tree.map(lambda x: x[1:], (sites, sums))]
    (block, q), (pivots, dets, sums, positive) = jax.lax.scan(forward, first, (edges, *later))
    det = block[0] * block[2] - block[1] ** 2
    last = solve(block, det, q)
    _, x = jax.lax.scan(backward, last, (edges, pivots, dets, sums), reverse=True)
    solution = jnp.stack([jnp.append(x[0], last[0]), jnp.append(x[1], last[1])], axis=1)
    return solution, jnp.all(positive) & (block[0] > 0) & (det > 0)


def is_positive(blocks: Pairs3, stiffness: Float[Array, "edges 2"]) -> Bool[Array, ""]:
    """Whether the matrix of `solve_pairs` is positive definite.

    Args:
        blocks: columns a, b, d.
        stiffness: of the edges, one column per field.
    """

    def forward(state, edge):
        block, so_far = state
        (s, t), here = edge
        parallel, _, _, positive = _eliminate_pair(block, s, t)
        return (tuple(x + y for x, y in zip(here, parallel, strict=True)), so_far & positive), None

    sites = tuple(blocks.T)
    first, later = tuple(x[0] for x in sites), tuple(x[1:] for x in sites)
    start = (first, jnp.asarray(True))
    (block, positive), _ = jax.lax.scan(forward, start, (tuple(stiffness.T), later))
    return positive & (block[0] > 0) & (block[0] * block[2] > block[1] ** 2)


def _eliminate_pair(block: tuple, s: Scalar, t: Scalar) -> tuple[tuple, tuple, Scalar, Bool[Array, ""]]:
    """The parallel sum of a block and an edge, their sum (the pivot), its determinant, whether it is positive."""
    a, b, d = block
    own = a * d - b * b
    det = own + s * d + t * a + s * t
    parallel = s * ((own + t * a) / det), s * (t * b / det), t * ((own + s * d) / det)
    return parallel, (a + s, b, d + t), det, (a + s > 0) & (det > 0)


def smallest_eigenvalue(blocks: Pairs3, stiffness: Float[Array, "edges 2"], num_halvings: int = 48) -> Scalar:
    """Smallest eigenvalue of the matrix of `solve_pairs`, by bisection on whether it is positive.

    Args:
        blocks: columns a, b, d.
        stiffness: of the edges, one column per field.
        num_halvings: of the interval between the smallest eigenvalue of a block and that of the average block.
    """
    shift = jnp.asarray([1.0, 0.0, 1.0], blocks.dtype)[None]
    lower = jnp.min(_eigenvalue(blocks))
    upper = _eigenvalue(jnp.mean(blocks, axis=0))  # of constant fields, which cost nothing on the edges

    return narrow(lambda value: is_positive(blocks - value * shift, stiffness), lower, upper, num_halvings)[0]


def _eigenvalue(blocks: Float[Array, "*sites 3"]) -> Float[Array, "*sites"]:
    """The smaller eigenvalue of symmetric 2 x 2 blocks."""
    a, b, d = jnp.moveaxis(blocks, -1, 0)
    return (a + d) / 2 - jnp.sqrt(((a - d) / 2) ** 2 + b**2)


def spectrum(num_sites: int) -> Float[Array, " modes"]:
    r"""$\kappa_k=n(n-1)(2-2\cos(\pi k/n))\simeq(\pi k)^2$, so that $D(f)=\frac1n\sum_k\kappa_k\hat f_k^2$ on [0, 1].

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> jnp.round(mv.spectrum(3), 6).tolist()
        [0.0, 6.0, 18.0]
    """
    half = np.pi * np.arange(num_sites) / (2 * num_sites)
    return jnp.asarray(4 * num_sites * (num_sites - 1) * np.sin(half) ** 2, float)


def modes(targets: Sites, inputs: Sites | None = None, weighting: str = "density") -> tuple[Sites, Sites]:
    r"""Curvatures $\kappa_k$ of the Dirichlet energy and the squared components of some targets, one per mode.

    Args:
        targets: on the sites.
        inputs: their positions; equally spaced on [0, 1] unless given.
        weighting: "density" or "lebesgue".

    Returns:
        $\kappa_k\ge0$ with $D(f)=\frac1n\sum_k\kappa_k\hat f_k^2$, and $\hat y_k^2$.
    """
    n = targets.shape[0]
    if inputs is None:
        return spectrum(n), jax.scipy.fft.dct(targets, type=2, norm="ortho") ** 2
    lattice = Lattice.of(inputs, weighting)
    kappa, vectors = jnp.linalg.eigh(n * jax.vmap(lattice.force)(jnp.eye(n, dtype=targets.dtype)))
    kappa = kappa.at[0].set(0.0)  # the constant mode, exactly
    return kappa, (vectors.T @ targets[lattice.order]) ** 2
