r"""The convex dual for one-neuron kernels of rank one, $A = gg^{\top}$, with many modes or many nodes.

`grokjax.theory.adaptive_kernel` stores $A$ for every node, which is the modes times as much as $g$. With
$h = \delta\cdot g$ everything follows from $g$ alone:

$$ \nabla G = \delta - y + 2mC\langle h\,g\rangle,\qquad
   \nabla\nabla G = 1 + 2mC\langle(1+2Ch^2)\,gg^{\top}\rangle - 4mC^2\langle hg\rangle\langle hg\rangle^{\top} . $$
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar


class FeatureDual(eqx.Module):
    r"""$G(\delta)$ as a `ConvexDual` that `minimise` takes, by features.

    Attributes:
        targets: $y$.
        features: $g$, one row per mode.
        log_prior: log prior weight of each node.
        coupling: $C$.
        multiplicity: $m$.
    """

    targets: Float[Array, " modes"]
    features: Float[Array, "modes nodes"]
    log_prior: Float[Array, " nodes"]
    coupling: Float[Array, ""]
    multiplicity: Float[Array, ""]

    def field(self, discrepancy: Float[Array, " modes"]) -> Float[Array, " nodes"]:
        r"""$h = \delta\cdot g$ of every node."""
        return discrepancy @ self.features

    def log_weights(self, discrepancy: Float[Array, " modes"]) -> Float[Array, " nodes"]:
        r"""Log weights of the nodes under $e^{-S}$, *not* normalised."""
        return self.log_prior + self.coupling * self.field(discrepancy) ** 2

    def value(self, discrepancy: Float[Array, " modes"]) -> Scalar:
        r"""$G(\delta)$."""
        log_partition = jax.nn.logsumexp(self.log_weights(discrepancy))
        return discrepancy @ (discrepancy / 2 - self.targets) + self.multiplicity * log_partition

    def gradient(self, discrepancy: Float[Array, " modes"]) -> Float[Array, " modes"]:
        r"""$\nabla G$."""
        field = self.field(discrepancy)
        weights = jax.nn.softmax(self.log_prior + self.coupling * field**2)
        return discrepancy - self.targets + 2 * self.multiplicity * self.coupling * self.features @ (weights * field)

    def expansion(
        self, discrepancy: Float[Array, " modes"]
    ) -> tuple[Scalar, Float[Array, " modes"], Float[Array, "modes modes"]]:
        """Value, gradient and Hessian in one pass."""
        field = self.field(discrepancy)
        log_weights = self.log_prior + self.coupling * field**2
        log_partition = jax.nn.logsumexp(log_weights)
        weights = jnp.exp(log_weights - log_partition)
        mean = self.features @ (weights * field)
        force = 2 * self.multiplicity * self.coupling
        response = (self.features * (weights * (1 + 2 * self.coupling * field**2))[None]) @ self.features.T
        value = discrepancy @ (discrepancy / 2 - self.targets) + self.multiplicity * log_partition
        gradient = discrepancy - self.targets + force * mean
        hessian = jnp.eye(mean.size) + force * (response - 2 * self.coupling * jnp.outer(mean, mean))
        return value, gradient, hessian
