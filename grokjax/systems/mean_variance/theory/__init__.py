"""The field theory of mean and precision: solver, thresholds, continuation."""

from .prediction import THEORIES as THEORIES, Prediction as Prediction, predict as predict
