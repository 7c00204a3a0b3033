"""What a refinement ends with: what was tracked and verified, flags, and the history of its iterations."""

import equinox as eqx

from ..._printing import AbstractPrinted
from ...evidence.statistics import Estimate
from ...status import Status
from .experiment import FreeEnergies, transition_temperature
from .order_parameters import OrderParameters
from .system import TwoPhases
from .tracking import Tracked


class Record(AbstractPrinted):
    """One iteration, at its parameters.

    Attributes:
        round: how often frames had been sampled.
        free_energy_difference: tracked, reported units per atom.
        enthalpy_difference: likewise.
        volume_difference: per atom.
        kish: smaller share of effective samples of both phases, after Kish, before frames were renewed.
        perplexity: the other one.
    """

    round: int
    free_energy_difference: float
    enthalpy_difference: float
    volume_difference: float
    kish: float
    perplexity: float


class Refinement(AbstractPrinted):
    """What a refinement ended with; `print` shows it.

    Attributes:
        system: with the refined parameters.
        rounds: how often frames were sampled, the first time included.
        tracked: order parameters as they were followed.
        verified: absolute free energies of the refined system, from scratch; None if that was not asked for.
        anchor: those of the system to begin with.
        flags: what went wrong, in words; empty if nothing.
        history: every iteration.
        box_term: to add to the tracked difference before it is compared with the verified one.
        status: solved, out of steps, or unreliable where a phase was lost.
        state: to go on from.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> refined.rounds, refined.verified is None, refined.flags
        (1, True, ())
    """

    system: TwoPhases
    rounds: int
    tracked: OrderParameters
    verified: FreeEnergies | None
    anchor: FreeEnergies = eqx.field(repr=False)
    flags: tuple[str, ...] = eqx.field(static=True)
    history: tuple[Record, ...] = eqx.field(repr=False)
    box_term: Estimate
    status: int = eqx.field(static=True)
    state: Tracked = eqx.field(repr=False)

    @property
    def transition_temperature(self) -> Estimate:
        """Verified, or tracked where nothing was verified."""
        found = self.tracked if self.verified is None else self.verified.order_parameters
        return transition_temperature(self.system, found)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        head = f"refined in {self.rounds} rounds, {len(self.history)} iterations: {Status(self.status).text}"
        unit = self.system.units.name
        fields = {
            f"free energy difference ({unit})": "free_energy_difference",
            f"enthalpy difference ({unit})": "enthalpy_difference",
            "entropy difference (k)": "entropy_difference",
            "volume difference": "volume_difference",
        }
        columns = [self.anchor.order_parameters, self.tracked]
        columns += [] if self.verified is None else [self.verified.order_parameters]
        rows = [("", "before", "tracked", "verified")[: len(columns) + 1]]
        rows += [(label, *(str(getattr(column, name)) for column in columns)) for label, name in fields.items()]
        rows.append(("transition temperature", *(str(transition_temperature(self.system, each)) for each in columns)))
        widths = [max(len(row[i]) for row in rows) for i in range(len(columns) + 1)]
        lines = ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        lines += [f"  FLAG: {flag}" for flag in self.flags]
        if self.verified is not None:
            lines.append(f"  verified, {str(self.verified.certificate).splitlines()[0]}")
        return "\n".join([head, *lines])
