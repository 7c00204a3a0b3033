r"""From displacements at several widths to exponents: $\log RD = S\log m + c$, layer by layer.

The line is fitted to the means over members with equal weights, as in the papers. Its slope is a linear combination of
these means, whose errors are independent, so that its error needs no bootstrap: $\mathrm{Var}\,S =
\sum_mc_m^2\,\mathrm{Var}_m$. The error is statistical; a slope may differ from its limit by more where widths are
small, which `local_exponent` shows. `power_law` weights the widths by their errors, and tests the law.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._printing import shown
from ...evidence.power_law import PowerLaw, power_law
from ...evidence.statistics import Estimate, is_estimate
from ...parameters import map_parameters, sweep_shape
from ...status import describe, succeeded
from .order_parameters import Displacement, OrderParameters
from .regimes import names_of
from .system import AbstractNetwork


CRITICAL = 0.03  # an exponent below this counts as zero whatever its error
SMALL_WIDTHS, FINITE_SIZE = 1600, 0.07  # slopes from widths up to 1600 are up to 0.07 off at the critical line


class Scaling(eqx.Module):
    """Exponents of a network's layers with their errors, from runs at several widths.

    Attributes:
        system: what was trained; its coordinates may be a sweep.
        widths: increasing.
        measured: at every width; `Estimate`s of shape (*sweep, width).
        status: `Status` code of each member, shape (*sweep, width, member).
        seconds: wall time of every width, compilation included.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> plane = iw.TwoLayer(gamma=jnp.array([[0.5, 1.75]]))
        >>> run = iw.simulate(jax.random.key(0), plane, widths=(10, 20, 40), num_members=2, progress=False)
        >>> run.exponent["input"].mean.shape, run.displacement["input"].mean.shape
        ((1, 2), (1, 2, 3))
        >>> run.at(0, 0).between(20).widths
        (20, 40)
    """

    system: AbstractNetwork
    widths: tuple[int, ...] = eqx.field(static=True)
    measured: Displacement
    status: np.ndarray
    seconds: np.ndarray

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree of the theory, fitted over all widths."""
        return OrderParameters(self.exponent, self.operator_exponent, self.readout_exponent)

    @property
    def exponent(self) -> dict[str, Estimate]:
        """$S$ by layer, in Frobenius norm."""
        return self._slopes(self.measured.log_displacement)

    @property
    def operator_exponent(self) -> dict[str, Estimate]:
        """$S$ of the hidden matrices in operator norm."""
        return self._slopes(self.measured.log_operator)

    @property
    def readout_exponent(self) -> Estimate:
        """$S$ of the read-out."""
        return slope(self.widths, self.measured.log_readout)

    @property
    def displacement(self) -> dict[str, Estimate]:
        """$RD$ by layer, shape (*sweep, width): geometric means over members, and their errors."""
        return {layer: _exponential(value) for layer, value in self.measured.log_displacement.items()}

    @property
    def local_exponent(self) -> dict[str, Estimate]:
        """Slopes between adjacent widths, shape (*sweep, width - 1)."""
        step = np.diff(np.log(self.widths))

        def slopes(log: Estimate) -> Estimate:
            return Estimate(np.diff(log.mean) / step, np.hypot(log.error[..., 1:], log.error[..., :-1]) / step)

        return {layer: slopes(log) for layer, log in self.measured.log_displacement.items()}

    @property
    def regime(self) -> dict[str, Any]:
        """The name of each layer's regime: critical within two errors and the allowance of finite size."""
        allowance = FINITE_SIZE if max(self.widths) <= SMALL_WIDTHS else 0.0
        tolerance = lambda s: np.maximum(CRITICAL, 2 * np.nan_to_num(s.error)) + allowance
        return {layer: names_of(s.mean, tolerance(s)) for layer, s in self.exponent.items()}

    @property
    def converged(self) -> np.ndarray:
        """Which members reached their goal; only these enter the averages."""
        return np.asarray(succeeded(self.status))

    @property
    def counts(self) -> str:
        """How many members ended how, in words."""
        return describe(self.status)

    def confidence_interval(self, layer: str, deviations: float = 1.96) -> tuple[Any, Any]:
        """Lower and upper end of an exponent's interval, 95 % unless told otherwise.

        Args:
            layer: its name.
            deviations: half the interval, in standard errors.
        """
        s = self.exponent[layer]
        return s.mean - deviations * s.error, s.mean + deviations * s.error

    def power_law(self, layer: str) -> PowerLaw:
        r"""The law $RD=c\,m^S$ of one layer at a single point, widths weighted by their errors, with its $\chi^2$.

        Args:
            layer: its name.

        Raises:
            ValueError: the coordinates are swept, or a width has no error.
        """
        return power_law(self.widths, self.displacement[layer].mean, self.displacement[layer].error)

    def at(self, *point: int) -> "Scaling":
        """The same at one point of a sweep, by its indices."""
        shape = sweep_shape(self.system)
        return dataclasses.replace(
            self,
            system=map_parameters(lambda leaf: jnp.broadcast_to(leaf, shape)[point], self.system),
            measured=jax.tree.map(
                lambda e: Estimate(e.mean[point], e.error[point]), self.measured, is_leaf=is_estimate
            ),
            status=self.status[point],
        )

    def between(self, smallest: int, largest: int | None = None) -> "Scaling":
        """The same from some of the widths only.

        Args:
            smallest: width.
            largest: width, the last unless given.
        """
        widths = np.asarray(self.widths)
        kept = (widths >= smallest) & (widths <= (widths.max() if largest is None else largest))
        pick = lambda e: Estimate(e.mean[..., kept], e.error[..., kept])
        return dataclasses.replace(
            self,
            widths=tuple(widths[kept].tolist()),
            measured=jax.tree.map(pick, self.measured, is_leaf=is_estimate),
            status=self.status[..., kept, :],
            seconds=self.seconds[kept],
        )

    def _slopes(self, logs: dict[str, Estimate]) -> dict[str, Estimate]:
        return {layer: slope(self.widths, log) for layer, log in logs.items()}

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [f"{self.system!r} at widths {', '.join(map(str, self.widths))}, {self.counts}"]
        for layer, s in self.exponent.items():
            if np.ndim(s.mean):
                lines.append(f"  {layer:8} exponent {shown(np.asarray(s.mean))}, errors {shown(np.asarray(s.error))}")
            else:
                lines.append(f"  {layer:8} exponent {s}: {self.regime[layer]}")
        return "\n".join(lines)


def collect(system: AbstractNetwork, widths: tuple[int, ...], runs: list[Any]) -> Scaling:
    """A `Scaling` from the runs at all widths.

    Args:
        system: without a width.
        widths: increasing.
        runs: one for each.
    """
    axis = np.ndim(runs[0].status) - 1
    stack = lambda *each: Estimate(
        np.stack([e.mean for e in each], axis=axis), np.stack([e.error for e in each], axis=axis)
    )
    measured = jax.tree.map(stack, *(run.order_parameters for run in runs), is_leaf=is_estimate)
    seconds = np.array([run.ensemble.chunk_seconds.sum() for run in runs])
    return Scaling(system, widths, measured, np.stack([run.status for run in runs], axis=axis), seconds)


def slope(widths: Any, log: Estimate) -> Estimate:
    r"""The slope of $\log RD$ against $\log m$, over the widths where it was measured.

    Args:
        widths: shape (width,).
        log: shape (*sweep, width); entries that are no number are left out, a slope needs two others.
    """
    mean, error = np.asarray(log.mean, np.float64), np.asarray(log.error, np.float64)
    seen = np.isfinite(mean)
    x = np.broadcast_to(np.log(np.asarray(widths, np.float64)), mean.shape)
    count = seen.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        centred = np.where(seen, x - np.where(seen, x, 0).sum(axis=-1, keepdims=True) / count, 0)
        weight = centred / (centred**2).sum(axis=-1, keepdims=True)
    value = (weight * np.where(seen, mean, 0)).sum(axis=-1)
    spread = np.sqrt((weight**2 * np.where(seen, error, 0) ** 2).sum(axis=-1))
    return Estimate(value, spread)


def _exponential(log: Estimate) -> Estimate:
    return Estimate(np.exp(log.mean), np.exp(log.mean) * log.error)
