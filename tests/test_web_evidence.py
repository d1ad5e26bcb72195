"""What speaks for a class, found in a page: the numbers of `explain.grad_cam` and `explain.occlusion`."""

import json
import subprocess

import numpy as np
import pytest
from find_node import find_node
from test_web import SCRIPTS

from cnncourse import data, explain, models, web

NODE = find_node()
pytestmark = pytest.mark.skipif(NODE is None, reason="the evidence was NOT tested: there is no Node")
PROGRAM = """
const { load, run, prepare, ending, gradCam, occlusion, networks } = globalThis.cnncourse;
const network = load(networks.tested), image = new Uint8ClampedArray(pixels);
const result = { ending: ending(network) && ending(network).maps.name };
if (result.ending) {
  const { activations } = run(network, prepare(network, image));
  result.gradCam = targets.map(target => Array.from(gradCam(network, activations, target)));
}
if (options) {
  const steps = occlusion(network, image, targets[0], options), shares = [];
  let step = steps.next();
  while (!step.done) { shares.push(step.value); step = steps.next(); }
  Object.assign(result, { shares, occlusion: Array.from(step.value) });
}
console.log(JSON.stringify(result));
"""


def in_page(folder, trained, photo, targets, options=None):
    """Return what the scripts find in a photo (3, H, W), uint8."""
    script = folder / "network.js"
    script.write_text(web.for_web(trained, "float32").script("tested"), encoding="utf-8")
    pixels = np.concatenate([photo, np.full_like(photo[:1], 255)]).transpose(1, 2, 0)
    given = {"pixels": pixels.ravel().tolist(), "targets": targets, "options": options}
    lines = [f"require({json.dumps(str(each))});" for each in (*SCRIPTS, script)]
    lines += [f"const {name} = {json.dumps(value)};" for name, value in given.items()]
    done = subprocess.run([NODE, "-"], input="\n".join([*lines, PROGRAM]), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def photo():
    return (data.load_photo("cat", 32) * 255).round().astype(np.uint8)


def test_grad_cam_and_occlusion_are_those_of_explain(tmp_path, photo):
    trained, targets = models.load_trained("resnet20"), [3, 8]  # cat, ship
    found = in_page(tmp_path, trained, photo, targets, {"patch": 12, "stride": 10})
    for target, heat in zip(targets, found["gradCam"], strict=True):
        expected = explain.grad_cam(trained, photo[None], target)[0]
        assert expected.max() == 1 and np.std(expected) > 0.1
        np.testing.assert_allclose(np.reshape(heat, (32, 32)), expected, atol=1e-4)
    expected = explain.occlusion(trained, photo[None], 3, patch=12, stride=10)[0]
    assert np.abs(expected).max() > 0.001
    np.testing.assert_allclose(np.reshape(found["occlusion"], (32, 32)), expected, atol=1e-5)
    assert found["shares"] == pytest.approx(np.arange(1, 10) / 9)
    assert found["ending"] == "layer3.2.relu2"


def test_a_network_that_keeps_the_largest_of_each_map_has_a_map_too(tmp_path, photo):
    trained = models.load_trained("speednet")
    found = in_page(tmp_path, trained, photo, [3])
    expected = explain.grad_cam(trained, photo[None], 3)[0]
    np.testing.assert_allclose(np.reshape(found["gradCam"][0], (32, 32)), expected, atol=1e-4)


def test_dense_layers_behind_the_maps_have_none(tmp_path):
    trained = models.load_trained("lenet5")
    photo = (data.load_photo("cat", 32, gray=True) * 255).round().astype(np.uint8)
    assert in_page(tmp_path, trained, photo[None].repeat(3, axis=0), [3])["ending"] is None
