"""Associative memory with hidden units of any prior: Hopfield and bipartite phase diagrams (arXiv:2506.10552)."""

from ..._printing import listed as _listed
from .experiment import (
    Memories as Memories,
    final_magnetisation as final_magnetisation,
    recalled as recalled,
    simulate as simulate,
)
from .finite_size import FiniteSizeHidden as FiniteSizeHidden
from .hidden import (
    AbstractHidden as AbstractHidden,
    GaussBinaryHidden as GaussBinaryHidden,
    GaussianHidden as GaussianHidden,
    ReLUHidden as ReLUHidden,
    Site as Site,
    SoftThresholdHidden as SoftThresholdHidden,
)
from .hidden_discrete import (
    BernoulliHidden as BernoulliHidden,
    BinaryHidden as BinaryHidden,
    DiscreteHidden as DiscreteHidden,
    GroupedHidden as GroupedHidden,
    MultilevelHidden as MultilevelHidden,
    TernaryHidden as TernaryHidden,
)
from .low_load import LowLoad as LowLoad, low_load as low_load
from .order_parameters import OrderParameters as OrderParameters
from .phases import (
    PHASES as PHASES,
    classify as classify,
    glass_load as glass_load,
    glass_temperature as glass_temperature,
    phase_diagram as phase_diagram,
    replicon_temperature as replicon_temperature,
)
from .system import AssociativeMemory as AssociativeMemory, BipartiteNetwork as BipartiteNetwork
from .theory import (
    Branch as Branch,
    Capacity as Capacity,
    capacity as capacity,
    predict as predict,
    rs_free_energy as rs_free_energy,
)


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
    "phase_diagram",
    "predict",
    "recalled",
    "replicon_temperature",
    "rs_free_energy",
    "simulate",
]

__doc__ = _listed(__doc__, globals())
