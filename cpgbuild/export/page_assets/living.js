// Living: what outlasts a visit or comes from outside: theme, address, and the page's own server.

// What is kept of the choices of a visitor: for long, or while the page is made anew.
const memory = {
  get(name, storage = () => sessionStorage) {
    try {
      return storage().getItem(`cpgbuild ${name}`);
    } catch {
      return null;
    }
  },
  set(name, value, storage = () => sessionStorage) {
    try {
      storage().setItem(`cpgbuild ${name}`, value);
    } catch {
      // A page from a file may have no storage.
    }
  },
};
const forLong = () => localStorage;

const system = matchMedia("(prefers-color-scheme: dark)");

function theme(wanted) {
  const dark = wanted ? wanted === "dark" : system.matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  get("theme").setAttribute("aria-pressed", String(dark));
  drawing.colours();
}

// Keeps what is chosen in the address: #dataset or #dataset.column
function address() {
  const { selected, followed } = state;
  let text = selected >= 0 ? page.datasets[selected].name : "";
  if (followed && lineage.owner[followed.column] === selected) text += `.${lineage.names[followed.column]}`;
  history.replaceState(null, "", text ? `#${encodeURIComponent(text)}` : location.pathname + location.search);
}

function visit() {
  const text = decodeURIComponent(location.hash.slice(1));
  const [name, ...rest] = text.split(".");
  const number = numberOf.get(name);
  if (number === undefined) return;
  const column = page.datasets[number].columns.findIndex((one) => one[0] === rest.join("."));
  if (column >= 0 && state.followed?.column !== lineage.first[number] + column) follow(lineage.first[number] + column);
  else choose(number);
}

// Loads the page anew when its server has a newer one, and says what keeps it from making one.
function listen(version) {
  const events = new EventSource("changes");
  const notice = (text) => {
    get("notice").textContent = text;
    get("notice").hidden = !text;
  };
  events.addEventListener("version", (event) => {
    if (event.data !== version) {
      const { x, y, k } = drawing.transform;
      memory.set("view", JSON.stringify({ x, y, k, by: state.by, collapsed: [...state.collapsed] }));
      location.reload();
    } else notice("");
  });
  events.addEventListener("trouble", (event) => notice(JSON.parse(event.data)));
  events.addEventListener("error", () => notice("The server of this page has ended; it is no longer kept fresh."));
}

function restored() {
  const kept = memory.get("view");
  memory.set("view", "");
  return kept ? JSON.parse(kept) : null;
}

