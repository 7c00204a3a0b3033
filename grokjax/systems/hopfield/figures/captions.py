"""What the diagrams and curves of the associative memory show, in words, with the numbers of the results given."""

from collections.abc import Mapping

import numpy as np

from ....phases import PhaseDiagram
from ....results import Run
from .diagrams import Theory


REMNANT = 1e-3  # a magnetisation of theory below this is none


def caption_phase_row(diagrams: Mapping[str, PhaseDiagram]) -> str:
    """Words for `phase_row`.

    Args:
        diagrams: as drawn.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> diagram = hop.phase_diagram(hop.GaussianHidden(), [0.02, 0.2], [0.3, 2.0])
        >>> "2 x 2 points" in figures.caption_phase_row({"Gaussian": diagram})
        True
    """
    rows, columns = next(iter(diagrams.values())).labels.shape
    return (
        "Phases of bipartite memories on the plane of load and temperature, one panel a prior of the hidden units, "
        f"after arXiv:2506.10552; replica-symmetric theory on {rows} x {columns} points. Recall lowers the free energy "
        "up to the dashed line and is metastable up to the solid one; dotted, the load up to which mixtures of three "
        "patterns are locally stable (Gaussian units). Without recall, units of a symmetric law freeze at the "
        "dash-dotted line in orange; rectified units are a random field, in which the order of the spins sets in "
        "gradually, and the blue line is where replica symmetry breaks. What differs from the paper: binary and "
        "ternary units are groups of copies here, as single bounded units recall nothing at any load. Axes of load "
        "differ by a factor of a hundred."
    )


def caption_threshold(best: Mapping[str, tuple[float, float]]) -> str:
    """Words for `threshold_figure`.

    Args:
        best: as drawn.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> "T=0.3: 0.500 with capacity 0.0200" in figures.caption_threshold({"$T=0.3$": (0.5, 0.02)})
        True
    """
    found = "; ".join(
        f"{name.strip('$')}: {theta:.3f} with capacity {load:.4f}" for name, (theta, load) in best.items()
    )
    stars = f" ({found})" if found else ""
    return (
        "Capacity against the threshold that keeps hidden units silent, theory. (a) Groups of ternary units at several "
        f"temperatures; stars where the derivative by implicit differentiation vanishes{stars}. A curve ends at the "
        "last threshold of its grid at which any load is recalled. (b) Rectified units against their bias, whose "
        "negative is the threshold: the capacity grows with the threshold throughout."
    )


def caption_recall(
    by_load: Mapping[str, Run],
    by_temperature: Mapping[str, Run],
    basins: Mapping[str, list[tuple[float, Run]]],
    theory: Theory,
) -> str:
    """Words for `recall_figure`; theory and networks are compared at the points of the runs.

    Args:
        by_load: as drawn.
        by_temperature: likewise.
        basins: likewise.
        theory: likewise.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> theory = {"Hopfield": (memory, hop.predict(memory))}
        >>> shown = {"Hopfield": run}, {"Hopfield": run}, {"load 0.05": [(0.0, run)]}, theory
        >>> figures.caption_recall(*shown)[:30]
        'Recall by networks of 100 spin'
    """
    run = next(iter(by_load.values()))
    told = []
    for field, runs in (("load", by_load), ("temperature", by_temperature)):
        for name, each in runs.items():
            system, branch = theory[name]
            place, along = (np.atleast_1d(getattr(one, field)) for one in (each.system, system))
            expected = np.interp(place, along, np.atleast_1d(branch.magnetisation))
            mean, error = (np.atleast_1d(part) for part in (each.magnetisation.mean, each.magnetisation.error))
            recalls = expected > REMNANT
            seen = recalls & (error > 0)  # cold spins may not fluctuate at all
            z = np.abs(mean - expected)[seen] / error[seen]
            words = [f"within {z.max():.1f} standard errors where theory recalls"] if z.size else []
            if (~recalls).any():
                low, high = mean[~recalls].min(), mean[~recalls].max()
                words.append(f"{low:.2f} to {high:.2f} where it says 0")
            plain = name.replace("$", "").replace("\\alpha", "load").replace("\\eta", "eta")
            told.append(f"{plain}: {', '.join(words)}")
    corrupted = ", ".join(f"{pairs[0][0]:g} to {pairs[-1][0]:g}" for pairs in list(basins.values())[:1])
    return (
        f"Recall by networks of {run.experiment.num_spins} spins, {run.layout.num_members} draws of the patterns, "
        f"{run.ensemble.num_steps} Gibbs sweeps: magnetisation with the recalled pattern against (a) load and (b) "
        f"temperature, and (c) at the end from starts with a share of the spins flipped ({corrupted}, drawn side by "
        "side). Points: Gibbs sampling with one standard error over draws, which of few draws is uncertain itself; "
        f"lines: replica-symmetric theory of infinitely many spins, nothing fitted. {'; '.join(told)}. Beyond the "
        "capacity a finite network keeps a remnant of its start that ages slowly: it differs from theory, explained "
        "by its size and the length of the run. In (c) no theory is drawn: the basin of attraction is dynamics."
    )
