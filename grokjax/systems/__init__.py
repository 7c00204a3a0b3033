"""One folder per paper: parameters, simulation, theory, phases and figures of a system that learns by a transition.

Import the one that you need, `from grokjax.systems import teacher_student as ts`; `help(ts)` lists its names.

    approximation          rates of networks with explicit weights (arXiv:1906.09477)
    hopfield               associative memory with hidden units of any prior (arXiv:2506.10552)
    infinite_width         which layers move as the width grows (arXiv:2007.07497, arXiv:2205.12101)
    interatomic_potential  absolute free energies of two phases, and refinement through them (arXiv:2512.03974)
    mean_variance          regression of mean and variance under regularisation (arXiv:2306.16717)
    modular_addition       sums mod P: the mixed phase, generalisation (arXiv:2310.03789)
    power_unit             one weight that learns one number: exact controls
    representation         toy grokking by representation learning (arXiv:2205.10343)
    teacher_student        droplets of a first-order transition in two-layer networks (arXiv:2310.03789)
"""
