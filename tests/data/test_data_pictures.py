import re
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from small_data import picture

from cnncourse import data
from cnncourse.data.photos import BUNDLED
from cnncourse.data.pictures import LUMA, MAX_PIXELS


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


def test_values_and_shapes(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    path = save(tmp_path / "a.png", Image.fromarray(pixels))
    image = data.read_image(path)
    assert image.dtype == np.float64
    np.testing.assert_array_equal(image, pixels.transpose(2, 0, 1) / 255)
    gray = data.read_image(path, gray=True)
    np.testing.assert_allclose(gray, pixels @ np.array(LUMA) / 255)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "JPEG"])
def test_each_format(tmp_path: Path, form: str) -> None:
    path = tmp_path / "picture"
    path.write_bytes(picture(form=form))
    assert data.read_image(path).shape == (3, 8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("gray", [False, True])
def test_each_mode(tmp_path: Path, mode: str, gray: bool) -> None:
    path = save(tmp_path / "a.tif", Image.new(mode, (6, 4)))
    assert data.read_image(path, gray=gray).shape == ((4, 6) if gray else (3, 4, 6))


def test_the_camera_is_turned_upright(tmp_path: Path) -> None:
    pixels = np.zeros((2, 3, 3), np.uint8)
    pixels[0, 0] = 255  # white corner at the top left
    exif = Image.Exif()
    exif[0x0112] = 6  # "rotate by 90 degrees to see it right"
    image = data.read_image(save(tmp_path / "a.png", Image.fromarray(pixels), exif=exif))
    assert image.shape == (3, 3, 2)
    assert image[:, 0, 1].tolist() == [1, 1, 1]


def exif(orientation: int, *others: bytes) -> bytes:
    """Return EXIF notes: the orientation, and what is wrong."""
    entries = [struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0), *others]
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + b"".join(entries) + bytes(4)


# A resolution of type "rational", which cannot be negative, as some cameras write it.
SIGNED = exif(6, struct.pack("<HHII", 0x11A, 10, 1, 38)) + struct.pack("<ii", -1, 0)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_in_every_format(tmp_path: Path, form: str, orientation: int) -> None:
    """The corner that is white in the file ends where the camera says that it belongs."""
    pixels = np.zeros((16, 32), np.uint8)
    pixels[:8, :8] = 255
    corner = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    notes = Image.Exif()
    notes[0x0112] = orientation
    path = save(tmp_path / "a", Image.fromarray(pixels).convert("RGB"), format=form, exif=notes)
    image = data.read_image(path, gray=True)
    assert image.shape == ((16, 32) if orientation < 5 else (32, 16))
    row, column = corner[orientation]
    assert image[row, column] > 0.9
    assert image.mean() == pytest.approx(0.125, abs=0.03)


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a part of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def with_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a picture in PNG with a part more, before its pixels."""
    whole = picture()
    start = whole.index(b"IDAT") - 4
    return whole[:start] + chunk(kind, content) + whole[start:]


BROKEN_NOTES = {
    "profile without digits": with_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n 9\nxyz\n"),
    "garbage": with_chunk(b"eXIf", b"garbage"),
    "half": with_chunk(b"eXIf", SIGNED[6:20]),
    "nothing": with_chunk(b"eXIf", b""),
}


@pytest.mark.parametrize("kind", BROKEN_NOTES)
def test_broken_notes_leave_the_pixels_whole(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(BROKEN_NOTES[kind])
    (tmp_path / "b.png").write_bytes(picture())
    assert np.array_equal(data.read_image(path), data.read_image(tmp_path / "b.png"))


def test_no_note_but_the_orientation_is_read(tmp_path: Path) -> None:
    image = Image.fromarray(np.zeros((16, 32, 3), np.uint8))
    assert data.read_image(save(tmp_path / "a.jpg", image, exif=SIGNED)).shape == (3, 32, 16)


@pytest.mark.parametrize("step", ["open", "load", "convert"])
@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (struct.error("argument out of range"), r"damaged or cut-off picture \(argument out of range\)"),
        (ValueError("buffer is not large enough"), r"damaged or cut-off picture \(buffer is not"),
        (ZeroDivisionError(), r"damaged or cut-off picture \(ZeroDivisionError\)"),
        (AssertionError(), r"damaged or cut-off picture \(AssertionError\)"),
        (NotImplementedError("mode"), r"damaged or cut-off picture \(mode\)"),
        (MemoryError(), r"needs more memory than is free; scale it down first"),
    ],
)
def test_whatever_the_image_library_raises_names_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, error: Exception, reason: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    path = save(tmp_path / "strange.png", Image.new("P", (4, 4)))
    monkeypatch.setattr({"open": Image, "load": PngImageFile, "convert": Image.Image}[step], step, fail)
    with pytest.raises(data.DataError, match=rf"strange\.png (is a )?{reason}"):
        data.read_image(path)


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    pixels = np.zeros((1, 3, 4), np.uint8)
    pixels[0, :, 3] = [0, 128, 255]  # black: clear, half, solid
    image = data.read_image(save(tmp_path / "a.png", Image.fromarray(pixels)))
    np.testing.assert_allclose(image[0, 0], [1, 127 / 255, 0], atol=1 / 255)


def test_a_transparent_palette_lies_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.putpixel((1, 0), 1)
    result = data.read_image(save(tmp_path / "a.png", image, transparency=0))
    assert result[:, 0, 0].tolist() == [1, 1, 1]
    assert result[:, 0, 1].tolist() == [1, 0, 0]


def test_sixteen_bits_keep_their_precision(tmp_path: Path) -> None:
    levels = np.array([[0, 1, 1000, 65535]], dtype=np.uint16)
    image = data.read_image(save(tmp_path / "a.png", Image.fromarray(levels)), gray=True)
    np.testing.assert_allclose(image, levels / 65535, atol=1e-12)


def test_a_number_cuts_the_centered_square_a_pair_scales_the_whole(tmp_path: Path) -> None:
    pixels = np.zeros((4, 8, 3), np.uint8)
    pixels[:, 2:6] = 255
    path = save(tmp_path / "a.png", Image.fromarray(pixels))
    assert data.read_image(path, size=2).tolist() == np.ones((3, 2, 2)).tolist()
    whole = data.read_image(path, size=(2, 4))
    assert whole.shape == (3, 2, 4)
    assert whole[0, 0, 0] < 0.2 < 0.8 < whole[0, 0, 1]
    assert data.read_image(path, size=(4, 8)).tolist() == data.read_image(path).tolist()


def test_scaling_down_does_not_alias(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255
    image = data.read_image(save(tmp_path / "a.png", Image.fromarray(stripes)), size=8, gray=True)
    np.testing.assert_allclose(image, 0.5, atol=0.05)


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (0, ValueError, "size must be at least 1"),
        (2.5, TypeError, "size must be a whole number"),
        ((4, 0), ValueError, r"size\[1\] must be at least 1"),
        ((4, 4, 3), ValueError, r"\(height, width\)"),
    ],
)
def test_wrong_sizes(size: object, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        data.load_photo("cat", size=size)  # type: ignore[arg-type]


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("milk, bread")
    with pytest.raises(ValueError, match=r"notes\.png is not a picture that can be read; use PNG"):
        data.read_image(path)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"not a picture"):
        data.read_image(path)
    with pytest.raises(ValueError, match=r"is a folder"):
        data.read_image(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no picture at"):
        data.read_image(tmp_path / "missing.png")


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_a_phone_s_heic_photo_is_named_as_one(tmp_path: Path, brand: bytes) -> None:
    path = tmp_path / "IMG_1.jpg"  # renamed, as people do
    path.write_bytes(b"\0\0\0\x24ftyp" + brand + bytes(60))
    with pytest.raises(ValueError, match=r"IMG_1\.jpg is a HEIC photo, as phones save .*; export it as JPEG"):
        data.read_image(path)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_a_picture_that_is_cut_off_is_refused(tmp_path: Path, form: str) -> None:
    content = picture(size=(64, 64), form=form)
    path = tmp_path / "half"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"damaged or cut-off|not a picture"):
        data.read_image(path)


def test_a_decompression_bomb_is_refused_before_it_unpacks(tmp_path: Path) -> None:
    for side in (9_200, 60_000):  # just over our limit, and over Pillow's own
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
        path = tmp_path / "bomb.png"
        path.write_bytes(bomb + chunk(b"IEND", b""))
        assert side * side > MAX_PIXELS
        with pytest.raises(ValueError, match=r"unpacks to more than 80,000,000 pixels"):
            data.read_image(path)


def test_floating_point_pixels_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", Image.new("F", (2, 2)))
    with pytest.raises(
        ValueError, match=rf"^{re.escape(str(path))} holds floating-point pixels; export it with 8"
    ):
        data.read_image(path)


@pytest.mark.parametrize("name", list(data.PHOTOS))
def test_each_photograph(name: str) -> None:
    photo = data.load_photo(name)
    assert photo.shape[0] == 3
    assert min(photo.shape[1:]) >= 300
    assert 0 <= photo.min() < 0.4 < 0.7 < photo.max() <= 1
    assert data.load_photo(name, size=32, gray=True).shape == (32, 32)


def test_photographs_by_other_and_by_wrong_names() -> None:
    assert np.array_equal(data.load_photo("chelsea", 16), data.load_photo("cat", 16))
    with pytest.raises(ValueError, match=r"name is unknown: 'cofee'. Did you mean 'coffee'"):
        data.load_photo("cofee")


def test_every_bundled_file_is_small_and_its_license_told() -> None:
    table = (BUNDLED / "LICENSES.md").read_text(encoding="utf-8")
    files = [file for file in BUNDLED.iterdir() if file.name != "LICENSES.md"]
    assert {photo.file for photo in data.PHOTOS.values()} | {"digits.npz", "languages.txt"} == {
        file.name for file in files
    }
    for file in files:
        assert file.stat().st_size < 150_000
        assert f"| {file.name} |" in table
    for photo in data.PHOTOS.values():
        row = next(line for line in table.splitlines() if f"| {photo.file} |" in line)
        assert photo.author in row
        assert photo.license.split(",")[0] in row


def test_pictures_can_be_read_by_several_threads() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: data.load_photo("brick", 16, gray=True).sum(), range(16)))
    assert len(set(results)) == 1


def test_threads_leave_the_filters_of_warnings_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture is opened while another one is, and is done last."""
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    real, before = Image.open, list(warnings.filters)
    opened, done = Event(), Event()

    def interleaved(*arguments: object, **options: object) -> Image.Image:
        if opened.is_set():  # the second picture
            assert first_waits.set() is None and done.wait(60)
        else:
            opened.set()
            assert first_waits.wait(60)
        return real(*arguments, **options)  # type: ignore[arg-type]

    first_waits = Event()
    monkeypatch.setattr(Image, "open", interleaved)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(data.load_photo, "brick", 16)
        assert opened.wait(60)
        second = pool.submit(data.load_photo, "brick", 16)
        first.result()
        done.set()
        second.result()
    assert warnings.filters == before
