"""``cnncourse data`` on small sets."""

import warnings
from pathlib import Path

import pytest
from small_data import pets, write_folder, write_tar

from cnncourse.cli import run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_show_draws_a_single_picture(tmp_path: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: content for name, content in pets().items() if name != "pets/test/dog/3.png"}
    path = write_tar(tmp_path / "pets.tar", files)
    assert run(["data", "show", str(path), "--split", "test"]) == 0
    assert "saved in pets-test.png" in capsys.readouterr().out
    assert (here / "pets-test.png").read_bytes().startswith(b"\x89PNG")


def test_a_wrong_seed_is_refused_before_anything_is_printed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["data", "show", "digits", "--seed", "-1"]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "cnncourse: seed must be at least 0, got -1\n")
    assert not list(here.iterdir())


def test_list_says_why_a_data_set_is_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "any.file"
    path.write_text("milk, bread")
    monkeypatch.setenv("CNNCOURSE_DATA", str(path))
    assert run(["data", "list"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("cifar")]
    assert len(lines) == 2
    assert all("absent" in line and "any.file is damaged or cut off" in line for line in lines)


@pytest.mark.filterwarnings("default")
def test_a_warning_is_one_line_without_a_line_of_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_folder(tmp_path, pets()) / "pets"
    (path / "train" / "emu").mkdir()
    assert run(["data", "show", str(path), "--seed", "0"]) == 0
    assert capsys.readouterr().err == f"warning: {path}: no class is made of train/emu, which is empty\n"
    with pytest.warns(UserWarning, match="once more"):  # and after the command as before it
        warnings.warn("once more", stacklevel=1)
