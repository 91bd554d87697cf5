// Lineage: all columns that a column comes from, and all that it reaches, by their numbers.

class Lineage {
  constructor(page) {
    this.page = page;
    this.first = [];
    this.owner = [];
    this.names = [];
    page.datasets.forEach((dataset, number) => {
      this.first.push(this.owner.length);
      for (const [name] of dataset.columns) {
        this.owner.push(number);
        this.names.push(name);
      }
    });
    // One step: columns whose values are in a column, and those that decide which one it gets.
    this.steps = { up: this.perColumn(), down: this.perColumn() };
    this.decisions = { up: this.perColumn(), down: this.perColumn() };
    // What decides which rows a dataset has, and of which datasets a column decides that.
    this.rows = { up: page.datasets.map(() => new Set()), down: this.perColumn() };
    page.datasets.forEach((dataset, number) => dataset.tasks.forEach((task) => this.take(task, number)));
  }

  perColumn() {
    return this.owner.map(() => new Set());
  }

  take(task, number) {
    task.made.forEach(([, direct, deciding], i) => {
      const column = this.first[number] + i;
      const link = (steps, one) => {
        steps.up[column].add(one);
        steps.down[one].add(column);
      };
      direct.forEach((one) => link(this.steps, one));
      deciding.forEach(([, some]) => some.forEach((one) => link(this.decisions, one)));
    });
    for (const [, some] of task.rows) {
      for (const one of some) {
        this.rows.up[number].add(one);
        this.rows.down[one].add(number);
      }
    }
  }

  // Gives the columns that are one step away, by values.
  direct(column, way) {
    return this.steps[way][column];
  }

  // Gives the columns that are one step away in any way.
  *every(column, way) {
    yield* this.steps[way][column];
    yield* this.decisions[way][column];
    if (way === "up") yield* this.rows.up[this.owner[column]];
    else for (const dataset of this.rows.down[column]) yield* this.columnsOf(dataset);
  }

  *columnsOf(dataset) {
    const end = this.first[dataset + 1] ?? this.owner.length;
    for (let column = this.first[dataset]; column < end; column++) yield column;
  }

  // Returns a map from a column's number to how many steps away it is; not the column itself.
  reached(column, next) {
    const found = new Map();
    let layer = [column];
    for (let distance = 1; layer.length; distance++) {
      const further = [];
      for (const one of layer) {
        for (const other of next(one)) {
          if (other !== column && !found.has(other)) {
            found.set(other, distance);
            further.push(other);
          }
        }
      }
      layer = further;
    }
    return found;
  }

  // Returns what is lit when a column is followed: the columns both ways, the datasets with their lit
  // columns, and the pairs of datasets that a step of it lies between. Columns that only decide
  // something on the way are there if they are asked for; their datasets and pairs are weak.
  follow(column, isWhole) {
    const found = { column, isWhole, lit: new Map(), pairs: new Set(), weak: new Set() };
    this.light(found.lit, [column], "here");
    for (const way of ["up", "down"]) {
      found[way] = this.reached(column, (one) => this.direct(one, way));
      this.light(found.lit, found[way].keys(), way);
      this.pair(found.pairs, [column, ...found[way].keys()], way, (one) => this.direct(one, way));
    }
    for (const [way, name] of [["up", "deciders"], ["down", "decided"]]) {
      found[name] = isWhole ? this.reached(column, (one) => this.every(one, way)) : new Map();
      for (const one of found[way].keys()) found[name].delete(one);
      if (!isWhole) continue;
      this.light(found.lit, found[name].keys(), way, true);
      const all = [column, ...found[way].keys(), ...found[name].keys()];
      this.pair(found.weak, all, way, (one) => this.every(one, way));
    }
    for (const pair of found.pairs) found.weak.delete(pair);
    return found;
  }

  light(lit, columns, way, isWeak = false) {
    for (const one of columns) {
      const dataset = this.owner[one];
      if (!lit.has(dataset)) lit.set(dataset, { way, isWeak, columns: [] });
      const entry = lit.get(dataset);
      if (entry.isWeak === isWeak) entry.columns.push(this.names[one]);
    }
  }

  pair(pairs, columns, way, next) {
    for (const one of columns) {
      for (const other of next(one)) {
        const [from, to] = way === "up" ? [other, one] : [one, other];
        pairs.add(`${this.owner[from]} ${this.owner[to]}`);
      }
    }
  }
}
