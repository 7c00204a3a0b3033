"""Every figure is drawn once, from a tiny ensemble."""

import jax
import matplotlib
import numpy as np
import pytest

from grokjax import plot
from grokjax.systems import modular_addition as ma


matplotlib.use("Agg")
from grokjax.systems.modular_addition import figures


@pytest.fixture(scope="module")
def run():
    system = ma.ModularAddition(
        prime=5, width=40, noise_variance=np.array([2e-3, 1e-3]), readout_variance=4e-6, sextic_decay=3.0
    )
    return ma.simulate(jax.random.key(0), system, num_members=3, num_steps=40, num_witnesses=0, progress=False)


def test_figures(run, tmp_path):
    base = run.system.replace(noise_variance=1e-3)
    variances = ma.phase_diagram(
        base, {"noise_variance": [1e-4, 1e-3, 1e-2], "readout_variance": [1e-7, 1e-6]}, panel_order=4
    )
    sizes = ma.phase_diagram(base, {"width": [20.0, 200.0, 2000.0], "prime": [5, 11]}, panel_order=4)
    gaps = {"discrepancy": (np.array([-0.02, -0.01]), np.array([1e-3, 1e-3]))}
    drawn = {
        "figure_3": figures.figure_3(noises=np.linspace(0.1, 0.3, 5)),
        "mixed_phase": figures.mixed_phase(run, run, num_curve=5),
        "pair_densities": figures.pair_densities(run, 1),
        "phase_diagrams": figures.phase_diagrams(base, variances, sizes),
        "width_convergence": figures.width_convergence([100, 200], gaps, {"discrepancy": (-2.0, 0.0)}),
    }
    for name, figure in drawn.items():
        assert plot.save(figure, tmp_path / name).stat().st_size > 10_000
