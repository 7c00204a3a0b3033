r"""The teacher-student task: one hidden direction, a linear and a cubic Hermite component to learn from it.

Inputs $x\sim N(0, I_d)$, targets $y = \sum_k c_k\,He_k(w^*\cdot x)$ with a unit vector $w^*$, and a two-layer student
$f(x)=\sum_i a_i\phi(w_i\cdot x)$ with prior $a_i\sim N(0,\sigma_a^2/N)$, $w_i\sim N(0,\sigma_w^2 I/d)$.

| symbol | name | symbol | name |
|---|---|---|---|
| $N$ | `width` | $\sigma^2$ | `noise_variance` |
| $n$ | `num_samples` | $\sigma_a^2$ | `readout_variance` |
| $d$ | `input_dim` | $\sigma_w^2$ | `weight_variance` |
| $c_k$ | `teacher[k]` | $\phi$ | `activation` |
| $q_b$ | `side_threshold` | | |

References:
    arXiv:2310.03789, sections 2 and 4.1.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array

from ..._checks import argument_error, as_scalar, check_positive, is_concrete
from ...networks import activation_function
from ...parameters import AbstractParameters, Number, parameter, scaled_width, size


SIDE_THRESHOLD = 0.5  # the published one


def _as_teacher(teacher: Mapping[int, Any]) -> dict[int, Any]:
    if not isinstance(teacher, Mapping) or not teacher:
        raise argument_error("teacher", "a non-empty mapping {Hermite degree: coefficient}", teacher, "Try {1: 1.0}.")
    for degree in teacher:
        if not isinstance(degree, int) or isinstance(degree, bool) or degree < 1:
            raise argument_error(
                "teacher", "of whole degrees of at least 1", degree, "A constant target (degree 0) has no direction."
            )
    return {degree: as_scalar(teacher[degree]) for degree in sorted(teacher)}


class TeacherStudent(AbstractParameters):
    """Parameters of task and student; every numeric field is a leaf, so theory can be vmapped and differentiated.

    Attributes:
        width: $N$, hidden units.
        num_samples: $n$, training samples.
        input_dim: $d$.
        noise_variance: $\\sigma^2$, variance of the observation noise in the likelihood (the temperature).
        readout_variance: $\\sigma_a^2$; a single read-out weight has variance $\\sigma_a^2/N$.
        weight_variance: $\\sigma_w^2$; a single read-in weight has variance $\\sigma_w^2/d$.
        teacher: $\\{k: c_k\\}$, coefficients of the probabilists' Hermite polynomials $He_k$.
        label_noise: variance of noise added to the targets of a data set. At leading order theory does not feel it;
            theories of finite data do not know it, and say so by their status.
        side_threshold: a neuron with $|w\\cdot w^*|$ above it counts as specialised; 1/2 as published. `at_barrier`
            puts it where theory's barrier is.
        activation: a name or an elementwise function.

    Raises:
        ValueError: a variance is not positive, a size is below 1, the activation is unknown, or the teacher is empty
            or has a degree below 1.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 8, noise_variance=0.18)
        >>> int(system.width), int(system.input_dim), int(system.num_samples)
        (88, 53, 375)
    """

    width: Number = size()
    num_samples: Number = size()
    input_dim: Number = size()
    noise_variance: Number = parameter(positive=True, remedy="A variance is above zero.")
    readout_variance: Number = parameter(positive=True, remedy="A variance is above zero.")
    weight_variance: Number = parameter(positive=True, remedy="A variance is above zero.")
    teacher: Any = parameter(converter=_as_teacher)
    label_noise: Number = parameter(at_least=0, default=0.0, remedy="It is a variance.")
    side_threshold: Number = parameter(positive=True, default=SIDE_THRESHOLD, remedy="An overlap |q| is above zero.")
    activation: str | Callable[[Array], Array] = eqx.field(static=True, default="erf", kw_only=True)

    def __check_init__(self):
        activation_function(self.activation)

    def at_width(self, factor: Any) -> "TeacherStudent":
        """The same mean field at another width, $m$ times as many neurons; see `grokjax.parameters.scaled_width`."""
        return scaled_width(self, factor)

    @classmethod
    def at_scale(
        cls,
        beta: float | Array,
        noise_variance: float | Array = 0.18,
        *,
        alpha: float | Array | None = None,
        teacher: Mapping[int, Any] | None = None,
        activation: str | Callable[[Array], Array] = "erf",
        label_noise: float | Array = 0.0,
        round_sizes: bool | None = None,
    ) -> "TeacherStudent":
        r"""The paper's base point, scaled by its Table 1.

        $N\to\beta N$, $d\to\sqrt\beta d$, $\sigma_a^2\to\sigma_a^2/\sqrt\beta$, $n\to\alpha n$,
        $\sigma^2\to(\alpha/\beta)\sigma^2$: the theory's action per dimension does not change.

        Args:
            beta: the scale; 1 is the base point, $N=700$, $d=150$, $n=3000$, $\sigma_a^2=8/700$, $\sigma_w^2=1/2$.
            noise_variance: noise variance *of the base point*; the system's own is $\alpha/\beta$ times it.
            alpha: scale of the number of samples; `beta` unless given.
            teacher: $\{1: 1, 3: -0.3\}$ unless given.
            activation: a name or an elementwise function.
            label_noise: variance of noise added to the targets, at every scale the same.
            round_sizes: whether sizes become whole numbers; by default they do when `beta` and `alpha` are concrete.
        """
        scale, noise, samples = (as_scalar(value) for value in (beta, noise_variance, beta if alpha is None else alpha))
        check_positive("beta", scale)
        check_positive("noise_variance", noise, "A variance is above zero.")
        check_positive("alpha", samples)
        if round_sizes is None:
            round_sizes = is_concrete(scale) and is_concrete(samples)
        whole = (lambda size: jax.numpy.round(size)) if round_sizes else (lambda size: size)
        return cls(
            width=whole(as_scalar(700.0 * scale)),
            num_samples=whole(as_scalar(3000.0 * samples)),
            input_dim=whole(as_scalar(150.0 * scale**0.5)),
            noise_variance=noise * (samples / scale),
            readout_variance=8 / 700 * scale**-0.5,
            weight_variance=as_scalar(0.5),
            teacher={1: 1.0, 3: -0.3} if teacher is None else teacher,
            activation=activation,
            label_noise=label_noise,
        )
