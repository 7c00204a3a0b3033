r"""The quadratic network on two-hot inputs, and its Fourier modes.

A two-hot input picks one column of each read-in block, $w\cdot x = w_n + v_m$, so the network is evaluated on the whole
table by one broadcast sum; the two-hot matrix is never made, and a training set is a mask over the table.

Fourier modes are products with a small real matrix: with its gradient, under `vmap` on a CPU, that costs between half
as much as a real FFT (P = 101) and about the same (P = 23).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key


class TwoHotNetwork(eqx.Module):
    r"""$f_p(n,m) = \sum_i a_{pi}(w_{i,n}+v_{i,m})^2$.

    Attributes:
        read_in: $(w, v)$, shape (2, width, prime). (A pytree of prior scales has scalars here and below.)
        read_out: $a$, shape (prime, width).
    """

    read_in: Float[Array, "..."]
    read_out: Float[Array, "..."]

    def batch(self, included: Float[Array, " table"]) -> Float[Array, "outputs table"]:
        """Outputs on the table, rows (0, 0), (0, 1), ..., times `included`: 1 inside of a data set, 0 outside."""
        return self.read_out @ self.hidden() * included[None]

    def hidden(self) -> Float[Array, "width table"]:
        """$(w_n+v_m)^2$ of every hidden unit on the table."""
        w, v = self.read_in
        sums = w[:, :, None] + v[:, None, :]
        return (sums * sums).reshape(w.shape[0], -1)


def standard_normal_network(key: Key[Array, ""], *, width: int, prime: int, dtype) -> TwoHotNetwork:
    """A network whose weights are all N(0, 1): the Gaussian part of the prior, in whitened coordinates.

    One flat draw: with three axes, under `vmap`, the draw alone takes seconds to compile.
    """
    read_in, read_out = jnp.split(jax.random.normal(key, (3 * width * prime,), dtype), [2 * width * prime])
    return TwoHotNetwork(read_in.reshape(2, width, prime), read_out.reshape(prime, width))


def targets(prime: int, dtype) -> Float[Array, "outputs table"]:
    r"""$y^p_{nm} = \delta_{p,(n+m)\bmod P} - 1/P$ on the table."""
    sums = np.add.outer(np.arange(prime), np.arange(prime)).ravel() % prime
    return jnp.asarray((np.arange(prime)[:, None] == sums[None]) - 1 / prime, dtype)


def fourier_modes(
    weights: Float[Array, "*batch prime"],
) -> tuple[Float[Array, "*batch pairs"], Float[Array, "*batch pairs"]]:
    r"""Real and imaginary part of $w_k = \frac1P\sum_n w_n e^{2\pi i kn/P}$ for $k = 1\ldots(P-1)/2$."""
    prime = weights.shape[-1]
    angle = 2 * np.pi / prime * (np.outer(np.arange(prime), np.arange(1, prime // 2 + 1)) % prime)
    matrix = lambda values: jnp.asarray(values / prime, weights.dtype)
    return weights @ matrix(np.cos(angle)), weights @ matrix(np.sin(angle))


def powers(read_in: Float[Array, "2 width prime"]) -> Float[Array, "2 width pairs"]:
    r"""$X = |w_k|^2$ and $V = |v_k|^2$ of every neuron at every frequency."""
    real, imaginary = fourier_modes(read_in)
    return real * real + imaginary * imaginary


def of_the_table(
    outputs: Float[Array, "outputs table"], included: Float[Array, " table"]
) -> dict[str, Float[Array, ""]]:
    """What outputs on the whole table say of training and held-out sums, by the names of `OrderParameters`."""
    wanted = targets(len(outputs), outputs.dtype)
    learned = jnp.sum(outputs * wanted, axis=0) / (1 - 1 / len(outputs))
    errors = jnp.mean((outputs - wanted) ** 2, axis=0)
    hits = (jnp.argmax(outputs, axis=0) == jnp.argmax(wanted, axis=0)).astype(errors.dtype)
    found = {"discrepancy": 1 - jnp.mean(learned)}
    for name, values in (("learned", learned), ("error", errors), ("accuracy", hits)):
        found[f"train_{name}"] = values @ included / jnp.sum(included)
        found[f"held_out_{name}"] = values @ (1 - included) / jnp.sum(1 - included)
    return found
