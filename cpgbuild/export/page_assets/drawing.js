// Drawing: the scene on a canvas, and how it is moved and scaled.
//
// What is alike is drawn in one go, what is out of sight is left out, and texts that nobody could
// read are bars, so that thousands of nodes follow the hand.

const READABLE = 0.45; // from this scale on a node's texts are drawn
const NAMED = 0.2; // from this scale on a node's name alone is, as large as fits
const FAR_FONT = "500 24px system-ui, sans-serif";
const CURVED = 0.18; // from this scale on edges are curves
const RADIUS = 6;

class Drawing {
  // `picked` is called with the number of a clicked node, or -1.
  constructor(canvas, picked) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.transform = d3.zoomIdentity;
    this.scene = null;
    this.look = { selected: -1, lit: null, pairs: null, weak: null, columns: null, weakNodes: null, found: null };
    this.hovered = -1;
    this.waiting = false;
    this.zoom = d3
      .zoom()
      .scaleExtent([0.02, 3])
      .clickDistance(4)
      .on("zoom", (event) => {
        this.transform = event.transform;
        this.later();
      });
    d3.select(canvas).call(this.zoom).on("dblclick.zoom", null);
    canvas.addEventListener("click", (event) => picked(this.nodeUnder(event)));
    canvas.addEventListener("pointermove", (event) => this.hover(event.buttons ? -1 : this.nodeUnder(event)));
    canvas.addEventListener("pointerleave", () => this.hover(-1));
    new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
    this.colours();
  }

  // Takes the colours of the theme from the style sheet.
  colours() {
    const style = getComputedStyle(document.documentElement);
    const names = ["back", "panel", "line", "edge", "text", "muted", "accent", "up", "down", "found"];
    const kinds = ["source", "view", "table", "group"];
    const states = ["run", "maybe", "restore", "skip"];
    this.colour = {};
    for (const name of [...names, ...kinds, ...states]) {
      this.colour[name] = style.getPropertyValue(`--${name}`).trim();
    }
    this.later();
  }

  resize() {
    const { clientWidth, clientHeight } = this.canvas.parentElement;
    const ratio = window.devicePixelRatio || 1;
    this.size = { width: clientWidth, height: clientHeight, ratio };
    this.canvas.width = clientWidth * ratio;
    this.canvas.height = clientHeight * ratio;
    if (this.scene && this.unseen) this.fit();
    this.draw();
  }

  show(scene) {
    this.scene = scene;
    this.hovered = -1;
    this.later();
  }

  nodeUnder(event) {
    const [x, y] = this.transform.invert(d3.pointer(event, this.canvas));
    return this.scene ? this.scene.at(x, y) : -1;
  }

  hover(node) {
    if (node === this.hovered) return;
    this.hovered = node;
    this.canvas.classList.toggle("on-node", node >= 0);
    this.canvas.title = node >= 0 ? this.scene.nodes[node].label : "";
    this.later();
  }

  // Moves so that a box of the scene, or all of it, fills the canvas; `most` is the largest scale.
  fit(box = this.scene.box, most = 1.1) {
    const { width, height } = this.size;
    this.unseen = !(width > 40 && height > 40);
    const [wide, high] = [box.right - box.left + 60, box.bottom - box.top + 60];
    const scale = Math.max(0.02, Math.min(most, width / wide, height / high));
    this.move((box.left + box.right) / 2, (box.top + box.bottom) / 2, scale);
  }

  // Moves a point of the scene to the middle.
  move(x, y, scale = this.transform.k) {
    const { width, height } = this.size;
    const to = d3.zoomIdentity.translate(width / 2 - x * scale, height / 2 - y * scale).scale(scale);
    d3.select(this.canvas).call(this.zoom.transform, to);
  }

  scaleBy(factor) {
    d3.select(this.canvas).call(this.zoom.scaleBy, factor);
  }

  // Moves a node into sight, if it is not there, at a scale at which it can be read.
  reveal(number) {
    const node = this.scene.nodes[number];
    const [x, y] = this.transform.apply([node.x, node.y]);
    const { width, height } = this.size;
    const inside = x > 90 && x < width - 90 && y > 40 && y < height - 40;
    if (!inside || this.transform.k < READABLE) this.move(node.x, node.y, Math.max(this.transform.k, 0.8));
  }

  later() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.waiting = false;
    if (!this.scene || !this.size) return;
    const { context, transform, size } = this;
    const { width, height, ratio } = size;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colour.back;
    context.fillRect(0, 0, width, height);
    const [left, top] = transform.invert([0, 0]);
    const [right, bottom] = transform.invert([width, height]);
    const sight = { left, top, right, bottom };
    context.setTransform(ratio * transform.k, 0, 0, ratio * transform.k, ratio * transform.x, ratio * transform.y);
    this.drawEdges(sight);
    this.drawNodes(sight);
  }

  drawEdges(sight) {
    const { selected, pairs, weak } = this.look;
    const lit = { up: [], down: [] };
    const weakly = { up: [], down: [] };
    for (const edge of selected >= 0 || pairs ? this.scene.edges : []) {
      const way = this.wayOf(edge, selected, pairs);
      const weakWay = !way && weak && this.wayOf(edge, selected, weak);
      if (way) lit[way].push(edge.line);
      else if (weakWay) weakly[weakWay].push(edge.line);
    }
    const scale = this.transform.k;
    this.context.globalAlpha = pairs ? 0.35 : 1;
    this.stroke(this.scene.segments, this.colour.edge, Math.max(1, 0.7 / scale), sight);
    this.context.globalAlpha = 1;
    this.context.setLineDash([5 / scale, 4 / scale]);
    for (const way of ["up", "down"]) this.stroke(weakly[way], this.colour[way], Math.max(1.2, 1 / scale), sight);
    this.context.setLineDash([]);
    for (const way of ["up", "down"]) this.stroke(lit[way], this.colour[way], Math.max(1.8, 1.4 / scale), sight);
  }

  // Returns whether an edge is lit, and as which: one towards what is selected, or away from it.
  wayOf(edge, selected, pairs) {
    if (pairs) {
      const pair = edge.pairs.find((one) => pairs.has(one));
      return pair && (this.look.ways.get(edge.to) === "down" ? "down" : "up");
    }
    if (edge.to === selected) return "up";
    return edge.from === selected && "down";
  }

  stroke(lines, colour, width, sight) {
    const { context } = this;
    const curved = this.transform.k >= CURVED;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    for (const line of lines) {
      for (let i = 2; i < line.length; i += 2) {
        const [x0, y0, x1, y1] = [line[i - 2], line[i - 1], line[i], line[i + 1]];
        if (Math.max(x0, x1) < sight.left || Math.min(x0, x1) > sight.right) continue;
        if (Math.max(y0, y1) < sight.top || Math.min(y0, y1) > sight.bottom) continue;
        context.moveTo(x0, y0);
        const middle = (x0 + x1) / 2;
        if (curved && Math.abs(y1 - y0) > 2) context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
        else context.lineTo(x1, y1);
      }
    }
    context.stroke();
  }

  drawNodes(sight) {
    const seen = [];
    this.scene.nodes.forEach((node, i) => {
      if (node.x + node.width / 2 < sight.left || node.x - node.width / 2 > sight.right) return;
      if (node.y + HEIGHT / 2 < sight.top || node.y - HEIGHT / 2 > sight.bottom) return;
      seen.push(i);
    });
    const bright = seen.filter((i) => !this.isDim(i));
    this.context.globalAlpha = 0.28;
    this.drawBoxes(seen.filter((i) => this.isDim(i)));
    this.context.globalAlpha = 1;
    this.drawBoxes(bright);
  }

  isDim(i) {
    const { lit, found } = this.look;
    if (lit) return !lit.has(i);
    return found !== null && !found.has(i);
  }

  drawBoxes(numbers) {
    const { context, colour } = this;
    const nodes = this.scene.nodes;
    const readable = this.transform.k >= READABLE;
    const named = this.transform.k >= NAMED;
    if (!named) {
      // Far away a node is a block in the colour of its kind.
      for (const kind of ["source", "view", "table", "group"]) {
        context.fillStyle = colour[kind];
        for (const i of numbers) {
          const { x, y, width } = nodes[i];
          if (nodes[i].kind === kind) context.fillRect(x - width / 2, y - HEIGHT / 2, width, HEIGHT);
        }
      }
    } else {
      context.beginPath();
      for (const i of numbers) {
        const { x, y, width } = nodes[i];
        context.roundRect(x - width / 2, y - HEIGHT / 2, width, HEIGHT, RADIUS);
      }
      context.fillStyle = colour.panel;
      context.fill();
      context.strokeStyle = colour.line;
      context.lineWidth = 1;
      context.stroke();
    }
    for (const i of numbers) this.drawFrame(i);
    if (readable) this.drawTexts(numbers);
    else if (named) this.drawNames(numbers);
  }

  drawNames(numbers) {
    const { context, colour, scene } = this;
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.font = FAR_FONT;
    for (const i of numbers) {
      const node = scene.nodes[i];
      node.far ??= cut(context, node.label, node.width - 24);
      context.fillStyle = colour[node.kind];
      context.fillRect(node.x - node.width / 2, node.y - HEIGHT / 2, 8, HEIGHT);
      context.fillStyle = colour.text;
      context.fillText(node.far, node.x - node.width / 2 + 15, node.y + 1);
    }
  }

  drawFrame(i) {
    const { context, colour, look } = this;
    const way = look.ways?.get(i);
    let frame = way === "here" ? "accent" : way;
    if (!frame && look.found?.has(i)) frame = "found";
    if (i === look.selected) frame = "accent";
    if (!frame && i !== this.hovered) return;
    const { x, y, width } = this.scene.nodes[i];
    const thick = Math.max(frame === "accent" ? 2.5 : 1.6, (frame === "accent" ? 2.5 : 1.4) / this.transform.k);
    context.strokeStyle = colour[frame ?? "muted"];
    context.lineWidth = thick;
    if (look.weakNodes?.has(i) && frame !== "accent") context.setLineDash([5, 4]);
    context.beginPath();
    context.roundRect(x - width / 2, y - HEIGHT / 2, width, HEIGHT, RADIUS);
    context.stroke();
    context.setLineDash([]);
  }

  drawTexts(numbers) {
    const { context, colour, look } = this;
    const nodes = this.scene.nodes;
    context.textBaseline = "middle";
    context.textAlign = "left";
    for (const i of numbers) this.drawSigns(nodes[i]);
    context.font = FONT;
    context.fillStyle = colour.text;
    for (const i of numbers) {
      const node = nodes[i];
      node.short ??= cut(context, node.label, node.width - TEXT_LEFT - 24);
      context.fillText(node.short, node.x - node.width / 2 + TEXT_LEFT, node.y - 7.5);
    }
    context.font = SMALL_FONT;
    context.fillStyle = colour.muted;
    for (const i of numbers) {
      const node = nodes[i];
      const columns = look.columns?.get(i);
      const text = columns ? cut(context, columns.join(", "), node.width - TEXT_LEFT - 8) : node.detail;
      if (columns) context.fillStyle = colour[look.ways.get(i) === "here" ? "accent" : look.ways.get(i)];
      context.fillText(text, node.x - node.width / 2 + TEXT_LEFT, node.y + 9);
      if (columns) context.fillStyle = colour.muted;
    }
  }

  // Draws what kind a node is of, by form and colour, and what a build would do with it.
  drawSigns(node) {
    const { context, colour } = this;
    drawKind(context, node.kind, node.x - node.width / 2 + 17, node.y, colour[node.kind]);
    if (node.state && node.state !== "skip") {
      drawState(context, node.state, node.x + node.width / 2 - 13, node.y - 8, colour[node.state]);
    }
  }
}

function cut(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let [least, most] = [0, text.length];
  while (least < most) {
    const middle = (least + most + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= room) least = middle;
    else most = middle - 1;
  }
  return `${text.slice(0, least)}…`;
}

// A source is a cylinder, a view an empty frame, a table a grid, a group a stack.
function drawKind(context, kind, x, y, colour) {
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  if (kind === "source") {
    context.ellipse(x, y - 5, 6.5, 2.6, 0, 0, 2 * Math.PI);
    context.moveTo(x - 6.5, y - 5);
    context.lineTo(x - 6.5, y + 5);
    context.ellipse(x, y + 5, 6.5, 2.6, 0, Math.PI, 0, true);
    context.lineTo(x + 6.5, y - 5);
  } else if (kind === "view") {
    context.setLineDash([2.4, 1.8]);
    context.roundRect(x - 7, y - 6.5, 14, 13, 2.5);
  } else if (kind === "table") {
    context.roundRect(x - 7, y - 6.5, 14, 13, 2.5);
    context.moveTo(x - 7, y - 2.2);
    context.lineTo(x + 7, y - 2.2);
    context.moveTo(x - 7, y + 2.2);
    context.lineTo(x + 7, y + 2.2);
    context.moveTo(x - 1.5, y - 2.2);
    context.lineTo(x - 1.5, y + 6.5);
  } else {
    context.roundRect(x - 7, y - 2, 11, 9, 2);
    context.moveTo(x - 4, y - 4.5);
    context.lineTo(x + 6.5, y - 4.5);
    context.lineTo(x + 6.5, y + 4);
  }
  context.stroke();
  context.setLineDash([]);
}

// What runs has a full dot, what may run a half one, what is restored an arrow back.
function drawState(context, state, x, y, colour) {
  context.strokeStyle = colour;
  context.fillStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(x, y, 4, 0, 2 * Math.PI);
  if (state === "run") context.fill();
  context.stroke();
  if (state === "maybe") {
    context.beginPath();
    context.arc(x, y, 4, Math.PI / 2, -Math.PI / 2);
    context.fill();
  }
}
