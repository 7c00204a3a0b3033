"""What every system's run can do: print, go on, be labelled, be kept, be compared with its theory."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray

import grokjax
from grokjax.systems import hopfield as hop, modular_addition as ma, representation as rep, teacher_student as ts


TINY = {
    "teacher_student": (
        ts.simulate,
        ts.TeacherStudent.at_scale(1 / 64).replace(noise_variance=jnp.array([0.1, 0.3])),
        {"num_members": 2, "num_steps": 24},
        lambda run: ts.predict(run.system, theory="mean_field"),
    ),
    "modular_addition": (
        ma.simulate,
        ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=1e-4 / 25, sextic_decay=3.0),
        {"num_members": 2, "num_steps": 24},
        lambda run: ma.predict(run.system),
    ),
    "hopfield": (
        hop.simulate,
        hop.AssociativeMemory(load=0.05, temperature=0.3),
        {"num_members": 2, "num_steps": 24, "num_spins": 100},
        lambda run: hop.predict(run.system),
    ),
    "representation": (
        rep.simulate,
        rep.ToyRepresentation(task=rep.Addition(5)),
        {"num_members": 2, "num_steps": 24},
        None,
    ),
}


@pytest.mark.parametrize("name", TINY)
def test_a_run_of_any_system(name, tmp_path):
    simulate, system, options, predict = TINY[name]
    run = simulate(jax.random.key(0), system, progress=False, **options)
    assert (run.certificate is None) != (run.status is None)  # the evidence of its kind
    assert f"2 members, {options['num_steps']} steps" in repr(run)
    longer = run.extend(jax.random.key(1), 12)
    assert longer.steps_per_call * longer.ensemble.num_steps == options["num_steps"] + 12
    labelled = run.to_xarray()
    assert labelled.sizes["member"] == 2
    assert all(variable.attrs["long_name"] for variable in labelled.data_vars.values())
    labelled.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    xarray.testing.assert_identical(xarray.load_dataset(tmp_path / "run.nc", engine="h5netcdf"), labelled)
    back = grokjax.load(grokjax.save(tmp_path / "run", run))
    assert str(back) == str(run)
    again = back.extend(jax.random.key(1), 12)
    for a, b in zip(jax.tree.leaves(again.order_parameters), jax.tree.leaves(longer.order_parameters), strict=True):
        np.testing.assert_array_equal(a, b)
    small = grokjax.load(grokjax.save(tmp_path / "small", run.without_states()))
    assert str(small) == str(run)
    if predict is not None:
        assert grokjax.compare(predict(run), run).rows
        assert grokjax.to_xarray(predict(run), system=run.system).data_vars
    with pytest.raises(ValueError, match="Did you mean `num_members`"):
        simulate(jax.random.key(0), system, num_member=3)
