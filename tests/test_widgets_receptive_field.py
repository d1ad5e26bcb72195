"""The receptive fields that a widget works out, in Node: every layer of its networks, as by the package."""

import re

import pytest
import torch
from in_node import in_node, in_the_book

from cnncourse.models import create_model
from cnncourse.receptive_field import receptive_field

widget_data = pytest.importorskip("tools.sphinx_ext.widget_data", reason="the book is not here")
NETWORKS = widget_data.NETWORKS
pytestmark = in_the_book


def rows_of(name):
    """Return the package's rows, without those that change nothing but the axes."""
    side = NETWORKS[name][1]
    with torch.device("meta"):
        model = create_model(name)
    rows = receptive_field(model, (3, side, side))
    numbers = [(row.size, row.jump, row.start, row.outputs) for row in rows]
    return [row for i, row in enumerate(rows) if i == 0 or row.jump or numbers[i] != numbers[i - 1]]


@pytest.fixture(scope="module")
def found():
    """Return for each network its layers, as given to the widget, and the fields that it works out."""
    layers = {name: widget_data.layers_of(name) for name in NETWORKS}
    every = "Object.fromEntries(Object.entries(layers).map(([name, each]) => [name, fields.fieldsOf(each)]))"
    return layers, in_node("fields.js", every, layers=layers)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_layer_is_as_the_package_says(found, name):
    layers, fields = (each[name][1:] for each in found)
    rows = rows_of(name)
    assert [(layer["name"], layer["outputs"]) for layer in layers] == [
        (row.layer, row.outputs) for row in rows
    ]
    worked_out = [(field["size"], field["jump"], field["start"]) for field in fields]
    assert worked_out == [(row.size, row.jump, row.start) for row in rows]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_arithmetic_that_is_written_out_is_right(found, name):
    for layer, field in zip(found[0][name], found[1][name], strict=True):
        lines = [line.replace("−", "-").replace("·", "*") for line in field["lines"]]
        assert [line[:8].split()[0] for line in lines] == ["size", "start", "jump"]
        for line, number in zip(lines, (field["size"], field["start"], field["jump"]), strict=True):
            for side in line.split(" = ")[1:]:
                assert re.fullmatch(r"[-+*(), \dmaxin]+", side), line
                assert eval(side) == number, (layer["name"], line)


def test_a_unit_sees_what_the_rows_window_says_and_the_nearest_one_is_found(found):
    layers, fields = (each["resnet20"] for each in found)
    places = "[0, 1, 2].map((i) => fields.sees(field, i))"
    near = "[-40, 0, 6, 100].map((pixel) => fields.nearest(field, outputs, pixel))"
    row = rows_of("resnet20")[-2]
    seen, nearest = in_node(
        "fields.js", f"[{places}, {near}]", field=fields[-2], outputs=layers[-2]["outputs"]
    )
    assert [tuple(each) for each in seen] == [row.window(i) for i in range(3)]
    middles = [row.start + row.jump * i + (row.size - 1) / 2 for i in range(row.outputs)]
    expected = [min(range(8), key=lambda i: abs(middles[i] - pixel)) for pixel in (-40, 0, 100)]
    assert [nearest[i] for i in (0, 1, 3)] == expected
    assert abs(middles[nearest[2]] - 6) == min(abs(middle - 6) for middle in middles)  # halfway


def test_what_sees_the_whole_map_sees_all_and_has_no_neighbor(found):
    for name in NETWORKS:
        layer, field = found[0][name][-1], found[1][name][-1]
        assert layer["all"] and layer["outputs"] == 1 and field["jump"] == 0
        assert field["start"] <= 0 and field["start"] + field["size"] >= NETWORKS[name][1]
