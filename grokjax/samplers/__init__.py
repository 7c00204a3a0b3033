"""Samplers and trainers behind one `init` / `step` protocol."""

from .base import AbstractSampler as AbstractSampler, State as State, energy_and_gradient as energy_and_gradient
from .gibbs import BlockGibbs as BlockGibbs
from .gradient import GradientDescent as GradientDescent
from .langevin import Langevin as Langevin, LeimkuhlerMatthews as LeimkuhlerMatthews
from .mala import MALA as MALA
from .stiffness import (
    check_step_size as check_step_size,
    largest_curvature as largest_curvature,
    largest_curvatures as largest_curvatures,
)
from .underdamped import UnderdampedLangevin as UnderdampedLangevin
