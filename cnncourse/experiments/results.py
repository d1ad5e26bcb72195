"""What an experiment found, as one small table."""

from cnncourse._tables import spread, table
from cnncourse.experiments.experiment import Experiment, ExperimentRun, record_path
from cnncourse.experiments.record import RunRecord


def describe_results(name: str) -> str:
    """Return the records of the experiment `name` as a table, with the command that makes them again.

    Parameters
    ----------
    name : str
        The experiment's name; `experiment_names` lists them.

    Returns
    -------
    str
        A row for each run: its network, how many seeds have a record, epochs, test accuracy and seconds of
        training, as the mean over seeds with the range in brackets.

    Raises
    ------
    ValueError
        If there is no such experiment, or a record is damaged.

    Examples
    --------
    >>> print(describe_results("vgg-kernels").splitlines()[0])
    vgg-kernels: Two 3x3 against one 5x5 (cifar10)
    """
    experiment = Experiment.load(name)
    rows: list[tuple[str, ...]] = [("run", "network", "seeds", "epochs", "test accuracy", "seconds")]
    rows += [_row(experiment, run) for run in experiment.runs.values()]
    head = f"{name}: {experiment.title} ({experiment.data})"
    return "\n".join([head, table(rows, right=range(2, 6)), f"$ cnncourse experiment run {name}"])


def _row(experiment: Experiment, run: ExperimentRun) -> tuple[str, ...]:
    """Return a run's row; one without a record says so."""
    seeds = {seed: record_path(experiment, run.name, seed) for _, seed in experiment.select([run.name])}
    records = [RunRecord.load(path) for path in seeds.values() if path.is_file()]
    if not records:
        return (run.name, run.model, "no record", "", "", "")
    accuracy = [record.result.get("test_accuracy") for record in records]
    seconds = [record.result.get("train_seconds") for record in records]
    epochs = records[0].recipe.get("epochs")
    return (
        run.name,
        run.model,
        f"{len(records)} of {len(seeds)}",
        "-" if epochs is None or not records[0].history else f"{epochs:g}",
        spread([100 * each for each in accuracy if each is not None], "{:.2f}"),
        spread([each for each in seconds if each is not None], "{:,.0f}"),
    )
