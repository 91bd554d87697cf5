// Page: what is chosen, and all that follows from it.

const page = JSON.parse(document.getElementById("document").textContent);
const get = (id) => document.getElementById(id);
const lineage = new Lineage(page);
const numberOf = new Map(page.datasets.map((dataset, number) => [dataset.name, number]));
const state = { by: "folder", collapsed: new Set(), selected: -1, followed: null, isWhole: false, found: null, around: -1 };

const drawing = new Drawing(get("canvas"), pick);
const tree = new Tree(get("tree"), page, { choose, toggle });
const details = new Details(get("details"), page, lineage, { choose: (number) => choose(number), follow, close });
let groups = groupsOf(page, state.by);
let scene = null;

// -- the graph -------------------------------------------------------------------------------------

function arrange({ keep = false } = {}) {
  const anchor = keep && scene ? anchorNode() : null;
  scene = new Scene(page, groups, state.collapsed, state.around >= 0 ? around(state.around) : null);
  drawing.show(scene);
  light();
  const to = anchor && scene.nodeOf[anchor.dataset];
  if (anchor && to >= 0) {
    const { x, y } = scene.nodes[to];
    const k = drawing.transform.k;
    const { width, height } = drawing.size;
    drawing.move(x - (anchor.at[0] - width / 2) / k, y - (anchor.at[1] - height / 2) / k, k);
  } else drawing.fit();
}

// Returns a dataset that is in sight now, so that it can stay where it is.
function anchorNode() {
  const inSight = (node) => {
    const [x, y] = drawing.transform.apply([node.x, node.y]);
    return x > 0 && y > 0 && x < drawing.size.width && y < drawing.size.height ? [x, y] : null;
  };
  const chosen = state.selected >= 0 ? scene.nodes[scene.nodeOf[state.selected]] : null;
  const node = chosen && inSight(chosen) ? chosen : scene.nodes.find(inSight);
  return node ? { dataset: chosen === node ? state.selected : node.members[0], at: inSight(node) } : null;
}

// Returns a dataset with all that it needs and all that needs it.
function around(number) {
  const shown = new Set([number]);
  for (const [from, to] of [[0, 1], [1, 0]]) {
    const next = new Map();
    for (const edge of page.edges) {
      if (!next.has(edge[from])) next.set(edge[from], []);
      next.get(edge[from]).push(edge[to]);
    }
    const waiting = [number];
    const seen = new Set(waiting);
    while (waiting.length) {
      for (const one of next.get(waiting.pop()) ?? []) {
        if (seen.has(one)) continue;
        seen.add(one);
        shown.add(one);
        waiting.push(one);
      }
    }
  }
  return shown;
}

// Tells the drawing what is selected, followed and found, by the numbers of nodes.
function light() {
  const { selected, followed, found } = state;
  const look = { selected: selected >= 0 ? scene.nodeOf[selected] : -1, lit: null, pairs: null, weak: null, columns: null, ways: null, weakNodes: null, found: null };
  if (followed) {
    look.lit = new Set();
    look.ways = new Map();
    look.columns = new Map();
    look.pairs = followed.pairs;
    look.weak = followed.weak;
    look.weakNodes = new Set();
    for (const [dataset, { way, isWeak, columns }] of followed.lit) {
      const node = scene.nodeOf[dataset];
      if (node < 0) continue;
      // A group is as strong as the strongest in it.
      if (!isWeak) look.weakNodes.delete(node);
      else if (!look.lit.has(node)) look.weakNodes.add(node);
      look.lit.add(node);
      if (look.ways.get(node) !== "here") look.ways.set(node, way);
      look.columns.set(node, [...(look.columns.get(node) ?? []), ...columns]);
    }
  }
  if (found) look.found = new Set([...found].map((number) => scene.nodeOf[number]).filter((node) => node >= 0));
  drawing.look = look;
  drawing.later();
}

function pick(node) {
  const { group, dataset } = scene.nodes[node] ?? {};
  if (node < 0) close();
  else if (group === undefined) choose(dataset);
  else toggle(group);
}

// -- what is chosen --------------------------------------------------------------------------------

function choose(number, withFocus = false) {
  if (state.followed && !state.followed.lit.has(number)) state.followed = null;
  state.selected = number;
  bringIn(number);
  shown(withFocus);
}

function follow(column) {
  const isOff = state.followed?.column === column;
  state.followed = isOff ? null : lineage.follow(column, state.isWhole);
  const owner = lineage.owner[column];
  state.selected = owner;
  bringIn(owner);
  shown(false);
  get("details").querySelector(`[data-column="${CSS.escape(lineage.names[column])}"]`)?.focus();
  if (state.followed) {
    const { up, down } = state.followed;
    say(`${page.datasets[owner].name}.${lineage.names[column]} comes from ${counted(up.size, "column")} and reaches ${counted(down.size, "column")}`);
  } else say("No column is followed");
}

// Shows what was chosen, everywhere.
function shown(withFocus) {
  const number = state.selected;
  details.show(number, state.followed);
  get("around").disabled = false;
  document.body.classList.add("with-details");
  drawing.resize();
  tree.select(number);
  light();
  drawing.reveal(scene.nodeOf[number]);
  trail();
  address();
  if (withFocus) get("details-title").focus();
  const { name, kind, state: now } = page.datasets[number];
  const [reads, readers] = [1, 0].map((end) => page.edges.filter((edge) => edge[end] === number).length);
  say([name, kind, STATES[now], `reads ${reads}, read by ${readers}`].filter(Boolean).join(", "));
}

// Sees that a dataset is drawn: opens its group, and the graph around another dataset if need be.
function bringIn(number) {
  const name = [...groups].find(([, members]) => members.includes(number))[0];
  const wasClosed = state.collapsed.delete(name);
  if (wasClosed) tree.mark(state.collapsed);
  const isOutside = state.around >= 0 && !around(state.around).has(number);
  if (isOutside) setAround(number);
  if (wasClosed || isOutside) arrange({ keep: !isOutside });
}

// Draws only what a dataset needs and what needs it; for -1 all there is.
function setAround(number) {
  state.around = number;
  get("around").setAttribute("aria-pressed", String(number >= 0));
  get("around").textContent = number >= 0 ? `Only around ${page.datasets[number].name}` : "Only around";
}

// Ends one thing: what is followed, then what is selected.
function close() {
  if (state.followed) state.followed = null;
  else state.selected = -1;
  if (state.selected >= 0) shown(false);
  else {
    details.hide();
    get("around").disabled = state.around < 0;
    document.body.classList.remove("with-details");
    drawing.resize();
    light();
    trail();
    address();
  }
}

// Says above the graph which column is followed.
function trail() {
  const bar = get("trail");
  bar.hidden = !state.followed;
  if (!state.followed) return;
  const { column, up, down, deciders, decided, isWhole } = state.followed;
  const more = (said, columns) => (isWhole ? `, ${said} ${columns.size}` : "");
  bar.replaceChildren(
    element("strong", {}, `${page.datasets[lineage.owner[column]].name}.${lineage.names[column]}`),
    element("span", { class: "up" }, `comes from ${up.size}${more("decided by", deciders)}`),
    element("span", { class: "down" }, `reaches ${down.size}${more("decides", decided)}`),
    element("button", { type: "button", id: "whole", "aria-pressed": String(isWhole), title: "Also columns that decide which rows there are, or which value a column gets", onclick: () => whole() }, "What decides it"),
    element("button", { type: "button", onclick: () => fitLit() }, "Show all"),
    element("button", { type: "button", onclick: () => follow(column) }, "Done"),
  );
}

// Shows, or no longer, what only decides something on the way of a column.
function whole() {
  state.isWhole = !state.isWhole;
  state.followed = lineage.follow(state.followed.column, state.isWhole);
  shown(false);
  get("whole").focus();
  const { deciders, decided } = state.followed;
  say(state.isWhole ? `decided by ${counted(deciders.size, "more column")}, decides ${counted(decided.size, "more column")}` : "Only columns whose values are in it");
}

function fitLit() {
  drawing.fit(scene.boxOf([...drawing.look.lit].map((node) => scene.nodes[node])));
}

function toggle(name) {
  if (!state.collapsed.delete(name)) state.collapsed.add(name);
  tree.mark(state.collapsed);
  arrange({ keep: true });
  const members = groups.get(name);
  say(`${name}, ${counted(members.length, "dataset")}, ${state.collapsed.has(name) ? "collapsed" : "expanded"}`);
}

function regroup(by) {
  state.by = by;
  groups = groupsOf(page, by);
  state.collapsed = new Set();
  tree.show(groups, state.collapsed);
  tree.filter(state.found);
  if (state.selected >= 0) tree.select(state.selected);
  arrange();
}

// -- search ----------------------------------------------------------------------------------------

const searched = page.datasets.map((dataset) =>
  [dataset.name, dataset.description, ...dataset.tags, ...dataset.columns.map(([name]) => name)].join("\n").toLowerCase(),
);

function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  state.found = null;
  if (words.length) {
    const numbers = page.datasets.map((_, number) => number);
    const all = numbers.filter((number) => words.every((word) => searched[number].includes(word)));
    const best = (number) => (page.datasets[number].name.includes(words[0]) ? 0 : 1);
    state.found = new Set(all.sort((a, b) => best(a) - best(b) || a - b));
  }
  tree.filter(state.found);
  get("found").textContent = state.found ? `${counted(state.found.size, "dataset")} of ${page.datasets.length}` : "";
  light();
}

// -- begin -----------------------------------------------------------------------------------------

function legend() {
  const kinds = ["source", "view", "table"].map((kind) => element("li", {}, element("span", { class: `kind ${kind}` }), kind));
  const present = STATE_ORDER.filter((one) => one !== "skip" && page.datasets.some((dataset) => dataset.state === one));
  const states = present.map((one) => element("li", {}, element("span", { class: `state ${one}` }), STATES[one]));
  get("legend").replaceChildren(...kinds, ...states);
}

function begin() {
  const version = document.querySelector("meta[name=cpgbuild-version]").content;
  const kept = version === "0" ? null : restored();
  if (kept) state.by = get("by").value = kept.by;
  groups = groupsOf(page, state.by);
  if (kept) state.collapsed = new Set(kept.collapsed.filter((name) => groups.has(name)));
  get("project").textContent = page.project;
  const work = page.datasets.filter(({ state: one }) => one && one !== "skip").length;
  const now = work ? `${work} to build` : "all up to date";
  get("summary").textContent = `${counted(page.datasets.length, "dataset")}, ${now}, as of ${moment(page.made)}`;
  theme(memory.get("theme", forLong));
  legend();
  tree.show(groups, state.collapsed);
  drawing.resize();
  arrange();
  if (location.hash.length > 1) visit();
  if (kept) d3.select(drawing.canvas).call(drawing.zoom.transform, d3.zoomIdentity.translate(kept.x, kept.y).scale(kept.k));
  drawing.draw();
  performance.mark("drawn");
  if (version !== "0") listen(version);
}

get("search").addEventListener("input", (event) => search(event.target.value));
get("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && state.found?.size) choose([...state.found][0], true);
  if (event.key === "ArrowDown") tree.focus();
  if (["Enter", "ArrowDown"].includes(event.key)) event.preventDefault();
});
get("by").addEventListener("change", (event) => regroup(event.target.value));
get("collapse").addEventListener("click", () => {
  state.collapsed = new Set(groups.keys());
  tree.mark(state.collapsed);
  if (state.selected >= 0) {
    state.followed = null;
    close();
  }
  arrange();
});
get("expand").addEventListener("click", () => {
  state.collapsed = new Set();
  tree.mark(state.collapsed);
  arrange();
});
get("around").addEventListener("click", () => {
  setAround(state.around >= 0 ? -1 : state.selected);
  get("around").disabled = state.around < 0 && state.selected < 0;
  arrange();
});
get("theme").addEventListener("click", () => {
  const wanted = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  memory.set("theme", wanted, forLong);
  theme(wanted);
});
get("keys").addEventListener("click", () => help());
get("in").addEventListener("click", () => drawing.scaleBy(1.4));
get("out").addEventListener("click", () => drawing.scaleBy(1 / 1.4));
get("fit").addEventListener("click", () => drawing.fit());
get("canvas").addEventListener("keydown", steered);
document.addEventListener("keydown", typed);
system.addEventListener("change", () => theme(memory.get("theme", forLong)));
addEventListener("hashchange", visit);
begin();
