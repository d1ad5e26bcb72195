"""Archives that are broken or mean harm: each is refused with a reason, and leaves nothing behind."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from small_data import pets, picture, write_folder, write_tar

from cnncourse import data
from cnncourse.data import archives, folders, sources, store


def nothing_is_left(cache: Path) -> bool:
    return not cache.exists() or all(
        file.suffix == ".lock" or file.name == store.SEEN for file in cache.iterdir()
    )


def member(name: str, kind: bytes, target: str = "", size: int = 0) -> tarfile.TarInfo:
    details = tarfile.TarInfo(name)
    details.type, details.linkname, details.size = kind, target, size
    return details


@pytest.mark.parametrize(
    ("special", "message"),
    [
        (member("pets/train/cat/x.png", tarfile.SYMTYPE, "/etc/passwd"), "holds a link"),
        (member("pets/train/cat/x.png", tarfile.LNKTYPE, "../../x"), "holds a link"),
        (member("pets/train/cat", tarfile.SYMTYPE, "/etc"), "holds a link"),
        (member("pets/x.png", tarfile.CHRTYPE), "holds a device or special file"),
        (member("pets/x.png", tarfile.BLKTYPE), "holds a device or special file"),
        (member("pets/x.png", tarfile.FIFOTYPE), "holds a device or special file"),
        (member("../x.png", tarfile.REGTYPE), "leads out of the archive"),
        (member("pets/../../x.png", tarfile.REGTYPE), "leads out of the archive"),
        (member("/etc/x.png", tarfile.REGTYPE), "leads out of the archive"),
        (member("pets\\..\\..\\x.png", tarfile.REGTYPE), "leads out of the archive"),
        (member("C:x.png", tarfile.REGTYPE), "leads out of the archive"),
        (member("pets/x.png", tarfile.REGTYPE, size=2**40), "x.png has 1,099,511,627,776 bytes"),
        (member("pets/x.csv", tarfile.REGTYPE, size=2**40), "looks like a decompression bomb"),
    ],
)
@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
def test_hostile_members(
    tmp_path: Path, own_places: Path, special: tarfile.TarInfo, message: str, ending: str
) -> None:
    size, special.size = special.size, 0
    path = tmp_path / f"pets.{ending}"
    with (gzip.open if ending == "tar.gz" else open)(path, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive:  # type: ignore[arg-type]
            special.size = size
            archive.fileobj.write(special.tobuf())  # type: ignore[union-attr]
        file.write(bytes(2**12))
    with pytest.raises(data.DataError, match=message):
        data.load(path)
    assert nothing_is_left(own_places)
    write_tar(path, pets())
    assert len(data.load(path)) == 6  # the next try works
    assert not (tmp_path / "x.png").exists()


@pytest.mark.parametrize("ending", ["tar", "tar.gz"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_a_truncated_archive(tmp_path: Path, own_places: Path, ending: str, keep: float) -> None:
    path = write_tar(tmp_path / f"pets.{ending}", pets())
    whole = path.read_bytes()
    end = len(whole) if ending == "tar.gz" else len(whole.rstrip(b"\0"))
    path.write_bytes(whole[: int(keep * end)])
    with pytest.raises(
        data.DataError, match=r"pets\.tar.* is damaged or cut off .*; copy or download it again"
    ):
        data.load(path)
    assert nothing_is_left(own_places)
    path.write_bytes(whole)
    assert len(data.load(path)) == 6


def test_an_archive_cut_between_two_members(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "pets.tar", pets())
    with tarfile.open(path) as archive:
        offset = archive.getmembers()[5].offset
    path.write_bytes(path.read_bytes()[:offset])
    with pytest.raises(data.DataError, match=r"damaged or cut off \(it ends too early\); copy"):
        data.load(path)


def test_an_archive_without_the_blocks_that_end_it(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "pets.tar", pets())
    path.write_bytes(path.read_bytes().rstrip(b"\0"))
    with path.open("ab") as file:
        file.write(bytes(-file.tell() % archives.BLOCK))  # the last picture is whole
    with pytest.raises(data.DataError, match=r"damaged or cut off \(it ends too early\); copy"):
        data.load(path)


def test_an_altered_gzip_is_found_by_its_checksum(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "pets.tar.gz", pets())
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # the checksum itself: everything before it still unpacks
    path.write_bytes(content)
    with pytest.raises(data.DataError, match=r"damaged or cut off"):
        data.load(path)


def test_an_archive_with_a_size_below_0(tmp_path: Path) -> None:
    path = tmp_path / "pets.tar"
    details = member("pets/x.csv", tarfile.REGTYPE, size=-1024)
    path.write_bytes(details.tobuf(tarfile.GNU_FORMAT) + bytes(4096))
    with pytest.raises(data.DataError, match=r"damaged or cut off \(a size below 0\)"):
        data.load(path)


JUNK = [b"", b"hello", bytes(range(256)), gzip.compress(b"hello", mtime=0), b"\x1f\x8b"]


@pytest.mark.parametrize("content", JUNK)
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "pets.tar"
    path.write_bytes(content)
    with pytest.raises(data.DataError, match=r"damaged or cut off"):
        data.load(path)


@pytest.mark.parametrize("magic", [b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\x00"])
def test_other_packings_are_named(tmp_path: Path, magic: bytes) -> None:
    path = tmp_path / "pets.tar"
    path.write_bytes(magic + bytes(600))
    with pytest.raises(data.DataError, match=r"unpack it and give its folder"):
        data.load(path)


def test_a_gzip_bomb_is_refused_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RATIO_FREE", 2**20)
    path = write_tar(tmp_path / "bomb.tar.gz", {"a/1.png": bytes(2**24)})
    with pytest.raises(data.DataError, match=r"looks like a decompression bomb"):
        data.load(path)


def test_a_bomb_behind_the_archive_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "RATIO_FREE", 2**20)
    plain = write_tar(tmp_path / "pets.tar", pets()).read_bytes()
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(plain + bytes(2**25)))
    with pytest.raises(data.DataError, match=r"looks like a decompression bomb"):
        data.load(path)


def test_a_bomb_in_a_header_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE", 2**20)
    details = tarfile.TarInfo("pax")
    details.type, details.size = tarfile.XHDTYPE, 2**24
    path = tmp_path / "bomb.tar.gz"
    path.write_bytes(gzip.compress(details.tobuf() + bytes(2**24) + bytes(1024)))
    with pytest.raises(data.DataError, match=r"at once"):
        data.load(path)


def test_more_files_than_any_data_set_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILES", 4)
    with pytest.raises(data.DataError, match=r"more than 4 files"):
        data.load(write_tar(tmp_path / "pets.tar", pets()))
    with pytest.raises(data.DataError, match=r"more than 4 files"):
        data.load(write_folder(tmp_path, pets()) / "pets")


def test_pictures_that_unpack_to_more_than_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "MAX_BYTES", 1000)
    path = write_tar(tmp_path / "pets.tar", pets())
    with pytest.raises(data.DataError, match=r"scale the pictures down with load\(path, size=...\)"):
        data.load(path)
    assert len(data.load(path, size=4)) == 6


def test_an_npz_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "RATIO_FREE", 1000)
    np.savez_compressed(
        tmp_path / "a.npz", images=np.zeros((500, 64, 64), np.uint8), labels=np.zeros(500, int)
    )
    with pytest.raises(data.DataError, match=r"looks like a bomb"):
        data.load(tmp_path / "a.npz")


def test_links_in_folders(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    outside = tmp_path / "secret.png"
    outside.write_bytes(picture())
    link = folder / "train" / "cat" / "link.png"
    link.symlink_to(outside)
    with pytest.raises(data.DataError, match=r"a link that leads out"):
        data.load(folder)
    link.unlink()
    (folder / "train" / "more").symlink_to(tmp_path)
    with pytest.raises(data.DataError, match=r"a link to a folder"):
        data.load(folder)


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, pets()) / "pets"
    os.mkfifo(folder / "train" / "cat" / "x.png")
    with pytest.raises(data.DataError, match=r"not a plain file"):
        data.load(folder)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "pets.tar"
    with tarfile.open(path, "w", encoding="utf-8", errors="surrogateescape") as archive:
        for name in ("cat/\udcff.png", "dog/ä.png"):
            details = tarfile.TarInfo(name)
            content = picture()
            details.size = len(content)
            archive.addfile(details, io.BytesIO(content))
    assert data.load(path).classes == ("cat", "dog")
