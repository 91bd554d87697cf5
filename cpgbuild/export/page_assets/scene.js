// Scene: which nodes are drawn: datasets, and groups that are collapsed to one node each.

const HEIGHT = 40;
const FONT = '13px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';
const SMALL_FONT = '11px system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif';
const TEXT_LEFT = 32;
const STATES = {
  run: "to run",
  maybe: "may run",
  restore: "to be restored",
  skip: "up to date",
};
const STATE_ORDER = ["run", "maybe", "restore", "skip"];

// Returns the groups of all datasets: by folder, by tag, or one of all.
function groupsOf(page, by) {
  const groups = new Map();
  page.datasets.forEach((dataset, number) => {
    let name = "all datasets";
    if (by === "folder") name = dataset.group;
    if (by === "tag") name = dataset.kind === "source" ? "sources" : (dataset.tags[0] ?? "no tag");
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(number);
  });
  return new Map([...groups].sort(([a], [b]) => (b === "sources") - (a === "sources") || (a < b ? -1 : 1)));
}

class Scene {
  // `groups` as above; `collapsed` has the names of those that are one node; `shown` the datasets
  // that are drawn at all, or nothing for all of them.
  constructor(page, groups, collapsed, shown) {
    this.nodes = [];
    this.nodeOf = new Array(page.datasets.length).fill(-1);
    for (const [name, all] of groups) {
      const members = shown ? all.filter((number) => shown.has(number)) : all;
      if (!members.length) continue;
      if (collapsed.has(name)) {
        this.add(groupNode(page, name, members), members);
      } else {
        for (const number of members) this.add(datasetNode(page, number), [number]);
      }
    }
    const edges = new Map();
    for (const [from, to, implied] of page.edges) {
      const [a, b] = [this.nodeOf[from], this.nodeOf[to]];
      if (a < 0 || b < 0 || a === b) continue;
      const key = `${a} ${b}`;
      const edge = edges.get(key) ?? { from: a, to: b, implied: true, pairs: [] };
      edge.implied &&= implied;
      edge.pairs.push(`${from} ${to}`);
      edges.set(key, edge);
    }
    this.edges = [...edges.values()];
    this.reads = this.nodes.map(() => []);
    this.readers = this.nodes.map(() => []);
    for (const edge of this.edges) {
      this.reads[edge.to].push(edge);
      this.readers[edge.from].push(edge);
    }
    this.place();
  }

  add(node, members) {
    for (const number of members) this.nodeOf[number] = this.nodes.length;
    node.members = members;
    this.nodes.push(node);
  }

  place() {
    const drawn = this.edges.filter((edge) => !edge.implied);
    const { x, y, half, routes } = layered(
      this.nodes.map((node) => node.width),
      this.nodes.map(() => HEIGHT),
      drawn.map((edge) => [edge.from, edge.to]),
    );
    this.nodes.forEach((node, i) => {
      node.x = x[i];
      node.y = y[i];
    });
    drawn.forEach((edge, i) => (edge.line = this.lineThrough(routes[i], x, y, half)));
    for (const edge of this.edges) edge.line ??= this.lineThrough([edge.from, edge.to], x, y, half);
    this.segments = this.segmentsOf(drawn);
    this.box = this.boxOf(this.nodes);
  }

  // Returns the pieces of edges, x and y of both ends, each once, however many edges share it.
  segmentsOf(edges) {
    const found = new Map();
    for (const { line } of edges) {
      for (let i = 2; i < line.length; i += 2) {
        const piece = line.slice(i - 2, i + 2);
        found.set(piece.join(" "), piece);
      }
    }
    return [...found.values()];
  }

  // Returns x and y of the points of an edge, from the right side of its first node to the left one
  // of its last. It crosses each layer between straight, so that it bends beside nodes and not behind.
  lineThrough(route, x, y, half) {
    const [first, last] = [route[0], route[route.length - 1]];
    const side = x[first] <= x[last] ? 1 : -1;
    const line = [x[first] + (side * this.nodes[first].width) / 2, y[first]];
    for (const point of route.slice(1, -1)) {
      line.push(x[point] - side * half[point], y[point], x[point] + side * half[point], y[point]);
    }
    line.push(x[last] - (side * this.nodes[last].width) / 2, y[last]);
    return line;
  }

  boxOf(nodes) {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const node of nodes) {
      box.left = Math.min(box.left, node.x - node.width / 2);
      box.right = Math.max(box.right, node.x + node.width / 2);
      box.top = Math.min(box.top, node.y - HEIGHT / 2);
      box.bottom = Math.max(box.bottom, node.y + HEIGHT / 2);
    }
    return nodes.length ? box : { left: 0, top: 0, right: 1, bottom: 1 };
  }

  // Returns the number of the node at a point, or -1.
  at(x, y) {
    return this.nodes.findIndex((n) => Math.abs(x - n.x) <= n.width / 2 && Math.abs(y - n.y) <= HEIGHT / 2);
  }

  // Returns the node that an arrow key leads to from another: along an edge, or to the next one above
  // or below in the same layer.
  next(from, key) {
    const here = this.nodes[from];
    const near = (numbers) => {
      const distance = (i) => Math.abs(this.nodes[i].y - here.y);
      return numbers.length ? numbers.reduce((a, b) => (distance(b) < distance(a) ? b : a)) : -1;
    };
    const drawn = (edges) => (edges.some((e) => !e.implied) ? edges.filter((e) => !e.implied) : edges);
    if (key === "ArrowLeft") return near(drawn(this.reads[from]).map((edge) => edge.from));
    if (key === "ArrowRight") return near(drawn(this.readers[from]).map((edge) => edge.to));
    const side = key === "ArrowUp" ? -1 : 1;
    const column = this.nodes.map((_, i) => i).filter((i) => this.nodes[i].x === here.x);
    return near(column.filter((i) => (this.nodes[i].y - here.y) * side > 0));
  }
}

const measuring = document.createElement("canvas").getContext("2d");

function widthOf(label, detail) {
  measuring.font = FONT;
  const wide = measuring.measureText(label).width;
  measuring.font = SMALL_FONT;
  return Math.ceil(Math.min(230, Math.max(100, TEXT_LEFT + 26 + Math.max(wide, measuring.measureText(detail).width))));
}

function datasetNode(page, number) {
  const dataset = page.datasets[number];
  const rows = dataset.runs.find((run) => run.rows !== null)?.rows;
  const detail = rows === undefined ? dataset.kind : `${dataset.kind}, ${counted(rows, "row")}`;
  const width = widthOf(dataset.name, detail);
  return { dataset: number, label: dataset.name, detail, kind: dataset.kind, state: dataset.state, width };
}

function groupNode(page, name, members) {
  const states = new Set(members.map((number) => page.datasets[number].state));
  const detail = counted(members.length, "dataset");
  const state = STATE_ORDER.find((one) => states.has(one)) ?? "";
  return { group: name, label: name, detail, kind: "group", state, width: widthOf(name, detail) };
}

function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
