"""The bench: its plan, what is timed and counted, its record, and what it says about a level."""

import dataclasses
import inspect
import json
import re
import signal
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from cnncourse import bench, data
from cnncourse.bench import bench as running
from cnncourse.bench import fast, levels, plain, published
from cnncourse.bench import profile as profiling
from cnncourse.bench import record as records
from cnncourse.bench.plan import BASE, Job, Plan, recipes_for
from cnncourse.bench.record import BenchRecord
from cnncourse.cli import run as cli
from cnncourse.contest import Entry
from cnncourse.models import create_model
from cnncourse.training.speed_recipe import SpeedRecipe

CPU = torch.device("cpu")
TINY = SpeedRecipe(epochs=1, batch_size=20, widths=(4, 4, 4), sizes=((0.5, 12), (1.0, 16)))


@pytest.fixture(scope="module")
def sets():
    return tuple(data.load("shapes10", split).take(40) for split in ("train", "test"))


def renamed(sets, name="cifar10"):
    return tuple(dataclasses.replace(each, name=name) for each in sets)


class TestPlain:
    def test_pictures_become_what_the_images_are_scaled(self, sets):
        images = sets[0]
        pictures = plain.Pictures(images, plain.transforms.ToTensor())
        x, label = pictures[7]
        assert len(pictures) == 40 and label == images.labels[7]
        assert torch.allclose(x, torch.from_numpy(images.images[7]) / 255)

    def test_an_epoch_is_torch_s_steps_one_after_the_other(self, sets):
        pictures = plain.Pictures(sets[0], plain.transforms.ToTensor())
        model, twin = (create_model("conv_bn_gap", seed=0) for _ in range(2))
        optimizers = [torch.optim.SGD(each.parameters(), lr=0.1) for each in (model, twin)]
        loss = plain.train_epoch(model, DataLoader(pictures, batch_size=16), optimizers[0])
        losses = []
        for start in (0, 16, 32):
            x = torch.from_numpy(sets[0].images[start : start + 16]) / 255
            each = F.cross_entropy(twin(x), torch.from_numpy(sets[0].labels[start : start + 16]))
            optimizers[1].zero_grad()
            each.backward()
            optimizers[1].step()
            losses.append(each.item())
        assert loss == pytest.approx(np.mean(losses))
        for one, other in zip(model.parameters(), twin.parameters(), strict=True):
            assert torch.allclose(one, other, atol=1e-6)

    @pytest.mark.parametrize("name", plain.TUTORIALS)
    def test_each_tutorial_s_network_takes_an_epoch(self, sets, name):
        model, seconds = next(plain.plain_epochs(name, sets[0]))
        assert seconds > 0 and model.training
        assert all(p.grad is not None for p in model.parameters())

    def test_recipes_are_those_that_the_tutorials_state(self):
        stated = {name: (each.batch_size, each.epochs) for name, each in plain.TUTORIALS.items()}
        assert stated == {
            "three_conv": (64, 30), "five_conv": (64, 50), "double_conv_gap": (128, 50),
            "small_conv": (32, 30), "conv_bn_gap": (128, 30),
        }  # fmt: skip
        optimizer = plain.TUTORIALS["small_conv"].optimizer([torch.zeros(1)])
        assert (optimizer.defaults["lr"], optimizer.defaults["momentum"]) == (1e-3, 0.9)

    def test_pixels_become_minus_one_to_one_or_are_scaled_by_channel(self, sets):
        assert plain.TUTORIALS[BASE].scale(sets[0]) == ((0.5,) * 3, (0.5,) * 3)
        mean, _ = plain.TUTORIALS["five_conv"].scale(sets[0])
        assert mean == tuple(sets[0].statistics()[0])


class TestPublished:
    def test_the_network_has_the_published_size(self):
        model = published.published_network()
        convolutions = 9 * (24 * 64 + 64 * 64 + 64 * 256 + 3 * 256 * 256)
        biases = 24 + 2 * 64 + 4 * 256
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
        assert trained == convolutions + biases + 10 * 256
        assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)

    def test_whitened_patches_are_uncorrelated_at_unit_length(self, sets):
        images = published.normalized(sets[0], CPU, torch.float32)
        stem = published.published_network()[0]
        published.whiten(stem, images)
        first = F.conv2d(images, stem.weight[:12]).transpose(0, 1).flatten(1)  # (12, places)
        products = first @ first.T / first.shape[1]
        large = products.diagonal() > 0.9  # directions in which there is more than the 5e-4 that is added
        assert large.sum() >= 6
        off = products - torch.diag(products.diagonal())
        assert off.abs().max() < 0.01
        assert torch.equal(stem.weight[12:], -stem.weight[:12])

    def test_every_second_epoch_is_mirrored(self):
        images = torch.arange(32.0).expand(6, 3, 32, 32).contiguous()
        views = published.epochs_of(images, torch.Generator().manual_seed(0))
        first, second, third = (next(views) for _ in range(3))
        rising = [(each[:, 0, 0, 20] > each[:, 0, 0, 10]) for each in (first, second, third)]
        assert torch.equal(rising[0], rising[2]) and torch.equal(rising[1], ~rising[0])
        assert 0 < rising[0].sum() < 6

    def test_lookahead_moves_both_to_the_same_place(self):
        model = nn.Linear(1, 1, bias=False)
        nn.init.constant_(model.weight, 2.0)
        average = {"weight": torch.zeros(1, 1)}
        published.look_ahead(average, model, keep=0.75)
        assert model.weight.item() == average["weight"].item() == 0.5

    def test_views_are_averaged_with_their_weights(self):
        model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 10))
        x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        single, averaged = published.published_logits(model, x)
        mirrored = (model(x) + model(x.flip(3))) / 2
        padded = F.pad(x, (1,) * 4, mode="reflect")
        moved = [padded[..., :32, :32], padded[..., 2:, 2:]]
        moved = [(model(each) + model(each.flip(3))) / 2 for each in moved]
        assert torch.allclose(single, model(x))
        assert torch.allclose(averaged, 0.5 * mirrored + 0.25 * moved[0] + 0.25 * moved[1], atol=1e-5)

    def test_a_few_steps_on_a_cpu(self, sets):
        model, seconds = published.run_published(sets[0], device="cpu", epochs=1.5, batch_size=20)
        accuracy, averaged = published.evaluate_published(model, sets[1], "cpu")
        assert seconds > 0 and 0 <= accuracy <= 1 and 0 <= averaged <= 1
        assert all(values.isfinite().all() for values in model.state_dict().values())

    def test_it_shares_no_line_with_our_recipe(self):
        code = inspect.getsource(published)
        assert "speedrun" not in code and "speednet" not in code.lower()


class TestFast:
    def test_a_run_is_timed_and_measured_twice(self, sets):
        found = fast.run_fast(TINY, *sets, CPU)
        assert found["seconds"] > 0 and found["dtype"] in ("float32", "bfloat16")
        assert 0 <= found["accuracy"] <= 1 and 0 <= found["accuracy_tta"] <= 1
        assert found["multiply_adds"] == fast.count_work(TINY, 40)

    def test_the_product_s_rate(self):
        assert fast.product_rate(torch.float32, CPU, size=64) > 1e6


class TestPlan:
    def test_quick_takes_the_base_and_the_short_levels_in_turns(self):
        plan = Plan("quick", recipes_for(None, "quick", "cpu"))
        keys = [job.key for job in plan.jobs() if job.kind != "rate"]
        assert keys == [
            "plain three_conv 0", "plain five_conv 0", "plain conv_bn_gap 0",
            "fast 74 0", "fast 80 0", "fast 90 0",
            "plain three_conv 1", "plain double_conv_gap 0", "fast 74 1",
            "plain three_conv 2", "plain small_conv 0", "fast 74 2",
        ]  # fmt: skip

    @pytest.mark.parametrize(("mode", "until"), [("usual", 0.74), ("full", None)])
    def test_otherwise_the_base_runs_until_it_passes_74_or_to_its_end(self, mode, until):
        base = next(job for job in Plan(mode, {}).jobs() if job.name == BASE)
        assert (base.share, base.epochs, base.until) == (1.0, 30, until)

    def test_seeds_and_levels_are_chosen(self):
        plan = Plan("usual", recipes_for(["94", "74"], "usual", "cpu"), seeds=[5, 7])
        fast_jobs = [(job.name, job.seed) for job in plan.jobs() if job.kind == "fast"]
        assert fast_jobs == [("74", 5), ("94", 5), ("74", 7), ("94", 7)]
        with pytest.raises(ValueError, match=r"levels is unknown: '96'. .*Known: 74, 80, 90, 94"):
            recipes_for(["96"], "usual", "cpu")
        with pytest.raises(ValueError, match="seeds must differ"):
            Plan("usual", {}, seeds=[1, 1])

    def test_on_cuda_94_has_its_own_recipe_and_the_published_one_beside(self):
        recipes = recipes_for(["94", "96"], "usual", "cuda")
        assert recipes["94"] == SpeedRecipe.load("gpu94")
        jobs = Plan("usual", recipes, seeds=[0, 1], published=True).jobs()
        assert [job.seed for job in jobs if job.kind == "published"] == [0, 1]


class TestRunPlain:
    def fake(self, monkeypatch, accuracies):
        def epochs(name, images, seed=0, device="cpu"):
            yield from ((nn.Identity(), 2.0) for _ in range(30))

        found = iter(accuracies)
        monkeypatch.setattr(running, "plain_epochs", epochs)
        monkeypatch.setattr(running, "evaluate", lambda *_, **__: {"accuracy": next(found)})

    def test_it_ends_where_it_first_passes(self, monkeypatch, sets):
        self.fake(monkeypatch, [0.5, 0.7, 0.741, 0.8])
        found = running.run_plain(Job("plain", BASE, 0, 1.0, 30, 0.74), *sets, CPU)
        assert found == {"share": 1.0, "seconds": [2.0] * 3, "accuracies": [0.5, 0.7, 0.741]}

    def test_the_whole_schedule_goes_on(self, monkeypatch, sets):
        self.fake(monkeypatch, [0.75] * 30)
        found = running.run_plain(Job("plain", BASE, 0, 1.0, 30), *sets, CPU)
        assert len(found["seconds"]) == 30

    def test_a_share_of_an_epoch(self, sets):
        found = running.run_plain(Job("plain", "small_conv", 0, 0.25), *sets, CPU)
        assert found["share"] == 0.25 and len(found["seconds"]) == 1 and found["accuracies"] == []


def record_of(*runs, name="cifar10", recipes=("74",), mode="usual"):
    rows = [dict(zip(("kind", "name", "seed", "result"), run, strict=True)) for run in runs]
    rows = [{"key": f"{row['kind']} {row['name']} {row['seed']}"} | row for row in rows]
    environment = {"device": "cpu (A chip)", "threads": 2, "torch": "2.13.0"}
    recipes = {level: {} for level in recipes}
    return BenchRecord("cnncourse bench cifar10", mode, {"name": name}, environment, "0", recipes, rows)


def base_run(seconds, accuracies=(), share=1.0, seed=0):
    return ("plain", BASE, seed, {"share": share, "seconds": seconds, "accuracies": list(accuracies)})


def fast_run(level, seconds, mirrored, seed=0, accuracy=0.7):
    result = {"seconds": seconds, "accuracy": accuracy, "accuracy_tta": mirrored, "dtype": "float32"}
    return ("fast", level, seed, result | {"multiply_adds": 4e9})


class TestLevels:
    def test_74_is_compared_with_the_first_crossing_and_others_with_the_end(self):
        record = record_of(
            base_run([70, 71, 72], [0.6, 0.7, 0.75]),
            fast_run("74", 7.0, 0.75, seed=0), fast_run("74", 9.0, 0.76, seed=1),
            fast_run("94", 426.0, 0.941),
            recipes=("74", "94"),
        )  # fmt: skip
        found = levels.results(record)
        assert found["74"].reference == levels.Reference(213, "measured, 3 epochs")
        assert found["74"].ratio == pytest.approx(213 / 8) and found["74"].reached
        assert found["94"].reference == levels.Reference(30 * 71, "extrapolated, 30 epochs")
        assert found["94"].ratio == pytest.approx(5.0)

    def test_a_whole_schedule_is_measured(self):
        record = record_of(
            base_run([70.0] * 29 + [100.0], [0.75] * 30), fast_run("80", 20, 0.79), recipes=("80",)
        )
        found = levels.results(record)["80"]
        assert found.reference == levels.Reference(2130, "measured, 30 epochs")
        assert not found.reached

    def test_pieces_are_extrapolated_and_say_so(self):
        record = record_of(*(base_run([s], share=0.05, seed=i) for i, s in enumerate((3.0, 3.5, 9.0))))
        assert levels.reference_of(record, "74") == levels.Reference(210, "extrapolated, 3 epochs assumed")
        known = levels.reference_of(record, "74", crossed_after=4)
        assert known.seconds == pytest.approx(280) and "4 epochs as another run" in known.how

    def test_a_base_that_never_passes_is_no_reference(self):
        assert levels.reference_of(record_of(base_run([70.0] * 30, [0.7] * 30)), "74") is None

    def test_json_has_the_means_and_null_where_nothing_was_run(self):
        record = record_of(
            base_run([70, 71, 72], [0.6, 0.7, 0.75]),
            fast_run("74", 7.0, 0.75),
            fast_run("74", 9.0, 0.77, seed=1),
        )
        found = bench.as_json(record)["levels"]
        assert list(found) == ["74", "80", "90", "94"]
        assert found["74"] == pytest.approx(
            {"seconds": 8.0, "tutorial_seconds": 213, "ratio": 213 / 8, "accuracy": 0.76}
        )
        assert found["94"] == dict.fromkeys(("seconds", "tutorial_seconds", "ratio", "accuracy"))

    def test_other_images_claim_nothing(self):
        record = record_of(base_run([7.0], [0.8]), fast_run("74", 7.0, 0.75), name="shapes10")
        assert bench.as_json(record)["levels"]["74"]["ratio"] is None
        told = bench.describe(record)
        assert "nothing here is compared with the goals" in told and " 30 " not in told

    def test_the_tables_say_goals_misses_shares_and_programs(self):
        record = record_of(
            base_run([70, 71, 72], [0.6, 0.7, 0.75]), fast_run("74", 8.0, 0.735),
            ("rate", "products", 0, {"float32": 1e9}), ("published", "94", 0, fast_run("", 5.0, 0.94)[3]),
        )  # fmt: skip
        record.starts = 2
        told = bench.describe(record)
        assert re.search(r"74% missed +1 +8\.0 +73\.50 +70\.00 +213 +26\.6 +30 \(35\) +50%", told)
        assert "74%: the tutorial's 213 s are measured, 3 epochs" in told
        assert "of 2 programs" in told
        assert re.search(r"three_conv +3 +71\.0 +75\.00", told)
        assert re.search(r"published +1 +5\.0 +94\.00", told)

    def test_entries_stand_in_the_order_of_levels_then_seconds(self):
        entry = [("slow", 90.0, 0.81), ("quick", 30.0, 0.80), ("worse", 5.0, 0.79), ("bad", 1.0, 0.5)]
        runs = [("entry", name, 0, {"seconds": s, "accuracy": a}) for name, s, a in entry]
        runs.append(("entry", "broken", 0, {"problem": "ValueError: oh", "printed": ""}))
        told = bench.describe(record_of(base_run([70, 71, 72], [0.6, 0.7, 0.75]), *runs))
        names = re.findall(r"(?m)^(slow|quick|worse|bad|broken)\b", told)
        assert names == ["quick", "slow", "worse", "bad", "broken"]
        assert re.search(r"quick +1 +30\.0 +80\.00 +80 +71\.0", told)
        assert "broken: ValueError: oh" in told
        assert re.search(r"bad +1 +1\.0 +50\.00 +- +-", told)


class TestRecord:
    def test_it_is_read_as_it_was_written(self, tmp_path):
        record = record_of(fast_run("74", 7.0, 0.75))
        record.save(tmp_path / "cifar10-1.json")
        assert BenchRecord.load(tmp_path / "cifar10-1.json") == record

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "is no record of a bench, or a damaged one"),
            ('{"format": 1}', "is no record of a bench"),
            ('{"kind": "bench", "format": 9}', "is a record of format 9"),
            ('{"kind": "bench", "format": 1}', "is a damaged record"),
        ],
    )
    def test_others_are_refused_by_name(self, tmp_path, text, message):
        (tmp_path / "cifar10-1.json").write_text(text)
        with pytest.raises(ValueError, match=f"'cifar10-1.json' .*{message}"):
            BenchRecord.load(tmp_path / "cifar10-1.json")

    def test_only_a_record_of_the_same_machine_code_and_recipes_is_gone_on_with(self, tmp_path):
        record = record_of(fast_run("74", 7.0, 0.75))
        record.save(tmp_path / "cifar10-1.json")
        (tmp_path / "cifar10-2.json").write_text("damaged")
        assert records.find_record(tmp_path, record_of())[1].name == "cifar10-1.json"
        assert records.find_record(tmp_path, record_of(), fresh=True)[1].name == "cifar10-3.json"
        for name, value in (
            ("code", "1"),
            ("mode", "quick"),
            ("environment", {}),
            ("recipes", {"74": {"epochs": 2}}),
        ):
            other = record_of()
            setattr(other, name, value)
            assert records.find_record(tmp_path, other)[1].name == "cifar10-3.json"
        more = record_of(recipes=("80",))
        assert records.find_record(tmp_path, more)[0].recipes == {"74": {}, "80": {}}

    def test_changed_code_is_another_code(self, monkeypatch):
        before = records.code_hash()
        monkeypatch.setattr(records, "_CODE", {bench: ("plain.py",)})
        assert records.code_hash() != before

    def test_the_recipes_of_presets_are_part_of_the_basis(self, sets, tmp_path):
        plan = Plan("quick", {"74": TINY})
        assert bench.Bench(plan, sets, CPU, tmp_path).record.recipes["74"]["epochs"] == 1


@pytest.fixture
def quick(monkeypatch):
    """Runs that take no time; the list of what was run."""
    ran = []

    def plain_run(job, *_):
        ran.append(job.key)
        return base_run([1.0], [0.75])[3]

    def fast_one(recipe, *_):
        ran.append(f"fast {recipe.seed}")
        return fast_run("74", 1.0, 0.75)[3]

    monkeypatch.setattr(running, "run_plain", plain_run)
    monkeypatch.setattr(running, "run_fast", fast_one)
    monkeypatch.setattr(running, "product_rate", lambda *_: 1e9)
    return ran


class TestBench:
    def start(self, sets, folder, **options):
        return bench.Bench(Plan("usual", {"74": TINY}), sets, CPU, folder, **options)

    def test_each_run_is_in_the_record_once(self, sets, tmp_path, quick):
        lines = []
        record = self.start(sets, tmp_path).run(report=lines.append)
        assert record.status == "completed" and record.starts == 1
        assert len(record.runs) == len({run["key"] for run in record.runs}) == len(lines) == 11
        text = (tmp_path / "cifar10-1.json").read_text()
        assert str(tmp_path) not in text
        quick.clear()
        again = self.start(sets, tmp_path).run(report=lines.append)
        assert quick == [] and again.starts == 1 and "11 of 11 runs are in cifar10-1.json" in lines[-1]

    def test_after_ctrl_c_it_goes_on(self, sets, tmp_path, quick, monkeypatch):
        fine = running.run_fast

        def stop(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(running, "run_fast", stop)
        with pytest.raises(KeyboardInterrupt):
            self.start(sets, tmp_path).run()
        kept = BenchRecord.load(tmp_path / "cifar10-1.json")
        assert kept.status == "interrupted" and kept.runs
        monkeypatch.setattr(running, "run_fast", fine)
        done = list(quick)
        record = self.start(sets, tmp_path).run()
        assert record.starts == 2 and record.status == "completed"
        assert not set(done) & set(quick[len(done) :])

    def test_fresh_begins_another_record_and_keeps_the_first(self, sets, tmp_path, quick):
        self.start(sets, tmp_path).run()
        before = (tmp_path / "cifar10-1.json").read_bytes()
        self.start(sets, tmp_path, fresh=True).run()
        assert (tmp_path / "cifar10-1.json").read_bytes() == before
        assert (tmp_path / "cifar10-2.json").is_file()

    def test_two_at_a_time_are_refused(self, sets, tmp_path, quick):
        with (
            running.FileLock(tmp_path / ".lock"),
            pytest.raises(RuntimeError, match="another bench is running"),
        ):
            self.start(sets, tmp_path).run()

    def test_an_entry_is_run_first_and_again_only_if_it_failed(self, sets, tmp_path, quick, monkeypatch):
        file = tmp_path / "mynet.py"
        file.write_text("def train(images, labels, seed): ...\n")
        results = iter([{"problem": "oh", "printed": ""}, {"seconds": 1.0, "accuracy": 0.8}])
        monkeypatch.setattr(running, "run_entry", lambda *_: next(results))
        entry = Entry(file, seeds=[4])
        assert self.start(sets, tmp_path).run(entry).runs[0]["result"]["problem"] == "oh"
        found = self.start(sets, tmp_path).run(entry).results("entry", entry.name)
        assert found == [{"seconds": 1.0, "accuracy": 0.8}]
        assert self.start(sets, tmp_path).run(entry).results("entry", entry.name) == found

    def test_epochs_to_the_crossing_are_taken_from_another_record(self, sets, tmp_path, quick):
        self.start(sets, tmp_path).run()
        other = bench.Bench(Plan("quick", {"74": TINY}), sets, CPU, tmp_path)
        assert other.crossed_after() == 1
        assert bench.Bench(Plan("quick", {}), renamed(sets), CPU, tmp_path).crossed_after() is None

    def test_a_kill_leaves_whole_runs_and_the_next_start_goes_on(self, sets, tmp_path, quick):
        program = """
import os, signal, sys
import torch
from cnncourse import bench, data
from cnncourse.bench import bench as running
from cnncourse.training.speed_recipe import SpeedRecipe
recipe = SpeedRecipe(epochs=1, batch_size=20, widths=(4, 4, 4), sizes=((0.5, 12), (1.0, 16)))
sets = tuple(data.load("shapes10", split).take(40) for split in ("train", "test"))
running.run_plain = lambda *_: {"share": 1.0, "seconds": [1.0], "accuracies": [0.75]}
running.run_fast = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
bench.Bench(bench.Plan("usual", {"74": recipe}), sets, torch.device("cpu"), sys.argv[1]).run()
"""
        ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
        assert ended.returncode == -signal.SIGKILL
        kept = BenchRecord.load(tmp_path / "cifar10-1.json")
        assert kept.status == "interrupted" and [run["kind"] for run in kept.runs] == ["plain", "plain"]
        record = self.start(sets, tmp_path).run()
        assert record.starts == 2 and record.runs[:2] == kept.runs
        assert [path.name for path in tmp_path.glob("*.json")] == ["cifar10-1.json"]

    def test_all_kinds_of_runs_for_real(self, sets, tmp_path, monkeypatch):
        monkeypatch.setattr(running, "run_published", lambda *_: (nn.Identity(), 1.0))
        monkeypatch.setattr(running, "evaluate_published", lambda *_: (0.1, 0.2))
        real = running.product_rate
        monkeypatch.setattr(running, "product_rate", lambda dtype, device: real(dtype, device, 64))
        plan = Plan("quick", {"94": TINY}, published=True)
        record = bench.Bench(plan, renamed(sets), CPU, tmp_path).run()
        assert {run["kind"] for run in record.runs} == {"plain", "fast", "published", "rate"}
        told = bench.describe(record)
        assert "94% missed" in told and "extrapolated, 30 epochs" in told and "published" in told


class TestImages:
    def test_others_than_cifar10_are_refused_whatever_their_name(self, monkeypatch, sets):
        named = dict(zip(("train", "test"), renamed(sets), strict=True))
        monkeypatch.setattr(data, "load", lambda name, split: named[split])
        with pytest.raises(
            ValueError, match="measures on CIFAR-10, and 'cifar10' holds other images; leave --data"
        ):
            running.load_images("cifar10")

    def test_shapes10_is_for_trying(self):
        assert [each.name for each in running.load_images("shapes10")] == ["shapes10"] * 2


class TestCommand:
    @pytest.fixture
    def here(self, tmp_path, monkeypatch, sets, quick):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(bench, "load_images", lambda name: renamed(sets, name))
        return tmp_path

    def test_it_prints_tables_and_writes_json(self, here, capsys):
        call = ["bench", "cifar10", "--levels", "74", "--device", "cpu", "--json", "out.json"]
        assert cli(call) == 0
        out = capsys.readouterr().out
        assert "the published recipe for 94% needs a CUDA device and is left out" in out
        assert re.search(r"74% +3 +1\.0 \(1\.0-1\.0\)", out) and "saved in runs/bench/cifar10-1.json" in out
        found = json.loads((here / "out.json").read_text())["levels"]
        assert found["74"]["ratio"] == 1.0 and found["80"]["seconds"] is None
        record = BenchRecord.load(here / "runs/bench/cifar10-1.json")
        assert record.command == "cnncourse bench cifar10 --levels 74"

    def test_ctrl_c_says_what_is_kept(self, here, capsys, monkeypatch):
        def stop(*_):
            raise KeyboardInterrupt

        monkeypatch.setattr(running, "run_fast", stop)
        assert cli(["bench", "cifar10", "--quick", "--device", "cpu"]) == 130
        assert re.search(
            r"interrupted: 3 runs are kept in runs/bench/cifar10-1.json; the same command",
            capsys.readouterr().out,
        )

    def test_wrong_calls_are_told(self, here, capsys):
        assert cli(["bench", "cifar10", "--entry", "mynet.py"]) == 1
        assert "there is no entry 'mynet.py'" in capsys.readouterr().err
        assert cli(["bench", "cifar10", "--limit", "3"]) == 1
        assert "--limit is for an entry" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            cli(["bench", "cifar10", "--quick", "--full"])


class TestProfile:
    def test_each_operation_has_its_kind(self):
        """Two steps of a small network: every part of it is seen, and the sum is of all of them."""
        recipe = SpeedRecipe(epochs=1, batch_size=4, widths=(4, 4, 4))
        found = bench.profile_step(recipe, size=12, steps=2)
        assert set(found) == {*profiling.KINDS, profiling.OPTIMIZER, profiling.OTHER}
        assert all(seconds > 0 for seconds in found.values())
        assert list(found.values()) == sorted(found.values(), reverse=True)

    @pytest.mark.parametrize(
        ("names", "kind"),
        [
            (["aten::convolution_backward"], "convolutions"),
            (["aten::fill_", "aten::zero_", "aten::max_pool2d_with_indices_backward"], "pooling"),
            (["aten::mm", "optimizer"], "optimizer"),
            (["aten::copy_"], "everything else"),
        ],
    )
    def test_what_called_an_operation_decides_too(self, names, kind):
        event = None
        for name in reversed(names):
            event = SimpleNamespace(name=name, cpu_parent=event)
        assert profiling._kind(event) == kind
