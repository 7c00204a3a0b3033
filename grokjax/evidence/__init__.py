"""What numbers are worth: statistics of ensembles, certificates of equilibrium, comparison of the two roads."""

from .._printing import listed as _listed
from . import statistics as statistics
from .certificate import Certificate as Certificate
from .collapse import Collapse as Collapse, collapse as collapse
from .compare import Comparison as Comparison, compare as compare
from .criteria import Criteria as Criteria, information_criteria as information_criteria
from .dataset_estimate import DatasetEstimate as DatasetEstimate
from .free_energy import FreeEnergy as FreeEnergy, free_energy as free_energy
from .order import (
    OrderOfTransition as OrderOfTransition,
    Verdict as Verdict,
    order_of_transition as order_of_transition,
)
from .power_law import PowerLaw as PowerLaw, power_law as power_law
from .statistics import Estimate as Estimate, TwoStart as TwoStart, two_start as two_start


__all__ = [
    "Certificate",
    "Collapse",
    "Comparison",
    "Criteria",
    "DatasetEstimate",
    "Estimate",
    "FreeEnergy",
    "OrderOfTransition",
    "PowerLaw",
    "TwoStart",
    "Verdict",
    "collapse",
    "compare",
    "free_energy",
    "information_criteria",
    "order_of_transition",
    "power_law",
    "statistics",
    "two_start",
]

__doc__ = _listed(__doc__, globals())
