"""How sure a network is beside how often it is right."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cnncourse._checks import check_count, check_filled
from cnncourse.plots._arrays import to_array
from cnncourse.plots._charts import finish, percent_text
from cnncourse.plots._legend import legend_above
from cnncourse.plots._style import LINE_STYLES, MARKERS, MUTED, PALETTE, grid, new_or, style


def reliability(
    groups: Mapping[str, tuple[Any, Any, Any]],
    ax: Axes | None = None,
    title: str | None = None,
    least: int = 10,
) -> Axes:
    """Draw how often a network is right against how sure it is; the dashed line is where both are equal.

    Parameters
    ----------
    groups : mapping from str to (confidence, accuracy, counts)
        For each network, arrays (bins,) such as `cnncourse.explain.calibration` returns: the larger a mark,
        the more images it stands for. At most 7 networks.
    ax : Axes, optional
        Where to draw; a new card if it is not given.
    title : str, optional
        Name of the chart.
    least : int
        Groups of fewer images are passed over: their accuracy is a matter of chance.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        If there is no network, or its arrays differ in length.

    Examples
    --------
    >>> ax = reliability({"as trained": ([0.6, 0.9], [0.5, 0.7], [10, 90])})
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('confidence', 'accuracy')
    """
    check_filled("groups", groups, "at least one network, as {name: (confidence, accuracy, counts)}")
    if len(groups) > len(PALETTE):
        raise ValueError(f"groups holds at most {len(PALETTE)} networks, got {len(groups)}")
    drawn = {}
    for name, arrays in groups.items():
        drawn[name] = [to_array(f"groups[{name!r}]", each).astype(float).ravel() for each in arrays]
        if len(drawn[name]) != 3 or len({each.size for each in drawn[name]}) > 1:
            sizes = [each.size for each in drawn[name]]
            raise ValueError(
                f"groups[{name!r}] must be confidence, accuracy and counts of one length, got lengths {sizes}"
            )
    with style():
        ax = new_or(ax, height=4.4)
        ax.axline((0.5, 0.5), slope=1, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        for index, (name, (sure, right, counts)) in enumerate(drawn.items()):
            kept = counts >= check_count("least", least)
            look: Any = {"color": PALETTE[index], "label": name}
            ax.plot(
                sure[kept],
                right[kept],
                linestyle=LINE_STYLES[index],
                linewidth=1.4,
                marker=MARKERS[index],
                **look,
            )
            area = 20 + 380 * counts[kept] / counts.max()
            ax.scatter(sure[kept], right[kept], s=area, color=PALETTE[index], alpha=0.25, linewidths=0)
        finish(ax, "confidence", "accuracy", title, "")
        grid(ax, "both")
        ax.set(xlim=(0, 1.03), ylim=(0, 1.03))
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(FuncFormatter(percent_text))
        if len(drawn) > 1 or "" not in drawn:
            legend_above(ax)
    return ax
