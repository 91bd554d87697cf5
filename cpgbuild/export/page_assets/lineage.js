// Lineage: all columns that a column comes from, and all that it reaches, by their numbers.

class Lineage {
  constructor(page) {
    this.steps = { up: page.lineage, down: page.lineage.map(() => []) };
    page.lineage.forEach((above, column) => above.forEach((one) => this.steps.down[one].push(column)));
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
  }

  // Returns a map from a column's number to how many steps away it is; not the column itself.
  reached(column, way) {
    const found = new Map();
    let layer = [column];
    for (let distance = 1; layer.length; distance++) {
      const next = [];
      for (const one of layer) {
        for (const other of this.steps[way][one]) {
          if (other !== column && !found.has(other)) {
            found.set(other, distance);
            next.push(other);
          }
        }
      }
      layer = next;
    }
    return found;
  }

  // Returns what is lit when a column is followed: both ways, the datasets with their lit columns,
  // and the pairs of datasets that a step of it lies between.
  follow(column) {
    const up = this.reached(column, "up");
    const down = this.reached(column, "down");
    const lit = new Map();
    const light = (one, way) => {
      const dataset = this.owner[one];
      if (!lit.has(dataset)) lit.set(dataset, { way, columns: [] });
      lit.get(dataset).columns.push(this.names[one]);
    };
    light(column, "here");
    for (const one of up.keys()) light(one, "up");
    for (const one of down.keys()) light(one, "down");
    const pairs = new Set();
    for (const one of [column, ...up.keys()]) {
      for (const other of this.steps.up[one]) pairs.add(`${this.owner[other]} ${this.owner[one]}`);
    }
    for (const one of [column, ...down.keys()]) {
      for (const other of this.steps.down[one]) pairs.add(`${this.owner[one]} ${this.owner[other]}`);
    }
    return { column, up, down, lit, pairs };
  }
}
