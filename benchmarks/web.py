"""The engine of the pages: milliseconds for one image in Node, with SIMD and in plain JavaScript."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from benchmarks.timing import against
from cnncourse import web
from cnncourse.models import load_trained, trained_names

AIM_MS = 1000  # of the largest network, with SIMD
ENGINE = Path(web.__file__).parent / "engine"
CODE = """
const [folder, script] = process.argv.slice(1);
for (const file of [`${folder}/simd.js`, `${folder}/engine.js`, script]) require(file);
const { load, run, networks } = globalThis.cnncourse;
for (const simd of [true, false]) {
  const network = load(networks.timed, { simd }), size = network.steps[0].shape.reduce((a, b) => a * b);
  const image = Float32Array.from({ length: size }, (_, i) => Math.sin(i)), times = [];
  for (let round = 0; round < 15; round++) {
    const start = performance.now();
    run(network, image);
    if (round > 4) times.push(performance.now() - start); // the first ones are not compiled yet
  }
  console.log(times.sort((a, b) => a - b)[5]);
}
"""


def measure() -> bool:
    """Print the medians of ten images; return whether the aim is met."""
    print("A page's network, one image")
    node = shutil.which("node")
    if node is None:
        print("  not measured: there is no Node")
        return True
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "network.js"
        for name in trained_names():
            try:
                network = web.for_web(load_trained(name))
            except FileNotFoundError:  # its weights are an extra
                continue
            script.write_text(network.script("timed"), encoding="utf-8")
            done = subprocess.run(
                [node, "-e", CODE, ENGINE, script], capture_output=True, text=True, check=True
            )
            simd, plain = map(float, done.stdout.split())
            size = script.stat().st_size / 1e6
            print(f"  {name}: {simd:.1f} ms with SIMD, {plain:.1f} ms without; {size:.1f} MB in 8 bits")
            slowest = max(slowest, simd)
    print(f"  the slowest takes {slowest:.0f} ms; {against(slowest, AIM_MS, most=True)}")
    return slowest <= AIM_MS
