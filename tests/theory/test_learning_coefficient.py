"""Learning coefficients that are known."""

import numpy as np
import pytest

from grokjax.theory.learning_coefficient import monomial, reduced_rank


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((2, 2, 2, 0), (1.5, 1)),
        ((2, 2, 2, 1), (2.0, 2)),
        ((3, 3, 2, 1), (3.5, 2)),
        ((1, 1, 1, 0), (0.5, 2)),
        ((2, 2, 2, 2), (2.0, 1)),  # regular: as many directions as a matrix of that rank has
    ],
)
def test_reduced_rank(sizes, expected):
    assert reduced_rank(*sizes) == expected


@pytest.mark.parametrize(("powers", "exact"), [((1,), 0.5), ((2,), 0.25), ((1, 1), None), ((1, 2), 0.25)])
def test_monomials(powers, exact):
    """b <S> of a uniform law on the unit box tends to the coefficient, less (m - 1)/log b."""
    coefficient, multiplicity = monomial(powers)
    b = 1e6
    t, weight = np.polynomial.legendre.leggauss(600)
    w, mass = ((t + 1) / 2) ** 12, 12 * ((t + 1) / 2) ** 11 * weight / 2
    s, law = np.ones(()), np.ones(())
    for k in powers:
        s, law = np.multiply.outer(s, w ** (2 * k)), np.multiply.outer(law, mass)
    law = law * np.exp(-b * s)
    found = b * (law * s).sum() / law.sum()
    if exact is None:
        assert (coefficient, multiplicity) == (0.5, 2)
        assert found == pytest.approx(0.5 - 1 / np.log(b), abs=0.02)
    else:
        assert coefficient == exact
        assert found == pytest.approx(exact, abs=0.02)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`rank` must be at most 2"):
        reduced_rank(2, 2, 2, 3)
    with pytest.raises(ValueError, match="`powers` must be one or more"):
        monomial([])
