// Details: all that is known of one dataset, with the way of one of its columns.

class Details {
  // `choose` takes a dataset's number, `follow` a column's, `close` nothing.
  constructor(root, page, lineage, actions) {
    this.root = root;
    this.page = page;
    this.lineage = lineage;
    this.actions = actions;
  }

  show(number, followed) {
    const isSame = this.number === number;
    const top = this.root.scrollTop;
    this.number = number;
    const dataset = this.page.datasets[number];
    const parts = [
      this.head(dataset),
      this.states(dataset),
      dataset.description ? element("p", { class: "description" }, dataset.description) : null,
      this.columns(number, followed),
      this.neighbours("Reads", this.page.edges.filter((edge) => edge[1] === number).map((edge) => edge[0])),
      this.neighbours("Read by", this.page.edges.filter((edge) => edge[0] === number).map((edge) => edge[1])),
      this.preview(dataset),
      ...dataset.tasks.flatMap((task) => this.texts(task, dataset.tasks.length > 1)),
      this.runs(dataset),
    ];
    this.root.replaceChildren(...parts.filter(Boolean));
    this.root.hidden = false;
    this.root.setAttribute("aria-label", `Details of ${dataset.name}`);
    this.root.scrollTop = isSame ? top : 0;
  }

  hide() {
    this.number = undefined;
    this.root.hidden = true;
    this.root.replaceChildren();
  }

  head(dataset) {
    const facts = [["where", dataset.place], ["tags", dataset.tags.join(", ")]];
    facts.push(["partitions", dataset.partition_by.join(", ")]);
    for (const task of dataset.tasks) {
      facts.push(["task", task.file ? `${task.name}, ${task.file}:${task.line}` : task.name]);
      if (task.lane !== "engine") facts.push(["lane", task.lane]);
      for (const note of task.notes) facts.push(["note", note]);
    }
    const seen = facts.filter(([, value]) => value);
    return element(
      "div",
      { class: "head" },
      element("button", { type: "button", class: "close", "aria-label": "Close details", onclick: this.actions.close }, "×"),
      element("h2", { id: "details-title", tabindex: "-1" }, dataset.name),
      element("dl", { class: "facts" }, ...seen.map(([name, value]) => fact(name, value))),
    );
  }

  states(dataset) {
    const kind = element("span", { class: "badge" }, element("span", { class: `kind ${dataset.kind}`, "aria-hidden": "true" }), dataset.kind);
    if (!dataset.state) return element("div", { class: "states" }, kind);
    const badge = element(
      "span",
      { class: `badge ${dataset.state}` },
      element("span", { class: `state ${dataset.state}`, "aria-hidden": "true" }),
      STATES[dataset.state],
    );
    const reasons = [...new Set(dataset.tasks.flatMap((task) => task.reasons))];
    const list = reasons.length ? element("ul", { class: "reasons", "aria-label": "Why" }, ...reasons.slice(0, 8).map((text) => element("li", {}, text))) : null;
    const run = dataset.runs[0];
    const last = run ? element("p", { class: "last" }, `Last run ${moment(run.when)}: ${run.rows === null ? "" : `${counted(run.rows, "row")}, `}${seconds(run.seconds)}`) : null;
    return element("div", { class: "states" }, kind, badge, list, last);
  }

  columns(number, followed) {
    const { columns } = this.page.datasets[number];
    const first = this.lineage.first[number];
    const rows = columns.flatMap(([name, type, nullable], i) => {
      const column = first + i;
      const isOn = followed?.column === column;
      const button = element(
        "button",
        { type: "button", class: "column", "data-column": name, "aria-pressed": String(isOn), onclick: () => this.actions.follow(column) },
        name,
      );
      const row = element(
        "tr",
        { class: isOn ? "on" : "" },
        element("th", { scope: "row" }, button),
        element("td", { class: "type" }, type),
        element("td", { class: "null" }, nullable ? "" : "not null"),
      );
      return isOn ? [row, element("tr", { class: "way" }, element("td", { colspan: "3" }, this.way(followed)))] : [row];
    });
    return section(
      `Columns (${columns.length})`,
      element("p", { class: "hint" }, "Choose a column to follow it through the graph."),
      element("table", { class: "columns" }, element("tbody", {}, ...rows)),
    );
  }

  way(followed) {
    const list = (title, found, className) => {
      const byDataset = new Map();
      for (const [column, distance] of found) {
        const owner = this.lineage.owner[column];
        if (!byDataset.has(owner)) byDataset.set(owner, { distance, columns: [] });
        byDataset.get(owner).columns.push(column);
      }
      const rows = [...byDataset].sort((a, b) => a[1].distance - b[1].distance).map(([owner, { columns }]) => {
        const names = columns.map((column) =>
          element("button", { type: "button", class: "link", onclick: () => this.actions.follow(column) }, this.lineage.names[column]),
        );
        return element("li", {}, element("span", { class: "owner" }, this.page.datasets[owner].name), " ", ...names.flatMap((one, i) => (i ? [", ", one] : [one])));
      });
      const said = found.size ? `${title} ${counted(found.size, "column")} of ${counted(byDataset.size, "dataset")}` : `${title} no column`;
      return element("div", { class: className }, element("h4", {}, said), rows.length ? element("ul", {}, ...rows) : null);
    };
    return element("div", { class: "both" }, list("Comes from", followed.up, "up"), list("Reaches", followed.down, "down"));
  }

  neighbours(title, numbers) {
    if (!numbers.length) return null;
    const items = numbers.map((number) =>
      element("li", {}, element("button", { type: "button", class: "link", onclick: () => this.actions.choose(number) }, this.page.datasets[number].name)),
    );
    return section(`${title} (${numbers.length})`, element("ul", { class: "names" }, ...items));
  }

  preview(dataset) {
    if (!dataset.preview) return null;
    const { columns, rows, fault } = dataset.preview;
    if (fault) return section("Preview", element("p", { class: "hint" }, `Nothing to show: ${fault}.`));
    const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
    const body = rows.map((row) =>
      element("tr", {}, ...row.map((value) => (value === null ? element("td", { class: "nothing" }, "null") : element("td", {}, value)))),
    );
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
    return section(`Preview (${counted(rows.length, "row")})`, element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Preview" }, table));
  }

  texts(task, isOneOfSeveral) {
    const titled = (title) => (isOneOfSeveral ? `${title} of ${task.name}` : title);
    const parts = [];
    if (task.source) parts.push(section(titled(task.source.language === "sql" ? "SQL" : "Python"), code(task.source)));
    if (task.sql) {
      parts.push(element("section", {}, element("details", {}, element("summary", {}, titled("SQL, as the engine gets it")), code(task.sql))));
    }
    return parts;
  }

  runs(dataset) {
    const { runs } = dataset;
    if (!runs.length) return null;
    const rows = runs.slice(0, 50).map((run) =>
      element(
        "tr",
        {},
        element("td", {}, moment(run.when)),
        element("td", {}, run.event),
        element("td", { class: "number" }, run.rows === null ? "" : run.rows.toLocaleString("en")),
        element("td", { class: "number" }, seconds(run.seconds)),
        element("td", {}, run.reasons.join(", ")),
      ),
    );
    const head = ["when", "how", "rows", "time", "why"].map((name) => element("th", { scope: "col" }, name));
    const table = element("table", { class: "runs" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
    return section(`Builds (${runs.length})`, runs.length > 1 ? bars(runs) : null, element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Builds" }, table));
  }
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function fact(name, value) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

function code({ text, marks }) {
  const inner = element("code");
  let at = 0;
  for (const [length, kind] of marks) {
    const word = text.slice(at, at + length);
    inner.append(kind ? element("span", { class: `c-${kind}` }, word) : word);
    at += length;
  }
  return element("pre", { tabindex: "0" }, inner);
}

// Returns the durations of the newest builds as bars, the newest on the right.
function bars(runs) {
  const some = runs.slice(0, 40).reverse();
  const most = Math.max(...some.map((run) => run.seconds), 0.001);
  const make = (tag, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const label = `Seconds of the last ${some.length} builds; the longest took ${seconds(most)}`;
  const svg = make("svg", { class: "bars", viewBox: `0 0 ${some.length * 10} 40`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  some.forEach((run, i) => {
    const high = Math.max(1, (run.seconds / most) * 40);
    const bar = make("rect", { x: i * 10 + 1, y: 40 - high, width: 8, height: high, class: run.event });
    const title = make("title", {});
    title.textContent = `${moment(run.when)}: ${run.event}, ${seconds(run.seconds)}`;
    bar.append(title);
    svg.append(bar);
  });
  return svg;
}

function moment(iso) {
  return iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, " UTC");
}

function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  return `${Math.floor(value / 60)} min ${String(Math.round(value % 60)).padStart(2, "0")} s`;
}
