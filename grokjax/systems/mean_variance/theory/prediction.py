r"""What the field theory predicts for a system: a local minimum, its order parameters, and the proof that it is one.

Three theories share one solver: `"lattice"`, the published one with one datum per site; `"population"`, where every
site has seen all its data (mean and noise of the truth in place of the target); `"marginal"`, where the mean is
integrated out with weight $e^{-nF}$, which keeps the precision finite where the lattice collapses.

References:
    arXiv:2306.16717, equations 7 to 11.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...._checks import argument_error, check_choice, check_double, check_instance, check_tolerance, check_whole
from ...._printing import AbstractPrinted
from ....status import AbstractSolution
from ..metrics import metrics, population_nll
from ..order_parameters import OrderParameters
from ..system import MeanVariance
from .lattice import Lattice, smallest_eigenvalue
from .solver import Fields, FreeEnergy, dense_hessian, differentiable, minimise


THEORIES = ("lattice", "population", "marginal")


class Prediction(AbstractSolution, AbstractPrinted):
    r"""A local minimum of the free energy; for a sweep every number leads with its axes.

    The fields of the order parameters are attributes of the prediction, too: `prediction.mse`.

    Attributes:
        mean: $\mu$ at the inputs, in the order of the data.
        precision: $\Lambda$, likewise.
        free_energy: $F$.
        order_parameters: what the experiment reports.
        identities: what vanishes exactly at every stationary point, four numbers: $\langle\Lambda r\rangle$,
            $\langle s^2\rangle-\langle1/\Lambda\rangle$, $\langle\Lambda s^2\rangle-1+4\beta D(\Lambda)$ and
            $\langle\Lambda r\mu\rangle+2\alpha D(\mu)$, with $s^2=r^2$ on the lattice.
        smallest_eigenvalue: of the free energy's Hessian in both fields; above zero at a genuine minimum.
        iterations: sweeps of the solver.
        status: `Status` codes; `Status.COLLAPSED` where the precision ran away.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> fit = mv.predict(system)
        >>> bool(abs(fit.identities).max() < 1e-12), bool(fit.smallest_eigenvalue > 0)  # stationary, and a minimum
        (True, True)
    """

    mean: Float[Array, "*sweep samples"]
    precision: Float[Array, "*sweep samples"]
    free_energy: Float[Array, "*sweep"]
    order_parameters: OrderParameters
    identities: Float[Array, "*sweep 4"]
    smallest_eigenvalue: Float[Array, "*sweep"]
    iterations: Int[Array, "*sweep"]
    status: Int[Array, "*sweep"]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and "order_parameters" in self.__dict__:
            return getattr(self.__dict__["order_parameters"], name)
        raise AttributeError(f"a prediction has no {name!r}")


class Solver(eqx.Module):
    """The theory of one data set as a function of the strengths, ready to be mapped over them.

    Attributes:
        system: its data; the strengths are arguments.
        lattice: of the inputs.
        theory: one of `THEORIES`.
        tolerance: largest change in the last step.
        max_sweeps: most sweeps.
    """

    system: MeanVariance
    lattice: Lattice
    theory: str = eqx.field(static=True)
    tolerance: float = eqx.field(static=True)
    max_sweeps: int = eqx.field(static=True)

    @staticmethod
    def of(system: MeanVariance, theory: str, weighting: str, tolerance: float, max_sweeps: int) -> "Solver":
        """Checks at the door of every theory.

        Args:
            system: what is predicted.
            theory: one of `THEORIES`.
            weighting: see `Lattice`.
            tolerance: largest change in the last step.
            max_sweeps: most sweeps.

        Raises:
            ValueError: no 64-bit numbers, inputs that are not on a line, an unknown theory or weighting, or the
                population's theory of data whose truth is unknown.
        """
        check_double("theory", system)
        check_choice("theory", theory, THEORIES)
        data = system.data
        if not data.on_a_line:
            raise argument_error(
                "system",
                "of data on a line for the field theory",
                f"inputs of shape {data.inputs.shape}",
                "Simulate it.",
            )
        if theory == "population" and data.truth is None:
            raise argument_error("theory", "one that needs no truth", theory, f"The mean of {data.name!r} is unknown.")
        return Solver(system, Lattice.of(data.inputs, weighting), theory, tolerance, max_sweeps)

    def energy(self, alpha: Any, beta: Any) -> FreeEnergy:
        """The free energy on the sites.

        Args:
            alpha: strength of the mean's regulariser.
            beta: strength of the precision's.
        """
        data, order = self.system.data, self.lattice.order
        target, variance = data.targets, jnp.zeros_like(data.targets)
        if self.theory == "population":
            assert data.truth is not None
            target, variance = data.truth[0], data.truth[1] ** 2
        return FreeEnergy(self.lattice, target[order], variance[order], alpha, beta, self.theory == "marginal")

    def __call__(self, alpha: Any, beta: Any, start: Fields | None = None) -> Prediction:
        """The minimum below a start.

        Args:
            alpha: strength of the mean's regulariser.
            beta: strength of the precision's.
            start: fields on the sites; cold unless given.
        """
        energy = self.energy(alpha, beta)
        start = energy.cold() if start is None else start
        minimum = minimise(energy, start, tolerance=self.tolerance, max_sweeps=self.max_sweeps)
        fields = differentiable(energy, minimum)
        if energy.marginal:
            eigenvalue = jnp.linalg.eigvalsh(dense_hessian(energy, fields))[0]
        else:
            eigenvalue = smallest_eigenvalue(*energy.hessian(fields))
        return Prediction(
            mean=self.lattice.unsort(fields.mean),
            precision=self.lattice.unsort(fields.precision),
            free_energy=energy(fields),
            order_parameters=order_parameters(self.system, self.lattice, fields),
            identities=energy.identities(fields),
            smallest_eigenvalue=jax.lax.stop_gradient(eigenvalue) / self.lattice.num_sites,
            iterations=minimum.iterations,
            status=minimum.status,
        )


def order_parameters(system: MeanVariance, lattice: Lattice, fields: Fields) -> OrderParameters:
    """The order parameters of fields on the sites; between sites they are straight lines, as the minimum's are.

    Args:
        system: its data.
        lattice: the sites.
        fields: mean and precision there.
    """
    data = system.data
    mean, precision = lattice.unsort(fields.mean), lattice.unsort(fields.precision)
    own = metrics(mean, precision, data.targets)
    test = None
    if data.test is not None:
        inputs = data.test.inputs
        between = lambda field: jnp.interp(inputs, lattice.positions, field)
        test = metrics(between(fields.mean), between(fields.precision), data.test.targets)
    return OrderParameters(
        **{name: getattr(own, name) for name in ("mse", "sd_mse", "chi2", "nll", "calibration_error", "coverage")},
        mean_energy=lattice.energy(fields.mean),
        precision_energy=lattice.energy(fields.precision),
        fitted=1 - own.mse / jnp.var(data.targets),
        precision_spread=spread(jnp.log(precision)),
        population_nll=None if data.truth is None else population_nll(mean, precision, *data.truth),
        test=test,
    )


def spread(values: Float[Array, " samples"]) -> Array:
    """The standard deviation, with a derivative where it vanishes."""
    variance = jnp.var(values)
    return jnp.where(variance > 0, jnp.sqrt(jnp.where(variance > 0, variance, 1.0)), 0.0)


def predict(
    system: MeanVariance,
    theory: str = "lattice",
    *,
    init: str | Prediction = "cold",
    weighting: str = "density",
    tolerance: float = 1e-10,
    max_sweeps: int = 4000,
) -> Prediction:
    r"""The local minimum of the field theory, for one point or a sweep over the strengths.

    Every number can be differentiated in `alpha` and `beta`, through the stationary point.

    Args:
        system: data on a line; strengths may be arrays.
        theory: "lattice", "population" or "marginal".
        init: "cold" (a flat mean, unit precision), "fitted" (the mean through its targets at unit precision), or an
            earlier prediction to start from.
        weighting: of the Dirichlet energy, "density" or "lebesgue".
        tolerance: largest change of $\mu$ and $\log\Lambda$ in the last step.
        max_sweeps: most sweeps of the solver.

    Returns:
        A `Prediction`; a collapsed point has that status and finite numbers.

    Raises:
        ValueError: no 64-bit numbers, inputs not on a line, an unknown option, or a truth that is missing.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> fit = mv.predict(system)
        >>> fit.mean.shape, grokjax.status.describe(fit.status)
        ((16,), '1 solved')
    """
    check_instance("system", system, MeanVariance)
    check_tolerance("tolerance", tolerance)
    max_sweeps = check_whole("max_sweeps", max_sweeps)
    if not isinstance(init, str):
        check_instance("init", init, Prediction, 'Try "cold".')
    # Of one shape, so that a line along one strength is the program of a line along the other.
    alpha, beta = jnp.broadcast_arrays(system.alpha, system.beta)
    solver = Solver.of(system.replace(alpha=alpha, beta=beta), theory, weighting, tolerance, max_sweeps)
    if isinstance(init, str):
        check_choice("init", init, ("cold", "fitted"))
        start = None if init == "cold" else _fitted(solver)
    else:
        sites = lambda field: jnp.broadcast_to(
            field[..., solver.lattice.order], (*alpha.shape, solver.lattice.num_sites)
        )
        start = Fields(sites(init.mean), sites(init.precision))
    return _solve(solver, start)


def _fitted(solver: Solver) -> Fields:
    target = solver.energy(1.0, 1.0).target
    return Fields(target, jnp.ones_like(target))


@eqx.filter_jit
def _solve(solver: Solver, start: Fields | None) -> Prediction:
    alpha, beta = solver.system.alpha, solver.system.beta
    per_point = start is not None and start.mean.ndim > 1
    solve = solver
    for _ in range(alpha.ndim):
        solve = jax.vmap(solve, in_axes=(0, 0, 0 if per_point else None))
    return solve(alpha, beta, start)
