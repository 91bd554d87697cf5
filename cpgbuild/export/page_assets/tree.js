// Tree: the datasets in a list by groups, for the eye and for a screen reader; one stop of the tab
// key, arrow keys within. What is collapsed here is one node in the graph.

// Returns an element; texts are always texts, whatever stands in them.
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

class Tree {
  // `choose` takes a dataset's number, `toggle` a group's name.
  constructor(root, page, { choose, toggle }) {
    this.root = root;
    this.page = page;
    this.choose = choose;
    this.toggle = toggle;
    root.addEventListener("keydown", (event) => this.key(event));
  }

  // Draws all groups anew.
  show(groups, collapsed) {
    this.groups = [];
    this.items = new Array(this.page.datasets.length);
    const parts = [...groups].map(([name, members]) => this.group(name, members, collapsed.has(name)));
    this.root.replaceChildren(...parts);
    this.stop(this.root.querySelector("[role=treeitem]"));
  }

  group(name, members, isCollapsed) {
    const inside = element("ul", { role: "group" }, ...members.map((number) => this.item(number)));
    const head = element(
      "div",
      { class: "group", onclick: () => this.toggle(name) },
      element("span", { class: "arrow", "aria-hidden": "true" }),
      element("span", { class: "name" }, name),
      element("span", { class: "count" }, String(members.length)),
    );
    const label = `${name}, ${counted(members.length, "dataset")}`;
    const attributes = { role: "treeitem", tabindex: "-1", "aria-expanded": String(!isCollapsed) };
    const item = element("li", { ...attributes, "aria-label": label, "data-group": name }, head, inside);
    this.groups.push({ name, members, item });
    return item;
  }

  item(number) {
    const { name, kind, state } = this.page.datasets[number];
    const said = [name, kind, STATES[state]].filter(Boolean).join(", ");
    const icon = element("span", { class: `kind ${kind}`, "aria-hidden": "true" });
    const sign = state && state !== "skip" ? element("span", { class: `state ${state}`, "aria-hidden": "true", title: STATES[state] }) : null;
    const attributes = { role: "treeitem", tabindex: "-1", "aria-selected": "false", "aria-label": said };
    const item = element(
      "li",
      { ...attributes, "data-dataset": String(number), onclick: () => this.choose(number) },
      icon,
      element("span", { class: "name" }, name),
      sign,
    );
    this.items[number] = item;
    return item;
  }

  // Shows the found datasets alone (all of them for nothing), with their groups open.
  filter(found) {
    for (const { name, members, item } of this.groups) {
      item.hidden = found !== null && !members.some((number) => found.has(number));
      item.classList.toggle("open", found !== null);
      void name;
    }
    this.items.forEach((item, number) => (item.hidden = found !== null && !found.has(number)));
    if (this.stopped?.hidden) this.stop(this.seen()[0]);
  }

  select(number) {
    this.root.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    const item = this.items[number];
    if (!item) return;
    item.setAttribute("aria-selected", "true");
    item.scrollIntoView({ block: "nearest" });
    this.stop(item);
  }

  // Lets the tab key come to this item.
  stop(item) {
    this.stopped?.setAttribute("tabindex", "-1");
    this.stopped = item;
    item?.setAttribute("tabindex", "0");
  }

  seen() {
    return [...this.root.querySelectorAll("[role=treeitem]")].filter((item) => item.offsetParent !== null);
  }

  focus() {
    (this.stopped ?? this.root).focus();
  }

  key(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const go = (to) => {
      if (!to) return;
      this.stop(to);
      to.focus();
    };
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    const { group, dataset } = item.dataset;
    const isOpen = item.getAttribute("aria-expanded") === "true";
    if (event.key in steps) {
      const seen = this.seen();
      go(seen[seen.indexOf(item) + steps[event.key]]);
    } else if (event.key === "Home") go(this.seen()[0]);
    else if (event.key === "End") go(this.seen().at(-1));
    else if (event.key === "Enter" || event.key === " ") {
      if (group === undefined) this.choose(Number(dataset), true);
      else this.toggle(group);
    } else if (event.key === "ArrowLeft") {
      if (group === undefined) go(item.parentElement.closest("[role=treeitem]"));
      else if (isOpen) this.toggle(group);
    } else if (event.key === "ArrowRight" && group !== undefined) {
      if (isOpen) go(item.querySelector("[role=treeitem]:not([hidden])"));
      else this.toggle(group);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Says whether a group is collapsed, without drawing anything anew.
  mark(collapsed) {
    for (const { name, item } of this.groups) item.setAttribute("aria-expanded", String(!collapsed.has(name)));
  }
}
