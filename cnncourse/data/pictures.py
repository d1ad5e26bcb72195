"""Picture files to arrays, whatever the file holds: rotated, transparent, 16-bit, broken or hostile."""

import io
import os
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from cnncourse._checks import check_count
from cnncourse.data.errors import DataError

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM")
MAX_PIXELS = 80_000_000  # under Pillow's own alarm; more than any photograph in this course
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow and torchvision
ORIENTATION = 0x0112  # the EXIF tag in which a camera notes how it was held
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")  # ISO/IEC 23008-12

BICUBIC = Image.Resampling.BICUBIC

Size = int | tuple[int, int]


def read_image(path: str | os.PathLike[str], size: Size | None = None, gray: bool = False) -> np.ndarray:
    """Read a picture file as an array of numbers from 0 to 1.

    The picture is turned as its camera noted (EXIF orientation), transparency is laid on
    white, 16-bit gray keeps its precision (16-bit color is read with 8), and of an animation the first frame
    is taken.

    Parameters
    ----------
    path : str or path
        A PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or PPM file.
    size : int or (int, int), optional
        A number cuts the largest centered square and scales it to size x size; a pair
        (height, width) scales the whole picture. By default the picture keeps its size.
    gray : bool
        Whether to return one luma plane, 0.299 R + 0.587 G + 0.114 B.

    Returns
    -------
    numpy.ndarray, shape (3, H, W), or (H, W) where `gray` is true, float64
        Pixel values from 0 to 1.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If (`DataError`) the file is no picture, is cut off, or unpacks to more than 80 million pixels.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give one picture file, or use load() for a folder of classes")
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no picture at {path.absolute()}") from None
    image = scale(decode(content, str(path)), size)
    if gray:
        return image[0] if len(image) == 1 else np.tensordot(LUMA, image, axes=1)
    return np.repeat(image, 3, axis=0) if len(image) == 1 else image


def decode(content: bytes, name: str) -> np.ndarray:
    """Decode a picture file's bytes into an array of the values it holds.

    Parameters
    ----------
    content : bytes
        The whole file.
    name : str
        What messages call it.

    Returns
    -------
    numpy.ndarray, shape (1, H, W) or (3, H, W), uint8, or float64 from 0 to 1 for 16-bit files
        Gray pictures have one channel, all others three.

    Raises
    ------
    DataError
        With `name`, whatever the image library finds wrong.
    """
    try:
        # Formats that this Pillow does not know are left out of the list.
        opened = Image.open(io.BytesIO(content), formats=known_formats())
        width, height = opened.size
        if width * height > MAX_PIXELS:
            raise Image.DecompressionBombError
        opened.load()
        return _to_array(_upright(opened), name)
    except DataError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise DataError(
            f"{name} unpacks to more than {MAX_PIXELS:,} pixels; scale it down with a photo editor first"
        ) from None
    except UnidentifiedImageError:
        if content[4:8] == b"ftyp" and content[8:12] in HEIC:
            raise DataError(f"{name} is a HEIC photo, as phones save them; export it as JPEG") from None
        raise DataError(
            f"{name} is not a picture that can be read; use PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from None
    except MemoryError:
        raise DataError(f"{name} needs more memory than is free; scale it down first") from None
    except Exception as error:  # a damaged picture fails in every way there is
        reason = str(error) or type(error).__name__
        raise DataError(
            f"{name} is a damaged or cut-off picture ({reason}); copy or export it again"
        ) from None


def _upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its camera noted, reading that one note and not the others beside it."""
    try:
        turn = UPRIGHT.get(image.getexif().get(ORIENTATION, 1))
    except Exception:  # notes fail in every way there is too, and the pixels are whole without them
        turn = None
    return image if turn is None else image.transpose(turn)


@cache
def endings() -> tuple[str, ...]:
    """Return the endings of the files that can be read, such as ``".png"``."""
    formats = known_formats()
    return tuple(ending for ending, form in Image.registered_extensions().items() if form in formats)


def known_formats() -> list[str]:
    """Return those of `FORMATS` that the installed Pillow can open."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _to_array(image: Image.Image, name: str) -> np.ndarray:
    if image.mode.startswith("I"):  # 16-bit gray: Pillow says I;16, older ones I
        values = np.asarray(image).astype(np.float64)
        if values.min() < 0 or values.max() > 65535:
            raise DataError(f"{name} holds whole numbers outside 0 to 65535; export it with 8 or 16 bits")
        return values[None] / 65535
    if image.mode == "F":
        raise DataError(f"{name} holds floating-point pixels; export it with 8 or 16 bits")
    if image.has_transparency_data:
        colors = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, colors).convert("L" if image.mode == "LA" else "RGB")
    if image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode in ("1", "LA") else "RGB")
    pixels = np.asarray(image)  # (H, W) or (H, W, 3)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def scale(image: np.ndarray, size: Size | None) -> np.ndarray:
    """Cut and scale a decoded picture, in floating point, and return it from 0 to 1.

    Parameters
    ----------
    image : numpy.ndarray, shape (C, H, W), uint8 or float64
    size : int, (int, int) or None
        As for `read_image`.

    Returns
    -------
    numpy.ndarray, shape (C, height, width), float64
    """
    if size is not None:
        height, width = _check_size(size)
        if not isinstance(size, tuple):
            side = min(image.shape[1:])
            top, left = (image.shape[1] - side) // 2, (image.shape[2] - side) // 2
            image = image[:, top : top + side, left : left + side]
    if size is None or image.shape[1:] == (height, width):
        return np.ascontiguousarray(_from_0_to_1(image))
    # Plane by plane, for the memory of huge photos. Pillow's bicubic widens with the reduction, so that fine
    # patterns do not alias.
    planes = [
        Image.fromarray(_from_0_to_1(plane).astype(np.float32)).resize((width, height), BICUBIC)
        for plane in image
    ]
    return np.clip(np.stack([np.asarray(plane, dtype=np.float64) for plane in planes]), 0, 1)


def _from_0_to_1(image: np.ndarray) -> np.ndarray:
    return image / 255.0 if image.dtype == np.uint8 else image.astype(np.float64)


def scale_bytes(image: np.ndarray, size: Size | None) -> np.ndarray:
    """Cut and scale as `scale`, and return numbers from 0 to 255, uint8."""
    return (scale(image, size) * 255 + 0.5).astype(np.uint8)


def _check_size(size: Size) -> tuple[int, int]:
    if not isinstance(size, tuple | list):
        side = check_count("size", size)
        return side, side
    if len(size) != 2:
        raise ValueError(f"size must be a number or (height, width), got {size!r}")
    return check_count("size[0]", size[0]), check_count("size[1]", size[1])
