"""The real CIFAR-10, where it lies beside the checkout."""

from pathlib import Path

import numpy as np
import pytest

from cnncourse import data
from cnncourse.data import loading

ARCHIVE = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10.tar"


@pytest.mark.skipif(not ARCHIVE.exists(), reason="CIFAR-10 is not beside this checkout")
def test_the_real_archive_is_decoded_once_and_is_cifar10(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CNNCOURSE_DATA", str(ARCHIVE))
    train = data.load("cifar10")  # a fingerprint that differs would be an error
    monkeypatch.setattr(loading, "read_source", None)
    test = data.load("cifar10", "test")
    assert set(train.class_counts().values()) == {5000}
    assert set(test.class_counts().values()) == {1000}
    mean, std = train.statistics()
    np.testing.assert_allclose(mean, [0.4914, 0.4822, 0.4465], atol=5e-5)
    np.testing.assert_allclose(std, [0.2470, 0.2435, 0.2616], atol=5e-5)
    assert not {each.tobytes() for each in train.images} & {each.tobytes() for each in test.images}
