"""The options of ``reservoir train``, by heading.

Their defaults are in `reservoir.jobs.settings`: an option that is not given stays None here, so
that one of another cell or optimizer can be refused.
"""

from __future__ import annotations

import click

from reservoir.cli.forcing_options import GENERATOR
from reservoir.cli.parameters import (
    Choice,
    Duration,
    File,
    LeakRate,
    Length,
    Picture,
    Real,
    Truncation,
)
from reservoir.cli.remedy_options import REMEDY
from reservoir.cli.schedule_parameter import Scheduled
from reservoir.jobs.settings import (
    CELLS,
    KEEP,
    NETWORK,
    OPTIMIZERS,
    SMALL_BATCH_CG,
    TARGET,
    TEST_SEQUENCES,
)

TASKS = Choice(
    "task",
    ("addition", "multiplication", "xor", "temporal_order", "temporal_order_3bit",
     "random_permutation", "memorization_5bit", "memorization_20bit", "copy", "copy_variable",
     "adding"),
)  # fmt: skip
LOSSES = Choice("loss", ("squared_error", "logistic_cross_entropy", "softmax_cross_entropy"))
ACTIVATIONS = Choice("activation", ("tanh", "logistic", "relu", "identity"))
RECURRENT = Choice("recurrent", ("orthogonal", "gaussian", "sparse", "identity"))
WHOLE = click.IntRange(min=1)
COUNT = click.IntRange(min=0)
FRACTION = Real(0, 1, min_open=True, max_open=True)
POSITIVE = Real(min=0, min_open=True)
NUMBER = Real(min=0)

SCHEDULES = (
    "exponential:INITIAL:FACTOR[:EVERY], stairs:INITIAL:FACTOR:EVERY, "
    "inverse_time:INITIAL:EVERY[:POWER], cosine:INITIAL:STEPS[:FINAL], warmup:STEPS:SCHEDULE"
)

_RNN, _HF = CELLS["rnn"], OPTIMIZERS["hf"]


def _rates() -> str:
    return ", ".join(
        f"{own['learning_rate']:g} for {name}"
        for name, own in OPTIMIZERS.items()
        if "learning_rate" in own
    )


def task_options() -> tuple[click.Option, ...]:
    """The options of generated tasks; each command needs its own."""
    # fmt: off
    return (
        click.Option(["--source"], type=Choice("source", ("martens2011", "hochreiter1997")),
                     help="Whose form of addition, multiplication, XOR or temporal order."),
        click.Option(["--balanced/--no-balanced"], default=None,
                     help="Classes of temporal order and random permutation dealt out in turn."),
        click.Option(["--symbols"], type=WHOLE, metavar="N",
                     help="Symbols of copy and random permutation."),
        click.Option(["--values"], type=click.IntRange(min=2), metavar="N",
                     help="Values that a symbol of copy may have."),
        click.Option(["--scored"], metavar="STEPS",
                     help="Which steps of memorization, copy or random permutation count."),
        click.Option(["--trigger"], type=Choice("trigger", ("before", "with")),
                     help="Where memorization and copy have it."),
        click.Option(["--marks"], type=Choice("marks", ("halves", "anywhere")),
                     help="Where adding has them."),
    )
    # fmt: on


TASK_OPTIONS = ("source", "balanced", "symbols", "values", "scored", "trigger", "marks")

# fmt: off
TASK = (
    click.Option(["--task"], type=TASKS, metavar="NAME",
                 help='Fresh sequences of a generated task; "reservoir task" lists them.'),
    click.Option(["--length"], type=Length(), metavar="T|LOW:HIGH",
                 help="Length of the task's sequences, or its lag; 100 by default. Of a range each "
                      "100 sequences have another one."),
    *task_options(),
    click.Option(["--test-sequences"], type=WHOLE, metavar="N",
                 help=f"Fresh sequences that decide whether the task is solved; "
                      f"{TEST_SEQUENCES:,} by default."),
)
DATA = (
    click.Option(["--input-columns"], metavar="COLUMNS",
                 help="Names, numbers from 0 or ranges 0:4, with commas; by default all that are "
                      "no targets."),
    click.Option(["--target-columns"], metavar="COLUMNS",
                 help="Columns of the same files; by default the inputs, a step later."),
    click.Option(["--horizon"], type=COUNT, metavar="STEPS",
                 help="How far ahead targets are; by default 1 if all are inputs too, else 0."),
    click.Option(["--targets"], type=Choice("targets", ("every", "last")), default="every",
                 help="Whether each step has a target, or the last one of a series."),
    click.Option(["--classes/--no-classes"], default=False,
                 help="The target column holds labels, whole numbers."),
    click.Option(["--loss"], type=LOSSES, metavar="NAME",
                 help="squared_error, logistic_cross_entropy (targets 0 to 1) or, for labels, "
                      "softmax_cross_entropy; by default by the targets."),
    click.Option(["--standardize/--no-standardize"], default=None,
                 help="Bring columns to zero mean and unit variance; by default done for tables, "
                      "not for sequences of generated tasks."),
    click.Option(["--validation"], type=File(), multiple=True, metavar="FILE",
                 help="Series to judge by, as DATA; may be repeated."),
    click.Option(["--validation-fraction"], type=FRACTION, metavar="NUMBER",
                 help="Instead, the fraction of the series of DATA that is held out."),
)
NETWORK_OPTIONS = (
    click.Option(["--cell"], type=Choice("cell", tuple(CELLS)), default="rnn",
                 help=f"Of the network: {', '.join(CELLS)}."),
    click.Option(["--units"], type=WHOLE, metavar="N",
                 help=f"Units of a layer; {NETWORK['units']} by default."),
    click.Option(["--layers"], type=WHOLE, metavar="N",
                 help=f"Layers; {NETWORK['layers']} by default."),
    click.Option(["--activation"], type=ACTIVATIONS, metavar="NAME",
                 help=f"{', '.join(ACTIVATIONS.choices)}; of the rnn, {_RNN['activation']} by "
                      "default."),
    click.Option(["--leak-rate"], type=LeakRate(), metavar="NUMBER|LOW:HIGH",
                 help="Of the rnn: 1, the default, is no leak; smaller is slower. Of a range each "
                      "unit draws its own."),
    click.Option(["--learn-leak/--no-learn-leak"], default=None,
                 help="Whether the leak rates of the rnn are learned."),
    click.Option(["--learn-initial-state/--no-learn-initial-state"], default=None,
                 help="Whether initial states are learned; they are zero otherwise."),
    click.Option(["--forget-gate/--no-forget-gate"], default=None, help="Of the lstm."),
    click.Option(["--reset"], type=Choice("reset", ("before", "after")),
                 help="Of the gru: before or after the recurrent product."),
    click.Option(["--recurrent"], type=RECURRENT, metavar="NAME",
                 help=f"Initial recurrent weights: {', '.join(RECURRENT.choices)}; by default "
                      "sparse for the rnn, else orthogonal."),
    click.Option(["--spectral-radius"], type=NUMBER, metavar="NUMBER",
                 help=f"That initial recurrent weights are scaled to; by default "
                      f"{_RNN['spectral_radius']} if the rnn's are sparse, else as drawn."),
    click.Option(["--gain"], type=POSITIVE, metavar="NUMBER",
                 help="Instead, a factor on them: gaussian ones have variance 1 / N before it."),
    click.Option(["--input-weights"], type=Choice("input_weights", ("gaussian", "sparse")),
                 help="Initial input weights; by default sparse for the rnn, else gaussian."),
    click.Option(["--input-scaling"], type=NUMBER, metavar="NUMBER",
                 help=f"A factor on them; {_RNN['input_scaling']} by default if the rnn's are "
                      "sparse, else 1."),
    click.Option(["--connections"], type=WHOLE, metavar="N",
                 help=f"Into each unit, of sparse weights; {_RNN['connections']} by default."),
    click.Option(["--forget-bias"], type=Real(), metavar="NUMBER",
                 help="Initial bias of the lstm's forget gates; 1 by default."),
    click.Option(["--gate-bias"], type=Real(), metavar="NUMBER",
                 help="Initial bias of the lstm's input and output gates; 0 by default. Below 0 "
                      "they begin closed."),
    click.Option(["--init-from"], type=File(), metavar="MODEL",
                 help="Begin as a trained network, a checkpoint or the directory of another run, "
                      "for other sequences or other steps; or as the reservoir of a fitted echo "
                      "state network, with its scaling of inputs and, for the same targets, its "
                      "readout."),
    click.Option(["--dtype"], type=Choice("dtype", ("float32", "float64")),
                 help=f"Of the passes; {NETWORK['dtype']} by default."),
)
OPTIMIZER = (
    click.Option(["--optimizer"], type=Choice("optimizer", tuple(OPTIMIZERS)), default="hf",
                 help=f"{', '.join(OPTIMIZERS)}; hf is Hessian-free."),
    click.Option(["--damping"], type=NUMBER, metavar="NUMBER",
                 help=f"Lambda of hf at first; {_HF['damping']} by default."),
    click.Option(["--structural-damping"], type=NUMBER, metavar="NUMBER",
                 help="Mu of hf, on pre-activations, as a multiple of lambda; 1/30 by default."),
    click.Option(["--structural-damping-h"], type=NUMBER, metavar="NUMBER",
                 help="The same on hidden states; 0 by default."),
    click.Option(["--structural-damping-c"], type=NUMBER, metavar="NUMBER",
                 help="The same on cell states of the lstm; 0 by default."),
    click.Option(["--cg-steps"], type=WHOLE, metavar="N",
                 help=f"Most steps of conjugate gradients; {_HF['cg_steps']} by default."),
    click.Option(["--preconditioner"], type=Choice("preconditioner", ("none", "fisher")),
                 help="Of conjugate gradients: none, the default, or the empirical Fisher "
                      "diagonal."),
    click.Option(["--early-stopping"], type=COUNT, metavar="N",
                 help="Stop conjugate gradients when so many stored iterates did not help on the "
                      "backtracking batch; 0, the default, is never."),
    click.Option(["--small-batch/--no-small-batch"], default=None,
                 help=f"The small-batch mode of hf (Kiros 2013): {SMALL_BATCH_CG} steps of "
                      "conjugate gradients by default, and small changes of lambda."),
    click.Option(["--epoch"], type=WHOLE, metavar="STEPS",
                 help="Of a pass over the data, by which this mode grows the start of conjugate "
                      "gradients; by default that of the batches, 1 for tasks."),
    click.Option(["--learning-rate"], type=Scheduled(low_open=True), metavar="NUMBER|SCHEDULE",
                 help=f"{_rates()} by default. Schedules: {SCHEDULES}."),
    click.Option(["--momentum"], type=Scheduled(0, 1), metavar="NUMBER|SCHEDULE",
                 help="Of sgd, 0 by default, and nesterov, 0.9. Also rising[:GREATEST[:EVERY]]."),
)
BATCHES = (
    click.Option(["--gradient-batch"], type=WHOLE, metavar="N",
                 help="Sequences for the gradient: with hf 5000 by default, of files all; with "
                      "other optimizers 100, of files 32."),
    click.Option(["--curvature-batch"], type=WHOLE, metavar="N",
                 help="How many of these for curvature products; 1000 by default, of files 500."),
    click.Option(["--backtracking-batch"], type=WHOLE, metavar="N",
                 help="Others for the choice among iterates; by default the gradient's."),
    click.Option(["--line-search-batch"], type=WHOLE, metavar="N",
                 help="Others for the line search and rho; by default the gradient's."),
    click.Option(["--fixed-batches/--no-fixed-batches"], default=False,
                 help="The same sequences at each step."),
    click.Option(["--truncate"], type=Truncation(), metavar="K1:K2",
                 help="Train on K1 steps of the sequences at a time, gradients going K2 steps back "
                      "from their end; states go on. Not with hf; whole sequences by default."),
)
RUN = (
    click.Option(["-o", "--output"], type=File(), required=True, metavar="RUNDIR",
                 help="Directory of the run; made if it is not there."),
    click.Option(["--max-steps"], type=COUNT, metavar="N",
                 help="Most steps in all; by default 500 with hf, else 50,000."),
    click.Option(["--time-limit"], type=Duration(), metavar="TIME",
                 help="Most time in all: seconds, or 90s, 20m, 2h."),
    click.Option(["--processor-limit"], type=Duration(), metavar="TIME",
                 help="Most processor time in all, of all threads together: what a run takes, not "
                      "what it waits on a machine that others use."),
    click.Option(["--target"], type=NUMBER, metavar="NUMBER",
                 help=f"Stop when the fraction of wrong fresh sequences (files: the validation "
                      f"loss) is below; {TARGET} by default for tasks, 0 is never."),
    click.Option(["--patience"], type=WHOLE, metavar="N",
                 help="Stop after so many judgements in a row without a better score; by default "
                      "never."),
    click.Option(["--validate-every"], type=WHOLE, metavar="N",
                 help="Steps from one judgement to the next; 1 with hf, else 100."),
    click.Option(["--checkpoint-every"], type=WHOLE, metavar="N",
                 help="Steps from one checkpoint to the next; 1 with hf, else 100."),
    click.Option(["--metrics-every"], type=WHOLE, metavar="N", default=1,
                 help="Steps from one row of the metrics to the next, 1 by default; those that are "
                      "judged or saved have rows too."),
    click.Option(["--keep"], type=WHOLE, metavar="N", default=KEEP,
                 help="Numbered checkpoints that stay."),
    click.Option(["--seed"], type=COUNT, metavar="N",
                 help="Of all that is drawn; by default that of the run so far, or a new one."),
    click.Option(["--fresh"], is_flag=True, help="Begin anew; the old run is moved aside."),
    click.Option(["--requeue-exit-code"], type=click.IntRange(1, 255), metavar="CODE", default=75,
                 help="Exit code that asks to be run again, after SIGTERM, SIGUSR1 or Ctrl-C."),
    click.Option(["--plot"], type=Picture(), help="Draw the course of training (PNG)."),
)
# fmt: on

SECTIONS = {
    "Generated task": TASK,
    "Data from files": DATA,
    "Network": NETWORK_OPTIONS,
    "Generators": GENERATOR,
    "Optimizer": OPTIMIZER,
    "Remedies": REMEDY,
    "Batches": BATCHES,
    "Run": RUN,
}
