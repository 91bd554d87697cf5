// Details: all that is known of one dataset, with the way of one of its columns.

const EVENTS = { built: "built", unchanged: "same rows", restored: "restored", failed: "✗ failed", foreign: "written by somebody else" };
const CHECKS = {
  passed: { sign: "✓", said: "passed" },
  failed: { sign: "✗" },
  open: { sign: "○", said: "not made yet; the next build does" },
};

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
      this.checks(dataset),
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
    const facts = run ? [EVENTS[run.event], run.rows === null ? "" : counted(run.rows, "row"), taken(run), run.error].filter(Boolean) : [];
    const last = run ? element("p", { class: run.event === "failed" ? "last failed" : "last" }, `Last run ${moment(run.when)}: ${facts.join(", ")}`) : null;
    return element("div", { class: "states" }, kind, badge, list, last);
  }

  columns(number, followed) {
    const { columns, tasks } = this.page.datasets[number];
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
      return isOn ? [row, element("tr", { class: "way" }, element("td", { colspan: "3" }, this.making(tasks, i), this.way(followed)))] : [row, tasks.length ? this.formula(tasks, i, column) : null].filter(Boolean);
    });
    return section(
      `Columns (${columns.length})`,
      element("p", { class: "hint" }, "Choose a column to follow it through the graph."),
      element("table", { class: "columns" }, element("tbody", {}, ...rows)),
      ...tasks.filter((task) => task.rows.length).map((task) => this.uses(tasks.length > 1 ? `Rows of ${task.name}` : "Rows", task.rows)),
    );
  }

  // Returns what a dataset's tasks make a column of, in a line.
  formula(tasks, i, column) {
    const every = [...new Set(tasks.map((task) => task.made[i][0]))];
    const text = every.length > 1 ? `${every.length} expressions` : every[0].replace(/\s+/g, " ");
    return element("tr", { class: "made", onclick: () => this.actions.follow(column) }, element("td", { colspan: "3" }, text));
  }

  // Returns what each task makes a column of, and what decides which value it gets.
  making(tasks, i) {
    if (!tasks.length) return null;
    const parts = tasks.flatMap((task) => {
      const [expression, , deciding] = task.made[i];
      const title = tasks.length > 1 ? element("h4", {}, task.name) : null;
      return [title, element("pre", { class: "formula", tabindex: "0" }, expression), deciding.length ? this.uses("Decided by", deciding) : null];
    });
    return element("div", { class: "making" }, ...parts);
  }

  // Returns columns with how they decide something: `filter orders.region; join …`
  uses(title, uses) {
    const kinds = uses.flatMap(([kind, columns], i) => [
      i ? "; " : "",
      element("b", {}, kind),
      ...columns.flatMap((column, k) => [k ? ", " : " ", this.link(column)]),
    ]);
    return element("p", { class: "uses" }, `${title}: `, ...kinds);
  }

  link(column) {
    const text = `${this.page.datasets[this.lineage.owner[column]].name}.${this.lineage.names[column]}`;
    return element("button", { type: "button", class: "link", onclick: () => this.actions.follow(column) }, text);
  }

  checks(dataset) {
    const checks = dataset.tasks.flatMap((task) => task.checks);
    if (!checks.length) return null;
    const rows = checks.map(({ title, state, bad, kept }) => {
      const said = state === "failed" ? `failed: ${counted(bad, "row")}, kept in ${kept}` : CHECKS[state].said;
      return element("li", { class: state }, element("span", { class: "sign", "aria-hidden": "true" }, CHECKS[state].sign), element("span", {}, element("code", {}, title), " ", element("span", { class: "said" }, said)));
    });
    return section(`Checks (${checks.length})`, element("ul", { class: "checks" }, ...rows));
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
    const lists = [list("Comes from", followed.up, "up"), list("Reaches", followed.down, "down")];
    if (followed.isWhole) lists.push(list("Decided by", followed.deciders, "up weak"), list("Decides", followed.decided, "down weak"));
    return element("div", { class: "both" }, ...lists);
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
        { class: run.event },
        element("td", {}, moment(run.when).replace(/ UTC$/, "")),
        element("td", {}, EVENTS[run.event]),
        element("td", { class: "number" }, run.rows === null ? "" : run.rows.toLocaleString("en")),
        element("td", { class: "number" }, taken(run)),
        element("td", { title: run.error || run.why }, run.error || run.why),
      ),
    );
    const head = ["when (UTC)", "how", "rows", "time", "why"].map((name) => element("th", { scope: "col" }, name));
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

// So few bars do not fill the width.
const FEW = 20;

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
  const svg = make("svg", { class: "bars", viewBox: `0 0 ${Math.max(some.length, FEW) * 10} 40`, preserveAspectRatio: "none", role: "img", "aria-label": label });
  some.forEach((run, i) => {
    const high = Math.max(1, (run.seconds / most) * 40);
    const bar = make("rect", { x: i * 10 + 1, y: 40 - high, width: 8, height: high, class: run.event });
    const title = make("title", {});
    title.textContent = `${moment(run.when)}: ${EVENTS[run.event]}, ${seconds(run.seconds)}`;
    bar.append(title);
    svg.append(bar);
  });
  return svg;
}

function taken(run) {
  return run.event === "foreign" ? "" : seconds(run.seconds);
}

function moment(iso) {
  return iso.replace("T", " ").replace(/(\.\d+)?(Z|\+00:00)$/, " UTC");
}

function seconds(value) {
  if (value < 60) return `${value.toFixed(1)} s`;
  return `${Math.floor(value / 60)} min ${String(Math.round(value % 60)).padStart(2, "0")} s`;
}
