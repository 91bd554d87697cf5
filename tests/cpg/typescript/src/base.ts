export interface Priced {
  price(): number;
}

/** What can be bought. */
export abstract class Item implements Priced {
  static count = 0;

  constructor(readonly name: string, protected cost: number = 1) {
    Item.count += 1;
  }

  price(): number {
    return this.cost;
  }
}

export function total(items: Priced[]): number {
  const sum = (a: number, b: Priced) => a + b.price();
  return items.reduce(sum, 0);
}
