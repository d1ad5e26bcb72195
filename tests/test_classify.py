"""A classifier of one's own photos: what is read, what is found wrong, what comes out."""

import os
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from stripes import stripes, write_stripes

from cnncourse import classify, data, models
from cnncourse.classify import checks
from cnncourse.classify import making as module
from cnncourse.cli import run
from cnncourse.data.errors import DataError

NETWORK = "speednet"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(tmp_path):
    return write_stripes(tmp_path / "stripes")


def make(folder, out=None, **options):
    return classify.make(folder, out, NETWORK, progress=False, **options)


class TestReading:
    def test_photos_are_upright_squares_of_the_network_s_size(self, folder):
        photos = classify.read_photos(folder, 32)
        assert photos.images.shape == (16, 3, 32, 32) and photos.classes == ("level", "upright")
        assert photos.files[0] == "level/00.jpg" and photos.labels.tolist() == [0] * 8 + [1] * 8
        assert (photos.sizes == (48, 64)).all() and photos.left_out == () and set(photos.splits) == {"train"}
        expected = data.read_image(folder / "level" / "03.jpg", 32)
        np.testing.assert_allclose(photos.images[3] / 255, expected, atol=1 / 255)

    def test_every_odd_file(self, folder):
        level = folder / "level"
        image = Image.fromarray(stripes("level", 50))
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(level / "turned.jpg", exif=exif)
        image.convert("CMYK").save(level / "print.jpg")
        image.convert("L").save(level / "gray.png")
        image.convert("P").save(level / "palette.gif")
        image.convert("LA").save(level / "alpha.png")
        Image.fromarray(np.full((30, 40), 40_000, np.uint16)).save(level / "deep.png")
        image.resize((3, 2)).save(level / "tiny.bmp")
        image.resize((1200, 9)).save(level / "wide.webp")
        photos = classify.read_photos(folder, 32)
        assert len(photos) == 24 and photos.left_out == ()
        sizes = dict(zip(photos.files, photos.sizes.tolist(), strict=True))
        assert sizes["level/turned.jpg"] == [64, 48] and sizes["level/wide.webp"] == [9, 1200]

    def test_gray_photos_for_a_gray_network(self, folder):
        photos = classify.read_photos(folder, 16, channels=1)
        assert photos.images.shape == (16, 1, 16, 16)
        gray = data.read_image(folder / "upright" / "00.jpg", 16, gray=True)
        np.testing.assert_allclose(photos.images[8, 0] / 255, gray, atol=1 / 255)

    def test_a_file_that_cannot_be_read_never_stops_the_others(self, folder):
        (folder / "level" / "broken.jpg").write_bytes(b"nothing" * 100)
        (folder / "level" / "cut.jpg").write_bytes((folder / "level" / "00.jpg").read_bytes()[:900])
        (folder / "upright" / "phone.heic").write_bytes(b"....ftypheic")
        (folder / "upright" / "notes.txt").write_text("the tall ones")
        (folder / "upright" / ".DS_Store").write_bytes(b"x")
        photos = classify.read_photos(folder, 32)
        assert len(photos) == 16
        assert [each.name for each in photos.left_out] == [
            "level/broken.jpg",
            "level/cut.jpg",
            "upright/phone.heic",
        ]
        assert "not a picture that can be read" in photos.left_out[0].reason
        assert "damaged or cut-off picture" in photos.left_out[1].reason
        assert "export it as JPEG" in photos.left_out[2].reason
        told = classify.examine(photos).warnings
        for name, reason in zip(
            ("level/broken.jpg", "level/cut.jpg", "upright/phone.heic"),
            ("not a picture that", "a damaged or cut-off picture", "no picture that can be read; export it"),
            strict=True,
        ):
            assert any(text.startswith(f"{name} is left out: {reason}") for text in told), name
        assert not any("besides" in text for text in told)

    def test_of_many_files_that_cannot_be_read_a_few_are_named(self, folder):
        for number in range(5):
            (folder / "level" / f"b{number}.jpg").write_bytes(b"nothing")
        told = classify.examine(classify.read_photos(folder, 32)).warnings
        assert sum("is left out: not a picture" in text for text in told) == 3
        assert "2 files are left out besides, such as level/b3.jpg" in told

    @pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
    def test_a_file_that_may_not_be_read(self, folder):
        (folder / "level" / "00.jpg").chmod(0)
        (left,) = classify.read_photos(folder, 32).left_out
        assert "cannot be read (Permission denied)" in left.reason

    def test_splits(self, tmp_path):
        folder = write_stripes(tmp_path / "divided", 3, ("train", "val", "test"))
        photos = classify.read_photos(folder, 32)
        assert [photos.splits.count(split) for split in ("train", "validation", "test")] == [6, 6, 6]
        assert any(
            "the photos for validation are learned from too" in text
            for text in classify.examine(photos).warnings
        )

    @pytest.mark.parametrize(
        ("break_it", "error", "message"),
        [
            (lambda f: shutil.rmtree(f), FileNotFoundError, "there is no folder '.*stripes'"),
            (
                lambda f: (shutil.rmtree(f), f.touch()),
                DataError,
                "stripes' is a file; give the folder that holds",
            ),
            (
                lambda f: shutil.rmtree(f / "level"),
                DataError,
                r"has only one class \(upright\); a classifier needs",
            ),
            (
                lambda f: (f / "other").mkdir(),
                DataError,
                "the folder other is empty; put photos into it, or remove it",
            ),
            (
                lambda f: [shutil.rmtree(f / k) for k in ("level", "upright")],
                DataError,
                "holds no photos; it needs a",
            ),
            (
                lambda f: ((f / "other").mkdir(), (f / "other" / "a.heic").touch()),
                DataError,
                r"the folder other holds no photo that can be read \(a.heic\); put JPEG or PNG files into it",
            ),
            (
                lambda f: [each.unlink() for each in (f / "level").iterdir() if each.name > "00.jpg"],
                DataError,
                "the class 'level' has 1 photo to learn from; it needs at least 2, and twenty",
            ),
            (
                lambda f: [each.write_bytes(b"no") for each in (f / "level").iterdir()],
                DataError,
                r"the class 'level' has 0 photos to learn from, and 8 that cannot be read \(level/00.jpg",
            ),
            (
                lambda f: shutil.copy(f / "level" / "00.jpg", f / "cover.jpg"),
                DataError,
                "cover.jpg lies in no class folder; put it into a folder named by its class",
            ),
        ],
    )
    def test_folders_that_do_not_do(self, folder, tmp_path, break_it, error, message):
        break_it(folder)
        with pytest.raises(error, match=message):
            make(folder, tmp_path / "out.safetensors")
        assert not (tmp_path / "out.safetensors").exists() and not (tmp_path / "out.html").exists()

    def test_a_link_that_leads_out(self, folder, tmp_path):
        (tmp_path / "secret.jpg").write_bytes((folder / "level" / "00.jpg").read_bytes())
        (folder / "level" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
        with pytest.raises(DataError, match="leads out of"):
            classify.read_photos(folder, 32)


class TestChecks:
    def found(self, folder):
        return classify.examine(classify.read_photos(folder, 32))

    def test_stripes_have_no_near_duplicates(self, folder):
        found = self.found(folder)
        assert len(found.pairs) == 0 and len(set(found.groups.tolist())) == 16 and not found.leaked.any()
        assert [text for text in found.warnings if "few photos" not in text] == []

    @pytest.mark.parametrize(
        "change",
        [
            lambda image: image,
            lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
            lambda image: image.point(lambda value: value * 0.7 + 30),
            lambda image: image.resize((200, 150)),
            lambda image: image.crop((1, 1, 63, 47)),
        ],
        ids=["copy", "mirrored", "darker", "larger", "cropped"],
    )
    def test_near_copies_are_found_and_stay_together(self, folder, change):
        with Image.open(folder / "level" / "03.jpg") as image:
            change(image).save(folder / "level" / "copy.jpg", quality=70)
        photos = classify.read_photos(folder, 32)
        found = classify.examine(photos)
        one, two = photos.files.index("level/03.jpg"), photos.files.index("level/copy.jpg")
        assert found.pairs.tolist() == [[one, two]] and found.groups[one] == found.groups[two]
        told = "1 pair of near-duplicates, such as level/03.jpg and level/copy.jpg, in 1 group of photos"
        assert any(told in text for text in found.warnings)

    def test_a_chain_is_one_group(self):
        assert checks._components(6, np.array([[4, 1], [1, 3], [0, 5]])).tolist() == [0, 4, 2, 4, 4, 0]

    def test_the_same_photo_in_two_classes(self, folder):
        shutil.copy(folder / "level" / "03.jpg", folder / "upright" / "03b.jpg")
        with pytest.raises(
            DataError, match=r"the same photo is in two classes, level/03.jpg and upright/03b.jpg; remove"
        ):
            make(folder)

    def test_nearly_the_same_photo_in_two_classes(self, folder):
        with Image.open(folder / "level" / "03.jpg") as image:
            image.save(folder / "upright" / "03b.jpg", quality=60)
        told = " ".join(self.found(folder).warnings)
        assert "1 pair of near-duplicates in two classes, such as level/03.jpg and upright/03b.jpg" in told

    def test_photos_of_one_color_are_copies_only_if_they_are_equal(self, folder):
        for name, color in (("a", 10), ("b", 10), ("c", 200)):
            Image.new("RGB", (40, 40), (color, 0, 0)).save(folder / "level" / f"{name}.png")
        photos = classify.read_photos(folder, 32)
        (pair,) = classify.examine(photos).pairs
        assert [photos.files[index] for index in pair] == ["level/a.png", "level/b.png"]

    def test_test_photos_that_were_learned_from(self, tmp_path):
        folder = write_stripes(tmp_path / "divided", 6, ("train", "test"))
        shutil.copy(folder / "train" / "level" / "00.jpg", folder / "test" / "level" / "leak.jpg")
        photos = classify.read_photos(folder, 32)
        found = classify.examine(photos)
        assert [photos.files[index] for index in np.flatnonzero(found.leaked)] == ["test/level/leak.jpg"]
        assert "1 of the test photos, such as test/level/leak.jpg, are nearly the same" in " ".join(
            found.warnings
        )
        made = make(folder)
        assert (made.accuracy.total, made.tested.total) == (12, 12)
        assert photos.files.index("test/level/leak.jpg") not in made.judged

    def test_uneven_few_small_narrow_and_mixed(self, folder):
        for number in range(30, 50):
            Image.fromarray(stripes("upright", number)).save(folder / "upright" / f"{number}.jpg")
        Image.fromarray(stripes("upright", 60)).resize((12, 9)).save(folder / "upright" / "small.png")
        Image.fromarray(stripes("upright", 61)).resize((400, 60)).save(folder / "upright" / "narrow.png")
        told = self.found(folder).warnings
        for message in (
            r"few photos of level \(8\); twenty",
            "the classes are uneven: 30 photos of upright, 8 of level; where",
            "1 file is smaller than 16 pixels, such as upright/small.png, and blurred when enlarged to 32",
            "of 1 file, such as upright/narrow.png, more than 40% are cut off",
            "the photos differ in size, from 12x9 to 400x60 pixels",
        ):
            assert any(re.search(message, text) for text in told), message


class TestMaking:
    def test_what_comes_out_can_be_asked(self, folder, tmp_path):
        made = make(folder, tmp_path / "mine.safetensors")
        mine = models.load_trained(tmp_path / "mine.safetensors")
        assert mine.classes == ("level", "upright") and mine.size == (32, 32)
        assert (mine.mean, mine.std) == (models.load_trained(NETWORK).mean, models.load_trained(NETWORK).std)
        others = classify.read_photos(write_stripes(tmp_path / "others", 20, start=500), 32)
        fresh, truth = others.images, others.labels
        assert (mine.predict(fresh).argmax(axis=1) == truth).mean() > 0.8
        assert made.accuracy.total == 16 and made.accuracy.share > 0.7 and made.tested is None
        assert made.accuracy.low < made.accuracy.share < made.accuracy.high or made.accuracy.share == 1
        assert mine.temperature == pytest.approx(made.trained.temperature)

    def test_the_record_says_how_and_names_no_place(self, folder, tmp_path):
        made = make(folder, tmp_path / "mine.safetensors", seed=3)
        record = models.load_trained(tmp_path / "mine.safetensors").record
        assert record["backbone"] == NETWORK and record["recipe"]["seed"] == 3
        assert record["dataset"]["class_counts"] == {"level": 8, "upright": 8}
        assert record["dataset"]["fingerprint"] == made.photos.image_set().fingerprint()
        assert record["result"]["cross_validation"]["correct"] == made.accuracy.correct
        assert str(tmp_path) not in str(record)

    def test_the_same_photos_make_the_same_classifier(self, folder, tmp_path):
        one, two = (make(folder, cache=cache) for cache in (True, False))
        assert (one.probabilities == two.probabilities).all()
        assert np.array_equal(one.trained.predict(one.photos.images), two.trained.predict(two.photos.images))

    def test_the_network_that_it_begins_with_stays(self, folder):
        network = models.load_trained(NETWORK)
        before = network.predict(np.zeros((1, 3, 32, 32), np.uint8))
        made = classify.make(folder, network=network, progress=False)
        assert made.backbone == "speednet" and len(network.classes) == 10
        assert (network.predict(np.zeros((1, 3, 32, 32), np.uint8)) == before).all()

    def test_the_summary_names_the_surest_mistakes_and_counts_the_others(self, folder, monkeypatch):
        made = make(folder)
        monkeypatch.setattr(module, "TOLD", 1)
        wrong = made.probabilities.copy()
        right = made.photos.labels[made.judged]
        wrong[:] = np.eye(2)[right]
        wrong[[3, 9]] = [[0.1, 0.9], [0.8, 0.2]]  # one of each kind
        object.__setattr__(made, "probabilities", wrong)
        lines = str(made).splitlines()
        assert lines[0] == "stripes: 16 photos of 2 classes (8 level, 8 upright)"
        assert lines[-3:] == [
            'always saying "level" would get 50.0%',
            "  level/03.jpg looks like upright (90%)",
            "  and 1 more mistake",
        ]

    def test_labels_at_random_are_seen_through(self, tmp_path):
        for kind in ("this", "that"):
            (tmp_path / "lots" / kind).mkdir(parents=True)
        random = np.random.default_rng(0)
        for number in range(40):
            name = f"{('this', 'that')[number % 2]}/{number}.png"
            Image.fromarray(stripes(random.choice(["level", "upright"]), number)).save(
                tmp_path / "lots" / name
            )
        made = make(tmp_path / "lots")
        assert made.accuracy.low < 0.5 and made.probabilities.max(axis=1).mean() < 0.75
        assert any(
            'is not shown to be better than always saying "that"' in text for text in made.findings.warnings
        )

    def test_copies_do_not_flatter(self, tmp_path):
        """Each photo three times: without groups, every one is judged by its own copies."""
        folder = tmp_path / "thrice"
        random = np.random.default_rng(0)
        for number in range(20):
            inside = folder / ("this", "that")[number % 2]
            inside.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray(stripes(random.choice(["level", "upright"]), number))
            for copy in range(3):
                image.save(inside / f"{number}-{copy}.jpg", quality=90 - 10 * copy)
        made = make(folder)
        assert len(np.unique(made.findings.groups)) == 20 and made.accuracy.share < 0.75
        alone = module._fit(
            models.load_trained(NETWORK),
            made.photos,
            classify.Findings(np.arange(60), made.findings.pairs, made.findings.leaked, ()),
            module.transfer.extract(models.load_trained(NETWORK), made.photos.images),
            seed=0,
        )
        assert alone.accuracy.share > made.accuracy.share + 0.15

    def test_names_keep_together_what_pixels_do_not(self, tmp_path):
        """Each thing three times, moved so far that no thumbnail shows it; its colors give it away."""
        folder = tmp_path / "moved"
        random = np.random.default_rng(0)
        for number in range(20):
            inside = folder / ("this", "that")[number % 2]
            inside.mkdir(parents=True, exist_ok=True)
            kind = random.choice(["level", "upright"])
            for shot in range(3):
                moved = np.roll(stripes(kind, number), (11 * shot, 17 * shot), axis=(0, 1))
                Image.fromarray(moved).save(inside / f"thing{number}-{shot}.png")
        apart, made = make(folder), make(folder, together=r"thing\d+")
        assert len(np.unique(apart.findings.groups)) > 50
        groups, files = made.findings.groups, made.photos.files
        assert len(np.unique(groups)) == 20
        for one, two in zip(files, groups, strict=True):
            assert {files[n].split("-")[0] for n in np.flatnonzero(groups == two)} == {one.split("-")[0]}
        assert any("the 60 photos make 20 groups" in text for text in made.findings.warnings)
        assert made.accuracy.share < apart.accuracy.share - 0.1

    def test_names_join_near_duplicates_to_a_group(self, folder):
        with Image.open(folder / "level" / "03.jpg") as image:
            image.save(folder / "level" / "x7.jpg", quality=60)
        photos = classify.read_photos(folder, 32)
        found = classify.examine(photos, together="[57]")
        at = {name: found.groups[index] for index, name in enumerate(photos.files)}
        assert at["level/03.jpg"] == at["level/x7.jpg"] == at["level/07.jpg"] == at["upright/07.jpg"]
        assert at["level/05.jpg"] == at["upright/05.jpg"] != at["level/07.jpg"]
        assert len(np.unique(found.groups)) == 17 - 4 and len(found.pairs) == 1

    def test_test_photos_that_belong_to_learned_ones_by_name_do_not_count(self, tmp_path):
        folder = write_stripes(tmp_path / "divided", 6, ("train", "test"))
        made = make(folder, together="0[01]")
        assert made.tested.total == 8
        told = " ".join(made.findings.warnings)
        assert "are nearly the same as photos that are learned from, or belong to them by their names" in told

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("day", "together 'day' finds nothing in the photos' names, such as level/00.jpg"),
            ("(", r"together must be a regular expression, got '\(': missing"),
        ],
    )
    def test_patterns_that_do_not_do(self, folder, pattern, message):
        with pytest.raises(ValueError, match=message):
            make(folder, together=pattern)

    def test_a_class_whose_photos_are_all_the_same(self, folder):
        for file in (folder / "level").iterdir():
            Image.fromarray(stripes("level", 3)).save(file, quality=50 + int(file.stem))
        made = make(folder)
        assert any("all photos of level are nearly the same" in text for text in made.findings.warnings)
        assert made.accuracy.total == 16

    def test_two_photos_a_class(self, tmp_path):
        made = make(write_stripes(tmp_path / "few", 2))
        assert made.accuracy.total == 4 and made.accuracy.high - made.accuracy.low > 0.3

    @pytest.mark.parametrize(
        ("out", "error", "message"),
        [
            ("mine.pt", ValueError, "the file of a classifier ends in .safetensors, got 'mine.pt'"),
            (
                "no/mine.safetensors",
                FileNotFoundError,
                "there is no folder 'no' to write mine.safetensors into",
            ),
            ("dir.safetensors", IsADirectoryError, "'dir.safetensors' is a folder; choose another name"),
        ],
    )
    def test_where_it_cannot_be_written_is_told_first(
        self, folder, tmp_path, monkeypatch, out, error, message
    ):
        (tmp_path / "dir.safetensors").mkdir()
        monkeypatch.setattr(module, "read_photos", lambda *arguments: pytest.fail("too late"))
        with pytest.raises(error, match=message):
            make(folder, out)

    def test_a_disk_that_is_full_leaves_what_was_there(self, folder, tmp_path, monkeypatch):
        out = tmp_path / "mine.safetensors"
        out.write_bytes(b"older")

        def full(self, content):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("pathlib.Path.write_bytes", full)
        with pytest.raises(
            OSError, match=r"could not save 'mine.safetensors', what was there before is kept"
        ):
            make(folder, out)
        assert out.read_bytes() == b"older" and {each.name for each in tmp_path.iterdir()} == {
            "cache", "mine.safetensors", "stripes",
        }  # fmt: skip


class Page(HTMLParser):
    """What a report holds."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.images, self.words, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "img":
            self.images.append(dict(attributes))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.words.append(text)


class TestReport:
    @pytest.fixture
    def made(self, tmp_path):
        folder = write_stripes(tmp_path / "a <b> & c", 6)
        (folder / "level").rename(folder / 'le"v<i>el')
        mixed = folder / 'le"v<i>el' / "wrong&.jpg"
        Image.fromarray(stripes("upright", 77)).save(mixed)
        shutil.copy(folder / "upright" / "00.jpg", folder / "upright" / "again.jpg")
        (folder / "upright" / "bad.jpg").write_bytes(b"no")
        return make(folder, tmp_path / "mine.safetensors")

    def test_it_is_whole_and_needs_nothing_beside_it(self, made, tmp_path):
        text = (tmp_path / "mine.html").read_text(encoding="utf-8")
        page = Page(text)
        assert (
            page.open == [] and text.startswith("<!doctype html>") and ("html", {"lang": "en"}) in page.tags
        )
        assert not re.search(r"https?://", text) and "<i>" not in text and "<script" not in text
        assert all(
            image["src"].startswith("data:image/jpeg;base64,") and image["alt"] for image in page.images
        )
        words = " ".join(page.words)
        assert "a <b> & c: a classifier of 2 classes" in words and 'le"v<i>el' in words
        assert f"{made.accuracy.correct} of {made.accuracy.total}" in words
        assert "upright/bad.jpg" in words and "upright/again.jpg" in words
        assert "cnncourse predict PHOTO --model mine.safetensors" in words

    def test_mistakes_and_near_duplicates_are_shown(self, made):
        page = Page(classify.write_report(made, "x.safetensors"))
        assert len(page.images) == len(made.mistakes) + 2 * len(made.findings.pairs)
        assert len(made.mistakes) >= 1 and len(made.findings.pairs) == 1
        assert "wrong&.jpg" in "".join(page.words)

    def test_the_table_is_the_confusion_matrix(self, made):
        text = classify.write_report(made, "x.safetensors")
        table = text[text.index("What was taken for what") :]
        numbers = re.findall(r"<td(?: class=\"right\")?>(\d+)</td>", table[: table.index("</table>")])
        assert list(map(int, numbers)) == made.confusion.ravel().tolist()
        assert made.confusion.sum() == made.accuracy.total

    def test_without_mistakes(self, tmp_path, monkeypatch):
        made = make(write_stripes(tmp_path / "plain", 4))
        sure = np.eye(2)[made.photos.labels[made.judged]]
        object.__setattr__(made, "probabilities", sure)
        assert "There are none" in classify.write_report(made, "x.safetensors")


class TestCommandLine:
    def test_make(self, folder, tmp_path, capsys):
        assert run(["classify", "make", str(folder), "--model", NETWORK]) == 0
        printed = capsys.readouterr()
        assert "stripes: 16 photos of 2 classes (8 level, 8 upright)" in printed.out
        assert re.search(
            r"accuracy in cross-validation: [\d.]+% \(\d+ of 16; 95% interval [\d.]+% to [\d.]+%\)",
            printed.out,
        )
        assert 'always saying "level" would get 50.0%' in printed.out
        assert re.search(r"saved in stripes.safetensors, report in stripes.html, \d+ s", printed.out)
        assert "cnncourse predict PHOTO --model stripes.safetensors" in printed.out
        assert "warning: few photos of level (8), upright (8)" in printed.err
        assert models.load_trained(tmp_path / "stripes.safetensors").classes == ("level", "upright")

    def test_splits_and_a_file_s_name(self, tmp_path, capsys):
        folder = write_stripes(tmp_path / "divided", 5, ("train", "test"))
        assert (
            run(
                [
                    "classify",
                    "make",
                    str(folder),
                    "--model",
                    NETWORK,
                    "--out",
                    "a b.safetensors",
                    "--seed",
                    "2",
                ]
            )
            == 0
        )
        printed = capsys.readouterr().out
        assert re.search(r"accuracy on the test photos: [\d.]+% \(\d+ of 10;", printed)
        assert "saved in 'a b.safetensors', report in 'a b.html'" in printed

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nowhere"], "there is no folder 'nowhere'"),
            (["https://example.org/photos"], "there is no folder 'https://example.org/photos'"),
            (
                ["stripes", "--model", "speednett"],
                "trained network is unknown: 'speednett'. Did you mean 'speednet'?",
            ),
            (["stripes", "--out", "x.pth"], "the file of a classifier ends in .safetensors, got 'x.pth'"),
            (["stripes", "--seed", "-1"], "seed must be at least 0, got -1"),
            (["stripes", "--together", "day"], "together 'day' finds nothing in the photos' names"),
        ],
    )
    def test_errors(self, folder, tmp_path, capsys, arguments, message):
        network = [] if "--model" in arguments else ["--model", NETWORK]
        assert run(["classify", "make", *arguments, *network]) == 1
        assert message in capsys.readouterr().err
        assert not list(tmp_path.glob("*.safetensors")) and not list(tmp_path.glob("*.html"))
