"""Optimizations in checkpoints: a run that was stored goes on as if nothing had been."""

from __future__ import annotations

from functools import partial

import h5py
import numpy as np
import pytest
from checkpoint_cases import random_history, random_model, random_state
from test_checkpoint_records import expect_refusal, random_record, replaced

import hfopt
from reservoir.checkpoint import Checkpoint, History, Run, read, write
from reservoir.errors import DataError
from reservoir.rnn import RNN, Model, Network
from reservoir.series.scaler import unscaled

OPTIMIZERS = {
    "HessianFree": hfopt.HessianFree(cg=hfopt.ConjugateGradient(max_steps=12), structural=0.1),
    "SGD": hfopt.SGD(learning_rate=hfopt.Exponential(0.1, 0.9), momentum=0.9, nesterov=True),
    "RMSProp": hfopt.RMSProp(learning_rate=0.01, clip=0.5),
    "Adam": hfopt.Adam(learning_rate=0.01),
}


def task():
    """A network, where it starts, and four batches that take turns."""
    network = Network(RNN(4), 2, 1)
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((4, 6, 5, 2))
    targets = inputs[:, :, 0, :1] * inputs[:, :, 2, 1:]
    batches = [network.batch(x, y, at="last") for x, y in zip(inputs, targets, strict=True)]
    return network, network.initial(0), batches


def trained(optimizer, path=None, at=None, state=None, history=None, steps=7):
    """Train to the end; with a path, store the run after step `at`."""
    network, theta, batches = task()
    history = history or History()

    def after(progress):
        history.append({**progress.report._asdict(), "extra": progress.state.step / 3})
        if progress.state.step == at:
            model = Model(network, progress.state.theta, unscaled(2), unscaled(1), "last")
            run = Run(progress.state, {"task": "product", "sizes": [6, 5]})
            write(Checkpoint(model, run=run, history=history), path)

    found = hfopt.minimize(
        network, theta, optimizer, batches, max_steps=steps, callback=after, state=state
    )
    return found, history


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("at", [1, 4])
def test_a_run_goes_on_bit_for_bit(tmp_path, name, at):
    optimizer, path = OPTIMIZERS[name], tmp_path / "m.h5"
    whole, history = trained(optimizer, path, at)
    found = read(path)
    assert found.run.state.step == at
    assert found.run.job == {"task": "product", "sizes": [6, 5]}
    assert found.run.optimizer == type(optimizer.init(np.zeros(1))).__name__
    resumed, again = trained(optimizer, state=found.run.state, history=found.history)
    assert resumed.x.tobytes() == whole.x.tobytes()
    assert resumed.nit == whole.nit == 7
    assert resumed.fun == whole.fun
    assert again.names == history.names
    for column in history.names:
        assert again[column].tobytes() == history[column].tobytes(), column


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_states_come_back_by_their_fields(tmp_path, name):
    model = random_model()
    state = random_state(model, name)
    write(Checkpoint(model, run=Run(state)), tmp_path / "m.h5")
    found = read(tmp_path / "m.h5")
    assert type(found.run.state.optimizer) is type(state.optimizer)
    for field in state.optimizer._fields:
        left, right = (getattr(s.optimizer, field) for s in (found.run.state, state))
        assert type(left) is type(right), field
        assert np.asarray(left).tobytes() == np.asarray(right).tobytes(), field
    assert (found.run.state.step, found.run.state.value) == (7, 1.0 / 3.0)
    assert found.run.state.theta is found.record.theta
    assert found.run.job == {}
    assert not len(found.history)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.0])
def test_the_value_may_be_any_number(tmp_path, value):
    model = random_model()
    write(Checkpoint(model, run=Run(random_state(model)._replace(value=value))), tmp_path / "m.h5")
    found = read(tmp_path / "m.h5").run.state.value
    assert np.float64(found).tobytes() == np.float64(value).tobytes()


def test_a_run_before_its_first_step(tmp_path):
    model = random_model()
    state = hfopt.RunState(0, model.theta, float("nan"), hfopt.Adam().init(model.theta))
    write(Checkpoint(model, run=Run(state)), tmp_path / "m.h5")
    assert read(tmp_path / "m.h5").run.state.optimizer.first.tolist() == [0.0] * model.theta.size


def test_a_run_may_have_left_the_best_parameters(tmp_path):
    """The model is the best of the steps so far, the run stands at the last."""
    model, elsewhere = random_model(), random_model(seed=1)
    write(Checkpoint(model, run=Run(random_state(elsewhere))), tmp_path / "m.h5")
    found = read(tmp_path / "m.h5")
    assert found.record.theta.tobytes() == model.theta.tobytes()
    assert found.run.state.theta.tobytes() == elsewhere.theta.tobytes()
    expect_refusal(
        tmp_path / "m.h5",
        lambda file: replaced(file, "run/theta", np.full(43, np.nan)),
        "/run/theta has an entry that is not finite",
        checkpoint=found,
    )
    write(Checkpoint(model, run=Run(random_state(model))), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "theta" not in file["run"]  # nothing is stored twice


def test_the_state_is_stored_under_the_name_of_its_type(tmp_path):
    model = random_model()
    write(Checkpoint(model, run=Run(random_state(model, "SGD"))), tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        group = file["run/optimizer"]
        assert group.attrs["encoding-type"] == b"FirstOrderState"
        assert {name: (group[name].dtype.str, group[name].shape) for name in group} == {
            "step": ("<i8", ()),
            "updates": ("<i8", ()),
            "first": ("<f8", model.theta.shape),
            "second": ("<f8", (0,)),
            "rejections": ("<i8", ()),
            "refusal": ("<i8", ()),
            "converged": ("|u1", ()),
        }


def changed_state(**changes):
    state = random_state(random_model())
    return state._replace(optimizer=state.optimizer._replace(**changes))


def at(theta):
    return random_state(random_model())._replace(theta=theta)


@pytest.mark.parametrize(
    "state, message",
    [
        (at(np.zeros(38)), r"/run/theta has shape \(38,\); the config says"),
        (at(np.full(43, np.nan)), "/run/theta has an entry that is not finite"),
        (changed_state(start=np.zeros(3)), r"/run/optimizer/start has shape \(3,\)"),
        (changed_state(start=np.full(43, np.nan)), "start has a value that no optimizer leaves"),
        (changed_state(damping=float("inf")), "damping has a value that no optimizer leaves"),
        (changed_state(damping=-0.1), "damping has a value that no optimizer leaves"),
        (random_state(random_model())._replace(step=-1), "/run/step is below 0"),
    ],
)
def test_a_run_that_no_reader_would_take_is_not_written(tmp_path, state, message):
    with pytest.raises(DataError, match=message):
        write(Checkpoint(random_model(), run=Run(state)), tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_step_beyond_64_bits(tmp_path):
    run = Run(changed_state(step=2**63))
    with pytest.raises(DataError, match=r"/run/optimizer/step .* 64 bits"):
        write(Checkpoint(random_model(), run=run), tmp_path / "m.h5")


def test_what_is_no_state_or_no_job(tmp_path):
    model = random_model()
    state = random_state(model)
    with pytest.raises(TypeError, match="the state of an optimizer, dict, cannot be stored"):
        write(Checkpoint(model, run=Run(state._replace(optimizer={}))), tmp_path / "m.h5")
    for job in ({"rate": float("nan")}, {"draw": len}, {"units": {1, 2}}):
        with pytest.raises(TypeError, match=r"the job of a run cannot be stored: "):
            write(Checkpoint(model, run=Run(state, job)), tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


def test_an_echo_state_network_has_no_run(tmp_path):
    state = random_state(random_model())
    with pytest.raises(DataError, match="a model of this kind is not trained by an optimizer"):
        write(Checkpoint(random_record(), run=Run(state)), tmp_path / "m.h5")


# --- files that lie -----------------------------------------------------------------------------


@pytest.fixture
def tampered(tmp_path):
    model = random_model()
    checkpoint = Checkpoint(model, run=Run(random_state(model)), history=random_history())
    return partial(expect_refusal, tmp_path / "m.h5", checkpoint=checkpoint)


@pytest.mark.parametrize(
    "name, value, message",
    [
        ("run/step", np.int64(-1), "/run/step is below 0"),
        ("run/step", 7.0, "/run/step has type f8, not i8"),
        ("run/value", np.zeros(1), r"/run/value has shape \(1,\)"),
        ("run/optimizer/damping", np.nan, "damping has a value that no optimizer leaves"),
        ("run/optimizer/damping", -1.0, "damping has a value that no optimizer leaves"),
        ("run/optimizer/rejections", np.int64(-2), "rejections has a value that no optimizer"),
        ("run/optimizer/converged", np.int64(1), "converged has type i8, not u1"),
        ("run/optimizer/converged", np.uint8(2), "converged has a value that no optimizer leaves"),
        ("run/optimizer/start", np.full(43, np.inf), "start has a value that no optimizer"),
        ("run/optimizer/start", np.zeros(44), r"start has shape \(44,\); the config says \(43,\)"),
        ("run/optimizer/start", np.zeros((43, 1)), r"start has shape \(43, 1\)"),
        ("run/job", np.bytes_(b"[1]"), "/run/job is not a JSON object"),
    ],
)
def test_numbers_that_are_refused(tampered, name, value, message):
    tampered(lambda file: replaced(file, name, value), message)


@pytest.mark.parametrize("name", ["step", "optimizer", "optimizer/start", "job"])
def test_missing_members(tampered, name):
    def change(file):
        del file["run"][name]

    tampered(change, r"job is missing|/run/.* (is missing|unknown encoding '')")


@pytest.mark.parametrize("name", ["run", "run/job", "run/optimizer/damping"])
def test_unknown_encodings(tampered, name):
    def change(file):
        file[name].attrs["encoding-type"] = np.bytes_("other")

    tampered(change, "has the encoding 'other")


def test_unknown_optimizers_and_versions(tampered):
    def other(file):
        file["run/optimizer"].attrs["encoding-type"] = np.bytes_("os.system")

    def mixed(file):
        file["run/optimizer"].attrs["encoding-type"] = np.bytes_("FirstOrderState")

    def later(file):
        file["run/optimizer"].attrs["encoding-version"] = np.bytes_("2.0")

    tampered(other, "/run/optimizer has the unknown encoding 'os.system'")
    tampered(mixed, "/run/optimizer/updates is missing")
    tampered(later, "optimizer has the encoding 'HessianFreeState 2.0'")


def test_a_run_that_is_a_dataset(tampered):
    tampered(lambda file: replaced(file, "run", 1.0), "/run/optimizer has the unknown encoding ''")


def test_a_run_beside_an_echo_state_network(tmp_path):
    expect_refusal(
        tmp_path / "m.h5", lambda file: file.create_group("run"), "is not trained by an optimizer"
    )


def test_a_run_of_other_optimizer_is_noticed_by_the_loop(tmp_path):
    """An empty vector where the optimizer has one: the loop says so, not the file."""
    model = random_model()
    run = Run(random_state(model, "SGD"))
    write(Checkpoint(model, run=run), tmp_path / "m.h5")
    _, _, batches = task()
    with pytest.raises(ValueError, match="second of the state has shape"):
        hfopt.minimize(
            model.network, None, hfopt.Adam(), batches, state=read(tmp_path / "m.h5").run.state
        )
