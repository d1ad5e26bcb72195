"""What lies in a folder or archive beside the pictures: it is told apart by its name, before it is read."""

import os
import tarfile
import unicodedata
from pathlib import Path

import pytest
from small_data import Files, pets, picture, write_folder, write_tar

from cnncourse import data
from cnncourse.data import archives, loading, store

LEFT_OVERS = [
    "@eaDir/x/t.jpg",
    "train/@eaDir/0.png/SYNOPHOTO_THUMB_M.jpg",
    "#recycle/old/1.png",
    "$RECYCLE.BIN/S-1/1.png",
    "System Volume Information/x/1.png",
    "lost+found/x/1.png",
    "__MACOSX/train/cat/._0.png",
    ".git/objects/ab/cd",
    "train/cat/.#0.png",
    "train/cat/#0.png#",
    "train/cat/0.png~",
    "train/cat/~$notes.docx",
    "train/cat/Icon\r",
    "train/cat/.DS_Store",
    "train/cat/Thumbs.db",
    "train/cat/desktop.ini",
    "train/labels.csv",
]


@pytest.mark.parametrize("left_over", LEFT_OVERS)
@pytest.mark.parametrize("container", ["folder", "tar"])
def test_left_overs_are_no_pictures_and_no_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_over: str, container: str
) -> None:
    monkeypatch.setattr(archives, "MAX_FILE", 2**20)  # left-overs may be larger than any picture
    files = pets() | {f"pets/{left_over}": picture(99) + bytes(2**20)}
    path = write_folder(tmp_path, files) / "pets" if container == "folder" else tmp_path / "pets.tar"
    if container == "tar":
        write_tar(path, files)
    train = data.load(path)
    assert (len(train), train.classes) == (6, ("cat", "dog"))


@pytest.mark.parametrize("name", ["train/cat/.#0.png", "train/cat/notes.txt", ".hidden", "@eaDir"])
def test_left_overs_may_be_links(tmp_path: Path, name: str) -> None:
    """An Emacs lock is a link to nothing; neither it nor a note is followed."""
    folder = write_folder(tmp_path / "x", pets()) / "pets"
    (folder / name).symlink_to("user@host.1234:56")
    assert len(data.load(folder)) == 6
    special = tarfile.TarInfo(f"pets/{name}")
    special.type, special.linkname = tarfile.SYMTYPE, "user@host.1234:56"
    assert len(data.load(write_tar(tmp_path / "pets.tar", pets(), special))) == 6


def test_a_class_may_be_called_by_a_sign(tmp_path: Path) -> None:
    signs = ("#", "$", "@", "~", "a~")
    files = {f"{sign}/1.png": picture(index) for index, sign in enumerate(signs)}
    assert data.load(write_folder(tmp_path / "signs", files)).classes == tuple(sorted(signs))


def test_a_picture_that_is_a_link_to_nothing(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    (folder / "train/cat/9.png").symlink_to("nowhere.png")
    with pytest.raises(data.DataError, match=r"cat/9\.png is a link to nothing; remove it"):
        data.load(folder)


def test_a_picture_over_the_limit_is_still_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    monkeypatch.setattr(archives, "MAX_FILE", 100)
    with pytest.raises(data.DataError, match=r"3\.png has \d+ bytes; .* has at most 100; remove it"):
        data.load(folder)


def test_left_overs_do_not_change_what_is_cached(
    tmp_path: Path, own_places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    data.load(folder)
    monkeypatch.setattr(loading, "read_source", None)
    for content in (b"one", b"another"):
        write_folder(folder, {".DS_Store": content, "train/cat/.DS_Store": content, "notes.txt": content})
        assert len(data.load(folder)) == 6
    assert len(list(own_places.glob("pets-*/set.json"))) == 1


def test_a_copy_elsewhere_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (write_folder(tmp_path / place, pets()) / "pets" for place in "ab")
    expected = data.load(first).fingerprint()
    monkeypatch.setattr(loading, "read_source", None)
    assert data.load(second).fingerprint() == expected
    os.utime(first / "train/cat/0.png", (1, 1))
    assert data.load(first).fingerprint() == expected


@pytest.mark.parametrize("how", ["renamed", "rewritten"])
def test_two_pictures_that_change_places_are_noticed(tmp_path: Path, how: str) -> None:
    files = {f"{name}/0.bmp": picture(seed, form="BMP") for seed, name in enumerate(["cat", "dog"])}
    folder = write_folder(tmp_path / "pets", files)
    cat, dog = folder / "cat/0.bmp", folder / "dog/0.bmp"
    for file in (cat, dog):
        os.utime(file, (1, 1))
    before = {image.tobytes(): label for image, label in data.load(folder)}
    if how == "renamed":
        cat.rename(tmp_path / "kept")
        dog.rename(cat)
        (tmp_path / "kept").rename(dog)
    else:
        cat_content, dog_content = cat.read_bytes(), dog.read_bytes()
        cat.write_bytes(dog_content)
        dog.write_bytes(cat_content)
        for file in (cat, dog):
            os.utime(file, (1, 1))
    after = {image.tobytes(): label for image, label in data.load(folder)}
    assert after == {image: 1 - label for image, label in before.items()}


def test_a_changed_byte_in_the_middle_of_an_archive_is_noticed(tmp_path: Path) -> None:
    files = {
        f"{name}/{index}.bmp": picture(index, size=(90, 90), form="BMP")
        for name in "ab"
        for index in range(3)
    }
    path = write_tar(tmp_path / "set.tar", files)
    os.utime(path, (1, 1))
    before = data.load(path).fingerprint()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, (1, 1))
    assert data.load(path).fingerprint() != before


@pytest.mark.parametrize("container", ["folder", "tar"])
def test_an_empty_class_folder_is_told(tmp_path: Path, container: str) -> None:
    files = pets() | {"pets/readme/notes.txt": b"x"}
    path = write_folder(tmp_path, files) / "pets"
    for name in ("train/bird", "test/bird"):
        (path / name).mkdir()
    (path / "train/bird/.DS_Store").write_bytes(b"x")
    if container == "tar":
        with tarfile.open(tmp_path / "pets.tar", "w") as archive:
            archive.add(path, "pets")
        path = tmp_path / "pets.tar"
    with pytest.warns(
        UserWarning, match=r"no class is made of (pets/)?test/bird, (pets/)?train/bird, which"
    ) as told:
        assert data.load(path).classes == ("cat", "dog")
    assert len(told) == 1


def test_a_class_folder_that_becomes_empty_is_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    data.load(folder)
    (folder / "train/bird").mkdir()
    with pytest.warns(UserWarning, match=r"no class is made of train/bird, which is empty"):
        data.load(folder)


@pytest.mark.parametrize("call", ["scandir", "stat", "open"])
def test_what_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    closed = folder / "train" / "dog"
    real = {"scandir": os.scandir, "stat": Path.stat, "open": Path.open}[call]

    def refuse(path: os.PathLike[str] | str, *arguments: object, **options: object) -> object:
        """Refuse what lies in the closed folder; root may read it whatever its permissions say."""
        if Path(path) == closed if call == "scandir" else Path(path).parent == closed:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path, *arguments, **options)  # type: ignore[operator]

    monkeypatch.setattr(os if call == "scandir" else Path, call, refuse)
    with pytest.raises(
        data.DataError, match=r"train/dog.* cannot be read \(Permission denied\); allow reading"
    ):
        data.load(folder)


@pytest.mark.parametrize("twins", [("test", "testing"), ("Train", "train"), ("val", "valid")])
def test_two_folders_of_one_split(tmp_path: Path, twins: tuple[str, str]) -> None:
    files = {
        f"pets/{split}/{name}/0.png": picture() for split in (*twins, "train") for name in ("cat", "dog")
    }
    path = write_tar(tmp_path / "pets.tar", files)
    with pytest.raises(
        data.DataError, match=f"{' and '.join(twins)} are both its .* split; put the pictures"
    ):
        data.load(path)


@pytest.mark.parametrize("ending", ["jfif", "jpe", "JPG", "apng", "pnm", "pbm"])
def test_the_endings_are_those_that_pillow_knows(tmp_path: Path, ending: str) -> None:
    form = {"pnm": "PPM", "pbm": "PPM", "apng": "PNG"}.get(ending, "JPEG")
    path = write_tar(tmp_path / "pets.tar", pets(form, ending))
    assert len(data.load(path)) == 6


NOT_TEXT: Files = {os.fsdecode(b"set/caf\xe9/0.png"): picture(1), "set/dog/0.png": picture(2)}


@pytest.mark.skipif(os.name == "nt", reason="names are always text on Windows")
@pytest.mark.parametrize("container", ["folder", "tar"])
def test_a_class_whose_name_is_no_text(tmp_path: Path, container: str) -> None:
    path = write_folder(tmp_path, NOT_TEXT) / "set" if container == "folder" else tmp_path / "set.tar"
    if container == "tar":
        write_tar(path, NOT_TEXT)
    with pytest.raises(
        data.DataError, match=r"set.*: the class caf\\xe9 has a name that is no UTF-8; rename it"
    ):
        data.load(path)


@pytest.mark.skipif(os.name == "nt", reason="names are always text on Windows")
def test_other_names_that_are_no_text_do_no_harm(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    (folder / "train/cat" / os.fsdecode(b"\xff.png")).write_bytes(picture(70))
    renamed = folder.rename(tmp_path / os.fsdecode(b"p\xe9ts"))
    assert (len(data.load(renamed)), data.load(renamed).name) == (7, "p\\xe9ts")
    assert str(data.load(renamed)).encode()


def test_accents_written_in_two_ways_are_one_class(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    files = {}
    for index, name in enumerate([f"train/{composed}", "train/dog", f"test/{decomposed}", "test/dog"]):
        files[f"{name}/0.png"] = picture(index)
    sets = loading.read_source(write_tar(tmp_path / "two.tar", files))
    assert sets["train"].classes == sets["test"].classes == (composed, "dog")
    files[f"train/{decomposed}/1.png"] = picture(9)
    with pytest.raises(
        data.DataError, match=r"two folders are called 'café', with its accents written in two"
    ):
        data.load(write_tar(tmp_path / "three.tar", files))


@pytest.mark.parametrize("written", ["", "half"])
def test_what_was_remembered_by_halves_is_looked_up_again(
    tmp_path: Path, own_places: Path, written: str
) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    data.load(folder)
    [remembered] = (own_places / store.SEEN).iterdir()
    whole = remembered.read_text()
    remembered.write_text(written)  # the disk was full, or the machine stopped
    data.load(folder)
    assert remembered.read_text() == whole
    assert len(list(own_places.glob("pets-*/set.json"))) == 1
