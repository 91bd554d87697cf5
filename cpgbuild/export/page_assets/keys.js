// Keys: what they do on the page, and in the graph.

function typed(event) {
  const field = event.target.closest("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/" && !field) {
    event.preventDefault();
    get("search").focus();
    get("search").select();
  } else if (event.key === "Escape") escape(field);
}

function escape(field) {
  if (!get("help").hidden) help(false);
  else if (field === get("search") && field.value) {
    field.value = "";
    search("");
  } else if (state.selected >= 0) {
    const wasInside = get("details").contains(document.activeElement);
    close();
    if (wasInside && state.selected < 0) get("canvas").focus();
  } else get("canvas").focus();
}

function steered(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const zooms = { "+": () => drawing.scaleBy(1.3), "=": () => drawing.scaleBy(1.3), "-": () => drawing.scaleBy(1 / 1.3), 0: () => drawing.fit() };
  const here = state.selected >= 0 ? scene.nodeOf[state.selected] : cursor;
  if (event.key in zooms) zooms[event.key]();
  else if (event.key.startsWith("Arrow")) step(here >= 0 ? scene.next(here, event.key) : firstNode());
  else if (event.key === "Enter" && cursor >= 0) toggle(scene.nodes[cursor].group);
  else if (event.key === "Enter" && state.selected >= 0) get("details-title").focus();
  else return;
  event.preventDefault();
}

// A group that the arrow keys came to; it cannot be selected, only opened.
let cursor = -1;

function step(node) {
  if (node < 0) return;
  const { group, dataset, label, detail } = scene.nodes[node];
  cursor = -1;
  if (group === undefined) return void choose(dataset);
  if (state.selected >= 0) {
    state.followed = null;
    close();
  }
  cursor = node;
  drawing.look.selected = node;
  drawing.reveal(node);
  say(`group ${label}, ${detail}, press Enter to expand`);
}

function firstNode() {
  const middle = drawing.transform.invert([drawing.size.width / 2, drawing.size.height / 2]);
  const distance = ({ x, y }) => Math.hypot(x - middle[0], y - middle[1]);
  return scene.nodes.reduce((best, node, i) => (distance(node) < distance(scene.nodes[best]) ? i : best), 0);
}

function help(wanted = get("help").hidden) {
  get("help").hidden = !wanted;
  get("keys").setAttribute("aria-expanded", String(wanted));
}

function say(text) {
  get("spoken").textContent = text;
}

