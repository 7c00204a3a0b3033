r"""The lazy baseline: an infinitely wide student, whose kernel does not adapt (NNGP).

Its mode $k$ has the eigenvalue $\lambda_k = \sigma_a^2\langle g_k^2\rangle_{\rm prior}$, of order $d^{-k}$, and on
average over many data sets the fraction $\lambda_k/(\lambda_k+\sigma^2/n)$ of it is learned: the cubic component
takes $n=O(d^3)$ samples, where an adaptive network needs a droplet.

References:
    arXiv:2310.03789, section 4.1 (the comparison with a Gaussian process); equivalent kernel: Rasmussen & Williams,
    Gaussian Processes for Machine Learning, section 7.1.
"""

import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._checks import check_double
from ..._tree import over_points
from ...tasks import Data
from ...theory.kernels import GaussianProcess, equivalent_kernel_learnability, gaussian_process, nngp_kernel
from .order_parameters import OrderParameters
from .quadrature import neuron_nodes
from .system import TeacherStudent


def lazy_baseline(system: TeacherStudent, perpendicular: str = "mean") -> OrderParameters:
    """What an infinitely wide student learns, averaged over data sets; its neurons keep the prior's side weight.

    Args:
        system: fields of shape (point,) make a sweep.
        perpendicular: treatment of the perpendicular norm, as in `predict`.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> lazy = ts.lazy_baseline(system)
        >>> round(float(lazy.overlap[1]), 2), bool(abs(lazy.overlap[3]) < 1e-3)
        (0.18, True)
    """
    check_double("theory", system)

    def one(system):
        nodes = neuron_nodes(system, perpendicular, 640, 48)
        prior = jnp.exp(nodes.log_prior)
        eigenvalues = system.readout_variance * prior @ nodes.features**2
        share = equivalent_kernel_learnability(eigenvalues, system.noise_variance, system.num_samples)
        overlap = {k: c * share[i] for i, (k, c) in enumerate(system.teacher.items())}
        return OrderParameters(overlap, prior @ (jnp.abs(nodes.alignment) > system.side_threshold))

    return over_points(one, system)


def lazy_regression(system: TeacherStudent, data: Data, test_inputs: Float[Array, "tests inputs"]) -> GaussianProcess:
    """Gaussian-process regression on one data set with the student's infinite-width kernel.

    Args:
        system: activation, variances and noise; the data set decides its own size.
        data: inputs and one row of targets.
        test_inputs: where the posterior mean is wanted.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.tasks import single_index
        >>> data = single_index(jax.random.key(0), jnp.eye(19)[0], system.teacher, 47)
        >>> ts.lazy_regression(system, data, data.inputs).mean.shape
        (47,)
    """
    check_double("regression", system)
    inputs = data.inputs.astype(float)
    kernel = lambda left: nngp_kernel(
        system.activation,
        left,
        inputs,
        weight_variance=system.weight_variance,
        readout_variance=system.readout_variance,
    )
    return gaussian_process(
        kernel(inputs), kernel(test_inputs.astype(float)), data.targets[0].astype(float), system.noise_variance
    )
