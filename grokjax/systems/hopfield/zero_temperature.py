r"""The limit of zero temperature in closed form, and its capacity law.

Where the hidden potential is $\lambda\tau^2/2$ plus a part of first order in $\tau$, units answer $S(z)/\Delta$ to a
field $z$ with $\Delta=\lambda-C$, and the noise is $r=\varrho/\Delta^2$. Visible averages become error functions, so
that the signal-to-noise ratio $x$ gives everything explicitly; in units of $\lambda$

$$ \sqrt{\alpha\varrho} = \frac{m(x)}x-\sqrt{\tfrac2\pi}\,\langle e^{-S^2x^2/2}\rangle_S,\qquad
   m(x)=\Big\langle\frac SL\,\mathrm{erf}\frac{Sx}{\sqrt2}\Big\rangle_S . $$

The load enters only as $\alpha\varrho$: *one* number, the Hopfield capacity 0.1379 over $\varrho$, is the capacity of
every such prior, and a threshold that silences units multiplies the capacity. Without recall,
$f=-(\sqrt{\alpha\varrho}+\sqrt{2/\pi})^2/(2\lambda)$. Replica symmetry is always broken here ($\Lambda=-\infty$).

References:
    Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987), section 4; the capacity law is derived here (README).
"""

import math

import jax
import jax.numpy as jnp
from jax.scipy.special import erf
from jaxtyping import Array, Float

from ...status import Status, choose_status
from ...theory.roots import Root, bisect, first_true, last_true, newton_root
from .free_energy import Branch, condensed_field
from .hidden import AbstractHidden
from .order_parameters import OrderParameters
from .system import AssociativeMemory
from .visible import fair_sums


Number = Float[Array, ""]
ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
LOG_RATIO_RANGE = (math.log(0.05), math.log(1e6))
NUM_RATIOS = 600


def root_load(log_ratio: Number, num_mixed: int) -> Number:
    r"""$\sqrt{\alpha\varrho}$ on the retrieval curve at $\ln x$."""
    return _recall(log_ratio, num_mixed)[1]


def spinodal_root(num_mixed: int = 1) -> Root:
    r"""$\ln x$ at the first maximum of the load from large $x$."""
    grid = jnp.linspace(*LOG_RATIO_RANGE, NUM_RATIOS)
    loads = jax.vmap(lambda u: root_load(u, num_mixed))(grid)
    before, _ = last_true(loads[:-1] < loads[1:])
    return newton_root(lambda u: jax.grad(root_load)(u, num_mixed), grid[before + 1])


def stable_root() -> Root:
    r"""$\ln x$ where the free energies with and without recall are equal."""

    def difference(u):
        _, root, free_energy = _recall(u, 1)
        return free_energy + (root + ROOT_TWO_OVER_PI) ** 2 / 2

    grid = jnp.linspace(*LOG_RATIO_RANGE, NUM_RATIOS)[::-1]
    higher, _ = first_true(jax.vmap(difference)(grid) > 0)
    return newton_root(difference, grid[higher])


def load_at(hidden: AbstractHidden, root: Root, num_mixed: int = 1) -> Number:
    r"""$\alpha$ of a root $\ln x$ for this prior."""
    return root_load(root.position, num_mixed) ** 2 / hidden.cold_response()[0]


def magnetisation(root: Root, num_mixed: int = 1) -> Number:
    """$m$ of a root $\\ln x$."""
    return _recall(root.position, num_mixed)[0]


def branch_at_zero(system: AssociativeMemory, *, recall: bool, num_mixed: int = 1) -> Branch:
    """The state at zero temperature, with recall where there is one."""
    varrho, active = system.hidden.cold_response()
    stiffness = 1 / condensed_field(system.hidden, jnp.ones(()), jnp.ones(()))
    target = jnp.sqrt(system.load * varrho)
    fold = spinodal_root(num_mixed)
    recalls = recall & (target <= root_load(fold.position, num_mixed))
    start = bisect(lambda u: root_load(u, num_mixed) < target, LOG_RATIO_RANGE[1], fold.position, 60)
    root = newton_root(lambda u: root_load(u, num_mixed) - target, start)

    m, _, free_energy = _recall(root.position, num_mixed)
    spread = jnp.where(recalls, m * jnp.exp(-root.position), target + ROOT_TWO_OVER_PI)
    m = jnp.where(recalls, m, 0.0)
    free_energy = jnp.where(recalls, free_energy, -(spread**2) / 2)
    gap = target / spread  # in units of the stiffness, like `spread` and `free_energy`
    coupling = -num_mixed * m**2 - system.load * active / gap - (1 - gap) * spread**2
    return Branch(
        OrderParameters(m, jnp.ones_like(m), coupling / stiffness),
        noise=varrho / (gap * stiffness) ** 2,
        signal=m / stiffness,
        free_energy=free_energy / stiffness,
        replicon=jnp.full_like(m, -jnp.inf),
        status=choose_status((~jnp.isfinite(target), Status.NOT_FINITE), (recalls, root.status)),
        iterations=jnp.where(recalls, root.iterations, 0),
        residual=jnp.where(recalls, root.residual, 0.0),
    )


def _recall(log_ratio, num_mixed):
    """Magnetisation, root of the load and free energy with recall, in units of the stiffness."""
    sums, weights = fair_sums(num_mixed)
    x = jnp.exp(log_ratio)
    m = weights * sums / num_mixed @ erf(sums * x / math.sqrt(2))
    spread = m / x
    static = ROOT_TWO_OVER_PI * (weights @ jnp.exp(-((sums * x) ** 2) / 2))  # C times the spread
    root = spread - static
    magnitude = spread * static + num_mixed * m * m
    return m, root, num_mixed * m * m / 2 + spread * static / 2 - root * spread / 2 - magnitude
