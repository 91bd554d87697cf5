// Layout: where the nodes of a graph are, in layers from left to right (Sugiyama's method).
//
// An edge that spans several layers runs through a point in each of them, and the edges of one node
// share these points, so that they run as one until they have to part. Layers are put in order by the
// means of neighbours, and the order with the fewest crossings stays; then each layer's nodes move as
// near to the mean of their neighbours as their order and their heights allow, which is an isotonic
// regression (pool adjacent violators).

const LAYER_GAP = 52;
const NODE_GAP = 12;
const POINT_HEIGHT = 6;
// With more points than these, further long edges run straight: deep graphs could have millions.
const MOST_POINTS = 30000;

// Takes the width and height of each node and edges as pairs of their numbers. Returns the nodes'
// centres as x and y, and for each edge the points (numbers of x and y) that it runs through; `half`
// is how far to both sides of a point its layer reaches.
function layered(widths, heights, edges) {
  const count = widths.length;
  const links = withoutCycles(count, edges.filter(([a, b]) => a !== b));
  const layer = layersOf(count, links);
  const points = { layer: [...layer], height: [...heights], above: [], below: [] };
  for (let i = 0; i < count; i++) {
    points.above.push([]);
    points.below.push([]);
  }
  const trunks = Array.from({ length: count }, () => []);
  const route = ([a, b]) => {
    const trunk = trunks[a];
    const more = layer[b] - layer[a] - 1 - trunk.length;
    if (more > 0 && points.layer.length + more > count + MOST_POINTS) return [a, b];
    let last = a;
    const path = [a];
    for (let at = layer[a] + 1; at < layer[b]; at++) {
      const step = at - layer[a] - 1;
      if (trunk[step] === undefined) {
        trunk[step] = points.layer.length;
        points.layer.push(at);
        points.height.push(POINT_HEIGHT);
        points.above.push([]);
        points.below.push([]);
        join(points, last, trunk[step]);
      }
      last = trunk[step];
      path.push(last);
    }
    join(points, last, b);
    path.push(b);
    return path;
  };
  const routes = new Map();
  for (const [a, b, turned] of links) {
    const path = route([a, b]);
    routes.set(turned ? `${b} ${a}` : `${a} ${b}`, turned ? path.reverse() : path);
  }
  const layers = orderedLayers(points, count);
  const y = heightsOf(points, layers);
  const { x, half } = placesAcross(points, layers, widths, count);
  return { x, y, half, routes: edges.map(([a, b]) => routes.get(`${a} ${b}`) ?? [a, b]) };
}

function join(points, a, b) {
  points.below[a].push(b);
  points.above[b].push(a);
}

// Returns each pair once, those that close a cycle turned around (and marked so).
function withoutCycles(count, edges) {
  const after = Array.from({ length: count }, () => []);
  const known = new Set();
  for (const [a, b] of edges) {
    const key = a * count + b;
    if (!known.has(key)) {
      known.add(key);
      after[a].push(b);
    }
  }
  const state = new Uint8Array(count);
  const links = [];
  for (let root = 0; root < count; root++) {
    if (state[root]) continue;
    const stack = [[root, 0]];
    state[root] = 1;
    while (stack.length) {
      const top = stack[stack.length - 1];
      const next = after[top[0]][top[1]++];
      if (next === undefined) {
        state[top[0]] = 2;
        stack.pop();
      } else if (state[next] === 1) {
        if (!known.has(next * count + top[0])) links.push([next, top[0], true]);
      } else {
        links.push([top[0], next, false]);
        if (!state[next]) {
          state[next] = 1;
          stack.push([next, 0]);
        }
      }
    }
  }
  return links;
}

// Returns the layer of each node: behind all that it reads; what reads little stands by its readers.
function layersOf(count, links) {
  const before = Array.from({ length: count }, () => []);
  const after = Array.from({ length: count }, () => []);
  const waiting = new Int32Array(count);
  for (const [a, b] of links) {
    after[a].push(b);
    before[b].push(a);
    waiting[b]++;
  }
  const order = [];
  for (let i = 0; i < count; i++) if (!waiting[i]) order.push(i);
  const layer = new Array(count).fill(0);
  for (let i = 0; i < order.length; i++) {
    for (const next of after[order[i]]) {
      layer[next] = Math.max(layer[next], layer[order[i]] + 1);
      if (--waiting[next] === 0) order.push(next);
    }
  }
  for (const node of order.reverse()) {
    if (after[node].length > before[node].length) {
      layer[node] = Math.min(...after[node].map((next) => layer[next])) - 1;
    }
  }
  // What hangs on nothing would make the first layer as high as there are such nodes.
  const alone = order.filter((node) => !after[node].length && !before[node].length).sort((a, b) => a - b);
  const width = Math.max(1, ...layer) + 1;
  const across = Math.max(width, Math.ceil(Math.sqrt(alone.length / 4)));
  alone.forEach((node, number) => (layer[node] = number % across));
  return layer;
}

function orderedLayers(points, count) {
  const layers = [];
  points.layer.forEach((at, point) => (layers[at] ??= []).push(point));
  for (let at = 0; at < layers.length; at++) layers[at] ??= [];
  const place = new Float64Array(points.layer.length);
  const number = (layer) => layer.forEach((point, i) => (place[point] = i));
  layers.forEach(number);
  const sweep = (downward) => {
    const near = downward ? points.above : points.below;
    const sequence = downward ? layers : [...layers].reverse();
    for (const layer of sequence) {
      const wish = new Map(layer.map((p) => [p, near[p].length ? mean(near[p], place) : place[p]]));
      layer.sort((a, b) => wish.get(a) - wish.get(b) || place[a] - place[b]);
      number(layer);
    }
  };
  let best = layers.map((layer) => [...layer]);
  let least = crossings(points, layers, place);
  const sweeps = count > 1000 ? 8 : 24;
  for (let i = 0; i < sweeps && least > 0; i++) {
    sweep(i % 2 === 0);
    const found = crossings(points, layers, place);
    if (found < least) {
      least = found;
      best = layers.map((layer) => [...layer]);
    }
  }
  return best;
}

function mean(numbers, place) {
  let sum = 0;
  for (const number of numbers) sum += place[number];
  return sum / numbers.length;
}

// Counts how often edges between neighbouring layers cross, with a tree of sums.
function crossings(points, layers, place) {
  let total = 0;
  for (let at = 0; at + 1 < layers.length; at++) {
    const size = layers[at + 1].length;
    const tree = new Int32Array(size + 1);
    let seen = 0;
    for (const point of layers[at]) {
      const ends = points.below[point].map((next) => place[next]).sort((a, b) => a - b);
      for (const end of ends) {
        let before = 0;
        for (let i = end + 1; i > 0; i -= i & -i) before += tree[i];
        total += seen - before;
      }
      for (const end of ends) {
        seen++;
        for (let i = end + 1; i <= size; i += i & -i) tree[i]++;
      }
    }
  }
  return total;
}

function heightsOf(points, layers) {
  const y = new Float64Array(points.layer.length);
  for (const layer of layers) {
    let top = 0;
    for (const point of layer) {
      y[point] = top + points.height[point] / 2;
      top += points.height[point] + NODE_GAP;
    }
    const middle = top / 2;
    for (const point of layer) y[point] -= middle;
  }
  const settle = (layer, near) => {
    if (layer.length) alignTo(layer, layer.map((p) => (near(p).length ? mean(near(p), y) : y[p])), points, y);
  };
  for (let i = 0; i < 6; i++) {
    for (const layer of layers) settle(layer, (p) => points.above[p]);
    for (const layer of [...layers].reverse()) settle(layer, (p) => points.below[p]);
  }
  for (const layer of layers) settle(layer, (p) => [...points.above[p], ...points.below[p]]);
  return y;
}

// Moves a layer's nodes to where the squares of their distances from `wishes` are least in sum.
function alignTo(layer, wishes, points, y) {
  const offset = new Float64Array(layer.length);
  for (let i = 1; i < layer.length; i++) {
    offset[i] = offset[i - 1] + (points.height[layer[i - 1]] + points.height[layer[i]]) / 2 + NODE_GAP;
  }
  const blocks = [];
  for (let i = 0; i < layer.length; i++) {
    // A bend in a long edge is seen more than a node that stands a little beside.
    const weight = points.height[layer[i]] === POINT_HEIGHT ? 3 : 1;
    let block = { sum: (wishes[i] - offset[i]) * weight, weight, size: 1 };
    while (blocks.length) {
      const last = blocks[blocks.length - 1];
      if (last.sum / last.weight <= block.sum / block.weight) break;
      blocks.pop();
      block = { sum: last.sum + block.sum, weight: last.weight + block.weight, size: last.size + block.size };
    }
    blocks.push(block);
  }
  let i = 0;
  for (const block of blocks) {
    for (let k = 0; k < block.size; k++, i++) y[layer[i]] = block.sum / block.weight + offset[i];
  }
}

function placesAcross(points, layers, widths, count) {
  const x = new Float64Array(points.layer.length);
  const half = new Float64Array(points.layer.length);
  let left = 0;
  for (const layer of layers) {
    let widest = 0;
    for (const point of layer) if (point < count) widest = Math.max(widest, widths[point]);
    for (const point of layer) {
      x[point] = left + widest / 2;
      half[point] = widest / 2;
    }
    left += widest + LAYER_GAP;
  }
  return { x, half };
}
