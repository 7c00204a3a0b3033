"""Systems and runs that several tests share: one tiny titanium, one refined toy."""

import jax
import pytest

from grokjax.systems import interatomic_potential as ip


FEW = {"num_replicas": 2, "num_frames": 60, "equilibration": 20, "num_witnesses": 0}


@pytest.fixture(scope="session")
def titanium():
    """Sixteen atoms, whose images are their neighbours: the smallest that has both lattices."""
    return ip.titanium(num_atoms=16)


@pytest.fixture(scope="session")
def refined():
    """Toy A1 taken to T = 0.3."""
    return ip.refine(jax.random.key(0), ip.two_wells(), temperature=0.3, num_frames=300, equilibration=30)
