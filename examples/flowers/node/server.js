// The flowers in JavaScript: a net with one hidden layer, its training and its answers, on nothing but Node itself.
// What it must answer is in docs/how-to/answer-from-another-language.md.
"use strict";

const http = require("node:http");

const INPUTS = ["sepal_length", "sepal_width", "petal_length", "petal_width"];
const EXAMPLE = { sepal_length: 5.1, sepal_width: 3.5, petal_length: 1.4, petal_width: 0.2 };
const models = new Map(); // by version

// ---------------------------------------------------------------------------------- the net

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(list, draw) {
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(draw() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

function layer(inputs, weights, biases) {
  return biases.map((bias, unit) => inputs.reduce((sum, value, i) => sum + value * weights[i][unit], bias));
}

function forward(net, flower) {
  const x = flower.map((value, i) => (value - net.mean[i]) / net.spread[i]);
  const hidden = layer(x, net.w1, net.b1).map((value) => Math.max(value, 0));
  const logits = layer(hidden, net.w2, net.b2);
  const powers = logits.map((logit) => Math.exp(logit - Math.max(...logits)));
  const total = powers.reduce((a, b) => a + b);
  return { x, hidden, scores: powers.map((power) => power / total) };
}

function newNet(flowers, labels, units, draw) {
  const mean = INPUTS.map((_, i) => flowers.reduce((sum, f) => sum + f[i], 0) / flowers.length);
  const spread = mean.map((m, i) => Math.sqrt(flowers.reduce((s, f) => s + (f[i] - m) ** 2, 0) / flowers.length) + 1e-9);
  const matrix = (rows, columns) => {
    const limit = Math.sqrt(6 / (rows + columns));
    return Array.from({ length: rows }, () => Array.from({ length: columns }, () => (2 * draw() - 1) * limit));
  };
  return {
    labels, mean, spread,
    w1: matrix(INPUTS.length, units), b1: Array(units).fill(0),
    w2: matrix(units, labels.length), b2: Array(labels.length).fill(0),
  };
}

const rowsOf = ({ w1, b1, w2, b2 }) => [...w1, b1, ...w2, b2];
const zerosLike = (rows) => rows.map((row) => row.map(() => 0));

/** The mean loss of a batch (cross entropy), and its gradient in the shape of the net. */
function gradientOf(net, batch) {
  const gradient = { w1: zerosLike(net.w1), b1: net.b1.map(() => 0), w2: zerosLike(net.w2), b2: net.b2.map(() => 0) };
  const share = 1 / batch.length;
  let loss = 0;
  for (const [flower, label] of batch) {
    const { x, hidden, scores } = forward(net, flower);
    loss -= share * Math.log(scores[label] + 1e-12);
    const out = scores.map((score, k) => share * (score - (k === label ? 1 : 0)));
    out.forEach((o, k) => { gradient.b2[k] += o; hidden.forEach((h, j) => { gradient.w2[j][k] += o * h; }); });
    hidden.forEach((value, j) => {
      if (value <= 0) return;
      const back = out.reduce((sum, o, k) => sum + o * net.w2[j][k], 0);
      gradient.b1[j] += back;
      x.forEach((measure, i) => { gradient.w1[i][j] += back * measure; });
    });
  }
  return [loss, gradient];
}

/** Steps of Adam (Kingma and Ba, 2015), with its usual decays. */
class Adam {
  constructor(net) {
    this.steps = 0;
    this.first = zerosLike(rowsOf(net));
    this.second = zerosLike(rowsOf(net));
  }

  step(net, gradient, rate) {
    this.steps++;
    const change = (rate * Math.sqrt(1 - 0.999 ** this.steps)) / (1 - 0.9 ** this.steps);
    const slopes = rowsOf(gradient);
    rowsOf(net).forEach((row, r) => row.forEach((_, i) => {
      const slope = slopes[r][i];
      this.first[r][i] = 0.9 * this.first[r][i] + 0.1 * slope;
      this.second[r][i] = 0.999 * this.second[r][i] + 0.001 * slope * slope;
      row[i] -= (change * this.first[r][i]) / (Math.sqrt(this.second[r][i]) + 1e-8);
    }));
  }
}

const best = (scores) => scores.indexOf(Math.max(...scores));
const accuracy = (net, pairs) => pairs.filter(([f, label]) => best(forward(net, f).scores) === label).length / pairs.length;

/** The same share of every species is held out. */
function split(pairs, fraction, draw) {
  const seen = [], heldOut = [];
  for (const label of new Set(pairs.map((pair) => pair[1]))) {
    const mine = shuffled(pairs.filter((pair) => pair[1] === label), draw);
    const cut = Math.round(mine.length * fraction);
    heldOut.push(...mine.slice(0, cut));
    seen.push(...mine.slice(cut));
  }
  return [seen, heldOut];
}

// --------------------------------------------------------------------------- what is asked

function predict({ inputs, rows, version }) {
  const net = models.get(version);
  if (!net) return [409, { error: "That version was not loaded." }];
  const missing = INPUTS.filter((name) => !Array.isArray(inputs?.[name]) || inputs[name].length !== rows);
  if (missing.length) return [422, { errors: missing.map((field) => ({ field, detail: `Must be ${rows} numbers.` })) }];
  const answers = Array.from({ length: rows }, (_, row) => {
    const { scores } = forward(net, INPUTS.map((name) => inputs[name][row]));
    return Object.fromEntries(net.labels.map((label, k) => [label, scores[k]]));
  });
  return [200, { answers }];
}

async function train({ parameters, data }, response) {
  const say = (line) => response.write(JSON.stringify(line) + "\n");
  const labels = [...new Set(data.species)].sort();
  const draw = random(parameters.seed);
  const pairs = data.flowers.map((flower, i) => [flower, labels.indexOf(data.species[i])]);
  const [seen, heldOut] = split(pairs, parameters.test_fraction, draw);
  const net = newNet(seen.map((pair) => pair[0]), labels, parameters.hidden_units, draw);
  const adam = new Adam(net);
  for (let epoch = 1; epoch <= parameters.epochs; epoch++) {
    const order = shuffled(seen, draw);
    let loss = 0;
    for (let i = 0; i < order.length; i += parameters.batch_size) {
      const batch = order.slice(i, i + parameters.batch_size);
      const [batchLoss, gradient] = gradientOf(net, batch);
      adam.step(net, gradient, parameters.learning_rate);
      loss += (batchLoss * batch.length) / order.length;
    }
    const [val_loss] = gradientOf(net, heldOut);
    say({ report: { epoch, loss, accuracy: accuracy(net, seen), val_loss, val_accuracy: accuracy(net, heldOut) } });
    say({ progress: { done: epoch, total: parameters.epochs } });
    await new Promise(setImmediate); // others want to be answered, too; and what was said wants to leave
    if (response.destroyed) return; // nobody wants it any more
  }
  const counts = labels.map(() => labels.map(() => 0));
  for (const [flower, label] of heldOut) counts[label][best(forward(net, flower).scores)]++;
  say({ metrics: { accuracy: accuracy(net, heldOut), confusion: { labels, counts } }, model: net });
}

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const json = (status, body) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  };
  let body = {};
  try {
    if (chunks.length) body = JSON.parse(Buffer.concat(chunks));
  } catch {
    return json(400, { error: "That is not JSON." });
  }
  try {
    switch (`${request.method} ${request.url}`) {
      case "GET /health": return json(200, { status: "ok" });
      case "GET /describe": return json(200, { contract: 1, inputs: EXAMPLE });
      case "POST /load": models.set(body.version, body.model); return json(200, {});
      case "POST /predict": return json(...predict(body));
      case "POST /train":
        response.writeHead(200, { "Content-Type": "application/x-ndjson" });
        await train(body, response);
        return response.end();
      default: return json(404, { error: "There is nothing at this address." });
    }
  } catch (error) {
    console.error(error);
    if (response.headersSent) return response.end(JSON.stringify({ error: String(error) }) + "\n");
    return json(500, { error: String(error) });
  }
}

http.createServer(answer).listen(process.env.FRONTDESK_MODEL_SOCKET ?? { port: Number(process.env.PORT ?? 8100), host: "127.0.0.1" });
