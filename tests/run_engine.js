// node run_engine.js FOLDER: runs what test_web.py has put there, with SIMD and without, and prints what came of it.
"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const folder = process.argv[2];
const job = JSON.parse(readFileSync(join(folder, "job.json"), "utf8"));
for (const script of job.scripts) require(script);

const { load, run, prepare, probabilities, arithmetic, RULES, networks } = globalThis.cnncourse;
const floats = (file) => new Float32Array(new Uint8Array(readFileSync(join(folder, file))).buffer);

/** The largest number of a layer is what its differences are measured by. */
function difference(found, expected) {
  let most = 0, largest = 1e-9;
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(found[i] - expected[i]);
    if (!(apart <= most)) most = apart; // also where it is no number
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return found.length === expected.length ? most / largest : Infinity;
}

function parity(simd) {
  const network = load(networks.tested, { simd }), images = floats("images.bin");
  const size = images.length / job.count;
  const logits = [];
  for (let i = 0; i < job.count; i++) {
    const keep = i === 0 && job.activations ? () => true : () => false;
    const result = run(network, images.subarray(i * size, (i + 1) * size), { keep });
    logits.push([...result.logits]);
    if (keep()) logits.activations = result.activations;
  }
  const worst = {};
  if (job.activations) {
    const expected = floats("activations.bin");
    let at = 0;
    for (const step of network.steps) {
      const { data, shape } = logits.activations.get(step.name);
      if (data.length !== shape.reduce((a, b) => a * b)) throw new Error(`${step.name} has another shape`);
      worst[step.name] = difference(data, expected.subarray(at, at + data.length));
      at += data.length;
    }
  }
  return { simd: network.simd, logits: [...logits], worst, explained: job.explain ? explain(network, logits.activations) : {} };
}

/** How far each number that is asked for is from what its arithmetic says; of functions, whether there is one term. */
function explain(network, activations) {
  const apart = {};
  for (const { name, shape } of network.steps) {
    const [channels, height = 1, width = 1] = shape, { data } = activations.get(name);
    for (const share of [0, 0.5, 0.99]) {
      const place = [channels, height, width].map((size) => Math.floor(share * size));
      const { rule, terms, bias } = arithmetic(network, activations, name, place);
      const value = data[(place[0] * height + place[1]) * width + place[2]];
      const said = rule in RULES ? RULES[rule](terms, bias) : terms.length <= 1 ? value : NaN;
      apart[name] = Math.max(apart[name] ?? 0, Math.abs(said - value) / Math.max(1, Math.abs(value)));
      if (Number.isNaN(said)) apart[name] = Infinity;
    }
  }
  return apart;
}

const results = { simd: parity(true), plain: parity(false) };
if (job.pixels) {
  const network = load(networks.tested), pixels = new Uint8ClampedArray(readFileSync(join(folder, "pixels.bin")));
  const prepared = prepare(network, pixels);
  results.prepared = [...prepared];
  results.probabilities = [...probabilities(network, run(network, prepared).logits)];
}
results.refused = (job.wrong ?? []).map((change) => {
  try {
    load({ ...networks.tested, ...change });
    return "";
  } catch (error) {
    return error.message;
  }
});
console.log(JSON.stringify(results, (_, value) => (value === Infinity ? "infinite" : value)));
