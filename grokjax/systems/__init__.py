"""One folder per paper: parameters, simulation, theory, phases and figures of a system that learns by a transition."""
