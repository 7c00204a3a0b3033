"""What numbers are worth: statistics of ensembles, certificates of equilibrium, comparison of the two roads."""

from .._printing import listed as _listed
from . import statistics
from .certificate import Certificate
from .collapse import Collapse, collapse
from .compare import Comparison, compare
from .criteria import Criteria, information_criteria
from .dataset_estimate import DatasetEstimate
from .free_energy import FreeEnergy, free_energy
from .order import OrderOfTransition, Verdict, order_of_transition
from .power_law import PowerLaw, power_law
from .statistics import Estimate, TwoStart, two_start


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
