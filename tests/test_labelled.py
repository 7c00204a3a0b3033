"""Results for the ecosystem: labelled arrays, files of others, ArviZ, notebooks, and logs of a run."""

import html
import types
import warnings

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.systems import power_unit as pu


xarray = pytest.importorskip("xarray")

NOISE = jnp.array([1.0, 4.0])
SYSTEM = pu.PowerUnit(power=3, num_observations=20, noise_variance=NOISE)


@pytest.fixture(scope="module")
def chunks():
    return []


@pytest.fixture(scope="module")
def run(chunks):
    options = {"num_members": 6, "num_steps": 96, "warmup": 32, "record_every": 2, "progress": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", grokjax.NotInEquilibrium)
        return pu.simulate(jax.random.key(0), SYSTEM, on_chunk=chunks.append, **options)


def test_a_run_has_coordinates_long_names_and_a_note_and_comes_back_from_netcdf(run, tmp_path):
    data = run.to_xarray()
    np.testing.assert_allclose(data["noise_variance"], NOISE)
    assert data["noise_variance"].attrs["long_name"].startswith(r"$\sigma^2$")
    assert data["output"].dims == ("point", "member", "record")
    assert data["output"].attrs["long_name"] == r"$\langle w^p\rangle$, the learned part of the target 1"
    np.testing.assert_array_equal(data["output_mean"], run.output.mean)
    np.testing.assert_array_equal(data["output_error"], run.output.error)
    assert "data set" in data.attrs["note"]
    assert data.attrs["errors"] == f"over {run.errors_from}"
    data.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    back = xarray.load_dataset(tmp_path / "run.nc", engine="h5netcdf")
    xarray.testing.assert_identical(back, data)


def test_predictions_and_diagrams_are_labelled(tmp_path):
    prediction = pu.predict(SYSTEM)
    data = grokjax.to_xarray(prediction, system=SYSTEM, project="a test")
    assert data["heat_capacity"].dims == ("point",)
    np.testing.assert_array_equal(data["heat_capacity"], prediction.heat_capacity)
    np.testing.assert_allclose(data["noise_variance"], NOISE)
    assert data.attrs["project"] == "a test"
    one = grokjax.to_xarray(pu.predict(SYSTEM.replace(noise_variance=1.0)))
    assert one["output"].dims == ()
    with pytest.raises(ValueError, match="`result` must be one with arrays"):
        grokjax.to_xarray(object())
    axes = {"b": jnp.arange(3.0), "a": jnp.arange(2.0)}
    point = lambda a, b: grokjax.PhasePoint({"x": a + b}, jnp.where(a > b, 1, 0), jnp.asarray(int(a.ndim)))
    diagram = grokjax.sweep(point, axes, ("below", "above"))
    drawn = grokjax.to_xarray(diagram)
    assert drawn["x"].dims == ("b", "a")
    assert drawn["phase"].sel(a=1.0, b=0.0) == "above"
    xarray.testing.assert_identical(grokjax.to_xarray(types.SimpleNamespace(diagram=lambda: diagram)), drawn)
    drawn.to_netcdf(tmp_path / "diagram.nc", engine="h5netcdf")
    assert xarray.load_dataset(tmp_path / "diagram.nc", engine="h5netcdf")["phase"].shape == (3, 2)


def test_arviz_summarises_and_draws_the_chains(run):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of other packages, at import
        az = pytest.importorskip("arviz")
        tree = run.to_arviz()
        table = az.summary(tree, var_names=["output"], round_to="none")
        az.plot_trace(tree, var_names=["output"])
    posterior = tree["posterior"]
    assert posterior["output"].dims[:2] == ("chain", "draw")
    assert posterior["output"].sizes["chain"] == 6
    assert "energy" in tree["sample_stats"]
    assert posterior.attrs["inference_library"] == "grokjax"
    np.testing.assert_allclose(np.asarray(table["mean"], float), run.output.mean, rtol=1e-6)


def test_a_member_that_diverged_is_no_chain(run):
    lost = np.zeros_like(run.diverged)
    lost[1, 2] = True
    tree = eqx.tree_at(lambda r: r.diverged, run, lost).to_arviz()
    assert tree["posterior"].sizes["chain"] == 5
    assert tree["posterior"].attrs["left_out"] == 1


def test_notebooks_show_tables(run):
    comparison = grokjax.compare(pu.predict(SYSTEM), run)
    for thing, wanted in (
        (SYSTEM, "noise_variance"),
        (pu.predict(SYSTEM), "heat_capacity"),
        (comparison, comparison.rows[0].name),
        (run.certificate, "R-hat"),
        (run, "R-hat"),
    ):
        shown = thing._repr_html_()
        assert shown.startswith("<table>")
        assert html.escape(wanted) in shown
        assert shown.count("<td>") == shown.count("</td>") > 0
    zero = jnp.asarray(0)
    assert "<b>" not in grokjax.PhasePoint({"<b>": 1}, zero, zero)._repr_html_()


def test_a_log_hears_of_every_chunk(run, chunks):
    assert [chunk.steps for chunk in chunks][-1] == chunks[-1].num_steps == 96
    assert [chunk.warming_up for chunk in chunks] == [chunk.steps <= 32 for chunk in chunks]
    assert chunks[-1].energy.shape == (run.layout.num_entries,)
    np.testing.assert_array_equal(chunks[-1].energy, run.ensemble.states.energy)
    assert not np.array_equal(chunks[0].energy, chunks[-1].energy)
    with pytest.raises(ValueError, match="`on_chunk` must be a function"):
        grokjax.Schedule(on_chunk=3)


def test_only_series_have_an_axis_of_records():
    """Also where a vector happens to be as long as there are records."""
    position = lambda key, state: state.position
    observables = {
        "energy": grokjax.Series(grokjax.observables.measure_energy),
        "path": grokjax.Series(position),
        "position": grokjax.RunningMoments(position),
    }
    options = {"observables": observables, "num_steps": 20, "record_every": 2, "progress": False}
    run = grokjax.run(jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 10)), **options)
    assert run.recorded == ("energy", "path")
    data = run.to_xarray()
    assert data["energy"].dims == data["path"].dims[:2] == ("member", "record")
    assert data["position_mean"].dims == ("member", "position_mean_0")
    options["observables"] = {"position": observables["position"]}
    run = grokjax.run(jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 10)), **options)
    assert run.certificate is None  # nothing was recorded


def test_a_log_may_end_a_run_and_the_bar_names_compilation(capsys):
    def enough(chunk):
        if chunk.steps >= 64:
            raise KeyboardInterrupt

    problem = lambda x: jnp.sum(x**2) / 2
    sampler = grokjax.Langevin(0.1)
    options = {"observables": {"energy": grokjax.Series(grokjax.observables.measure_energy)}, "record_every": 1}
    with pytest.warns(UserWarning, match="interrupted after 64 of 128"):
        run = grokjax.run(
            jax.random.key(0), sampler, problem, jnp.ones((2, 3)), num_steps=128, on_chunk=enough, **options
        )
    assert run.interrupted
    assert run.to_xarray()["energy"].dims == ("member", "record")
    said = capsys.readouterr().err
    assert "ensemble, compiling" in said
    assert "ensemble:" in said
