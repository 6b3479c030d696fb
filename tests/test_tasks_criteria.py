"""Generated tasks: when a sequence is wrong, against slow twins; and what is had without memory."""

from __future__ import annotations

import math

import naive_tasks
import numpy as np
import pytest

from reservoir.errors import DataError
from reservoir.rnn import RNN, Network
from reservoir.tasks import SOLVED, TASKS, task

REAL = [
    ("addition", {}),
    ("addition", {"source": "hochreiter1997"}),
    ("multiplication", {}),
    ("multiplication", {"source": "hochreiter1997"}),
    ("adding", {}),
]


def constant(sample, row):
    """The same outputs at every step."""
    return [np.tile(np.asarray(row, np.float64), (n, 1)) for n in sample.lengths]


def perfect(made, sample):
    """Outputs of a network that knows everything."""
    found = []
    for i, n in enumerate(sample.lengths):
        outputs = np.zeros((n, made.outputs))
        if made.at == "every":
            outputs[np.arange(n), sample.targets[i]] = 50.0
        elif made.loss == "softmax_cross_entropy":
            outputs[-1, sample.targets[i]] = 50.0
        elif made.loss == "logistic_cross_entropy":
            outputs[-1] = 100.0 * sample.targets[i] - 50.0
        else:
            outputs[-1] = sample.targets[i]
        found.append(outputs)
    return found


@pytest.mark.parametrize("name", TASKS)
def test_perfect_outputs_solve_it_by_every_criterion(name):
    made = task(name, 30)
    sample = made.draw(150, 2)
    outputs = perfect(made, sample)
    for criterion in (None, *made.criteria):
        assert made.wrong(outputs, sample, criterion) == 0.0
        assert made.solved(outputs, sample, criterion)


@pytest.mark.parametrize("name", TASKS)
def test_one_percent_wrong_is_not_solved(name):
    made = task(name, 30)
    sample = made.draw(200, 2)
    outputs = perfect(made, sample)
    outputs[17][-1] = np.nan
    assert made.wrong(outputs, sample) == 0.005 < SOLVED
    assert made.solved(outputs, sample)
    outputs[18][-1] = -np.inf
    assert made.wrong(outputs, sample) == 0.01
    assert not made.solved(outputs, sample)


@pytest.mark.parametrize(("name", "options"), REAL)
def test_errors_of_numbers_against_the_twin(name, options):
    made = task(name, 30, **options)
    sample = made.draw(300, 4)
    rng = np.random.default_rng(0)
    rows = sample.targets + rng.normal(0.0, 0.1, (300, 1))
    rows[5], rows[6] = np.nan, np.inf
    for criterion in ("absolute", "squared"):
        wrong = [
            naive_tasks.wrong_value(float(o), float(y), criterion)
            for o, y in zip(rows[:, 0], sample.targets[:, 0], strict=True)
        ]
        assert 0 < sum(wrong) < 300
        assert made.wrong(rows, sample, criterion) == pytest.approx(np.mean(wrong))


def test_signs_against_the_twin():
    made = task("xor", 30)
    sample = made.draw(300, 4)
    rows = np.random.default_rng(0).normal(0.0, 3.0, (300, 1))
    rows[5], rows[6], rows[7:9] = np.nan, np.inf, 0.0
    wrong = [
        naive_tasks.wrong_sign(float(o), float(y))
        for o, y in zip(rows[:, 0], sample.targets[:, 0], strict=True)
    ]
    assert made.wrong(rows, sample) == pytest.approx(np.mean(wrong))


@pytest.mark.parametrize("source", ["martens2011", "hochreiter1997"])
def test_classes_against_the_twin(source):
    made = task("temporal_order", 30, source=source)
    sample = made.draw(400, 4)
    rng = np.random.default_rng(0)
    rows = rng.normal(0.0, 1.0, (400, 4)) + 3.0 * np.eye(4)[sample.targets]
    rows[5, 2], rows[6, 0] = np.nan, np.inf
    pairs = [(row.tolist(), int(y)) for row, y in zip(rows, sample.targets, strict=True)]
    largest = np.mean([naive_tasks.largest(row) != y for row, y in pairs])
    units = np.mean([naive_tasks.wrong_unit(row, y) for row, y in pairs])
    assert largest < units < 1.0
    assert made.wrong(rows, sample, "largest") == pytest.approx(largest)
    assert made.wrong(rows, sample, "units") == pytest.approx(units)
    default = largest if source == "martens2011" else units
    assert made.wrong(rows, sample) == pytest.approx(default)


@pytest.mark.parametrize("scored", ["all", "recall"])
def test_recall_against_the_twin(scored):
    made = task("copy_variable", 12, symbols=3, values=4, scored=scored)
    sample = made.draw(200, 4)
    rng = np.random.default_rng(0)
    outputs = [o + rng.normal(0.0, 14.0, o.shape) for o in perfect(made, sample)]
    outputs[5][-1, 0] = np.nan
    sequences, symbols = [], []
    for o, y in zip(outputs, sample.targets, strict=True):
        bad = [naive_tasks.largest(row) != label for row, label in zip(o.tolist(), y, strict=True)]
        recalled = [b for b, label in zip(bad, y, strict=True) if label < made.values]
        sequences.append(any(bad if scored == "all" else recalled))
        symbols += recalled
    assert 0.0 < np.mean(sequences) < 1.0
    assert made.wrong(outputs, sample) == pytest.approx(np.mean(sequences))
    assert made.wrong(outputs, sample, "symbol") == pytest.approx(np.mean(symbols))


def test_only_the_last_symbol_of_a_permutation_decides():
    made = task("random_permutation", 8, symbols=5)
    sample = made.draw(50, 0)
    outputs = perfect(made, sample)
    for one in outputs:
        one[:-1] = -one[:-1]
    assert made.wrong(outputs, sample) == 0.0
    outputs[3][-1] = 0.0
    outputs[3][-1, 4] = 1.0
    assert made.wrong(outputs, sample) == pytest.approx(1 / 50)


def test_outputs_come_as_a_list_a_stack_or_last_rows():
    made = task("addition", 30)
    sample = made.draw(20, 0)
    outputs = perfect(made, sample)
    outputs[2][-1] += 1.0
    stack = np.full((20, 33, 1), np.nan)
    for i, one in enumerate(outputs):
        stack[i, : len(one)] = one
    rows = np.stack([one[-1] for one in outputs])
    for form in (outputs, tuple(outputs), stack, rows, rows.astype(np.float32)):
        assert made.wrong(form, sample) == 0.05


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        (np.zeros((19, 1)), r"outputs of the last step: expected shape \(20, 1\), got \(19, 1\)"),
        (np.zeros((20, 2)), r"outputs of the last step: expected shape \(20, 1\), got \(20, 2\)"),
        ([np.zeros((30, 1))] * 3, "outputs: expected those of 20 sequences, got 3"),
        ([np.zeros((3, 1))] * 20, r"outputs of series 0: expected shape \(\d+, 1\), got \(3, 1\)"),
        (np.zeros((20, 3, 1)), r"outputs of series 0: expected shape \(\d+, 1\), got \(3, 1\)"),
        (None, "outputs: expected those of 20 sequences, got None"),
    ],
)
def test_outputs_that_do_not_belong_to_the_sample(outputs, message):
    made = task("addition", 30)
    with pytest.raises(DataError, match=message):
        made.wrong(outputs, made.draw(20, 0))


# ---- without memory


@pytest.mark.parametrize(("name", "options"), REAL)
def test_the_control_of_numbers_is_what_a_constant_gets(name, options):
    made = task(name, 20, **options)
    sample = made.draw(200_000, 1)
    y = sample.targets[:, 0]
    for criterion in made.criteria:
        control = made.control(criterion)
        assert control.floor == 0.0
        assert 0.5 * y.var() == pytest.approx(control.loss, rel=0.01)
        rows = np.full((len(y), 1), y.mean())
        assert made.wrong(rows, sample, criterion) == pytest.approx(control.wrong, abs=0.005)
        tried = [
            made.wrong(np.full((len(y), 1), c), sample, criterion)
            for c in np.linspace(y.min(), y.max(), 101)
        ]
        assert min(tried) == pytest.approx(control.least_wrong, abs=0.005)


def test_published_controls():
    addition = task("addition", 100)
    assert addition.control().wrong == pytest.approx(0.8464)
    assert addition.control("squared").wrong == pytest.approx(0.36)
    assert 2 * addition.control().loss == pytest.approx(1 / 24)
    assert 2 * task("multiplication", 100).control().loss == pytest.approx(7 / 144)
    assert 2 * task("adding", 400).control().loss == pytest.approx(0.167, abs=5e-4)
    assert task("copy", 500).control().loss == pytest.approx(10 * math.log(8) / 520)
    assert task("copy_variable", 500).control().loss == pytest.approx(10 * math.log(8) / 520)
    assert task("temporal_order", 100).control().wrong == 0.75
    assert task("temporal_order_3bit", 100).control().loss == pytest.approx(math.log(8))
    assert task("temporal_order", 100).control("units").wrong == 1.0
    assert task("xor", 100).control().loss == pytest.approx(math.log(2))


@pytest.mark.parametrize("source", ["martens2011", "hochreiter1997"])
def test_addition_is_one_problem_in_both_forms(source):
    """Numbers scaled to [0, 1] have the mean of the marked ones as their target."""
    sample = task("addition", 40, source=source).draw(500, 0)
    for x, y in zip(sample.inputs, sample.targets, strict=True):
        marked = x[x[:, 1] == 1.0, 0].astype(float)
        if len(marked) == 2:
            scaled = (marked + 1) / 2 if source == "hochreiter1997" else marked
            assert y[0] == pytest.approx(scaled.mean(), abs=1e-12)


@pytest.mark.parametrize("name", ["xor", "temporal_order", "temporal_order_3bit"])
def test_the_control_of_classes(name):
    made = task(name, 20)
    sample = made.draw(4000, 1)
    control, rows = made.control(), np.zeros((4000, made.outputs))
    assert made.wrong(rows, sample) == pytest.approx(control.wrong, abs=0.03)
    network = Network(RNN(2), made.inputs, made.outputs, made.loss)
    batch = network.batch(**sample[:50].arguments())
    assert network.value(np.zeros(network.size), batch) == pytest.approx(control.loss)


def without_memory(made, sample):
    """Outputs that know the step and the lag, but no symbol."""
    found = []
    for n, y in zip(sample.lengths, sample.targets, strict=True):
        outputs = np.full((n, made.outputs), -50.0)
        if made.name == "random_permutation":
            outputs[:-1, 2:] = 0.0
            outputs[-1, :2] = 0.0
        else:
            recalled = np.asarray(y) != made.values
            outputs[~recalled, made.values] = 0.0
            outputs[recalled, : made.values] = 0.0
        found.append(outputs)
    return found


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("random_permutation", {"symbols": 9}),
        ("random_permutation", {"symbols": 9, "scored": "last"}),
        ("copy", {"symbols": 2, "values": 3}),
        ("copy_variable", {"symbols": 2, "values": 3, "scored": "recall"}),
        ("memorization_5bit", {"trigger": "with"}),
    ],
)
def test_the_control_of_symbols(name, options):
    made = task(name, 6, **options)
    sample = made.draw(3000, 1)
    outputs = without_memory(made, sample)
    total = count = 0.0
    for i, (o, y) in enumerate(zip(outputs, sample.targets, strict=True)):
        weights = np.ones(len(o)) if sample.weights is None else sample.weights[i]
        for row, label, weight in zip(o.tolist(), y.tolist(), weights, strict=True):
            if weight:
                total += naive_tasks.cross_entropy(row, label)
                count += 1.0
    control = made.control()
    assert total / count == pytest.approx(control.loss)
    assert made.wrong(outputs, sample) == pytest.approx(control.wrong, abs=0.03)
    if "symbol" in made.criteria:
        assert made.wrong(outputs, sample, "symbol") == pytest.approx(
            made.control("symbol").wrong, abs=0.03
        )
    assert control.floor < control.loss


def test_the_floor_of_a_permutation_is_what_nobody_can_know():
    made = task("random_permutation", 200)
    control = made.control()
    assert control.floor == pytest.approx(199 * math.log(98) / 200)
    assert control.loss - control.floor == pytest.approx(math.log(2) / 200)
    assert task("random_permutation", 200, scored="last").control().floor == 0.0
