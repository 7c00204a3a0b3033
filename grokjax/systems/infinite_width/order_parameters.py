"""The pytrees on which theory and experiment meet."""

from typing import Any

import equinox as eqx


class OrderParameters(eqx.Module):
    r"""How far the layers move as the width grows: $RD\propto m^S$.

    $RD = \|\theta(t^*)-\theta(0)\|/\|\theta(0)\|$ of a layer's input weights at the end of training. $S<0$: linear
    (lazy), $S=0$: critical, $S>0$: condensed. Plain numbers from theory, `Estimate`s from experiment.

    Attributes:
        exponent: $S$ by layer, Frobenius norms.
        operator_exponent: $S$ in operator norms, of the hidden matrices.
        readout_exponent: $S$ of the read-out.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> s = iw.predict(iw.ThreeLayer(gamma_3=2.1)).order_parameters
        >>> {layer: round(float(value), 2) for layer, value in s.exponent.items()}
        {'layer1': 0.2, 'layer2': -0.3}
        >>> round(float(s.operator_exponent["layer2"]), 2)  # half a power more than in Frobenius norm
        0.2
    """

    exponent: dict[str, Any]
    operator_exponent: dict[str, Any]
    readout_exponent: Any


class Displacement(eqx.Module):
    r"""What is measured at one width, where training ends.

    Attributes:
        log_displacement: $\log RD$ by layer, so that an average over members is a geometric mean.
        log_largest: the same of the largest displacement on the way, $\sup_t RD(t)$.
        log_operator: in operator norms, of the hidden matrices.
        log_readout: of the read-out.
        effective_neurons: $e^{\rm entropy}$ of the histogram of first-layer orientations, weighted by contribution.
        effective_neurons_at_start: the same at the start.
        top_share: of contributions in the four fullest bins.
        stable_rank: $\|W\|_F^2/\|W\|_{op}^2$ of the hidden matrices.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, num_members=2, progress=False)
        >>> list(run.log_displacement), run.members.effective_neurons.shape
        (['input'], (2, 2))
    """

    log_displacement: dict[str, Any]
    log_largest: dict[str, Any]
    log_operator: dict[str, Any]
    log_readout: Any
    effective_neurons: Any
    effective_neurons_at_start: Any
    top_share: Any
    stable_rank: dict[str, Any]
