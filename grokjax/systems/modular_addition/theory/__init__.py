"""The road of theory: the whole table, and a part of it."""

from .prediction import (
    CONVENTIONS as CONVENTIONS,
    Prediction as Prediction,
    convex_dual as convex_dual,
    predict as predict,
    readout_coherence as readout_coherence,
)
