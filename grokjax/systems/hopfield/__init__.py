"""Associative memory with hidden units of any prior: Hopfield and bipartite phase diagrams (arXiv:2506.10552)."""

from ..._printing import listed as _listed
from .experiment import Memories, final_magnetisation, recalled, simulate
from .finite_size import FiniteSizeHidden
from .hidden import AbstractHidden, GaussBinaryHidden, GaussianHidden, ReLUHidden, Site, SoftThresholdHidden
from .hidden_discrete import (
    BernoulliHidden,
    BinaryHidden,
    DiscreteHidden,
    GroupedHidden,
    MultilevelHidden,
    TernaryHidden,
)
from .low_load import LowLoad, low_load
from .order_parameters import OrderParameters
from .phases import PHASES, classify, glass_load, glass_temperature, phase_diagram, replicon_temperature
from .system import AssociativeMemory, BipartiteNetwork
from .theory import Branch, Capacity, capacity, predict, rs_free_energy


__all__ = [
    "PHASES",
    "AbstractHidden",
    "AssociativeMemory",
    "BernoulliHidden",
    "BinaryHidden",
    "BipartiteNetwork",
    "Branch",
    "Capacity",
    "DiscreteHidden",
    "FiniteSizeHidden",
    "GaussBinaryHidden",
    "GaussianHidden",
    "GroupedHidden",
    "LowLoad",
    "Memories",
    "MultilevelHidden",
    "OrderParameters",
    "ReLUHidden",
    "Site",
    "SoftThresholdHidden",
    "TernaryHidden",
    "capacity",
    "classify",
    "final_magnetisation",
    "glass_load",
    "glass_temperature",
    "low_load",
    "phase_diagram",
    "predict",
    "recalled",
    "replicon_temperature",
    "rs_free_energy",
    "simulate",
]

__doc__ = _listed(__doc__, globals())
