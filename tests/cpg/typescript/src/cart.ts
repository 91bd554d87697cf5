import { Item, total } from "./base";
import * as lib from "./lib";
import path from "node:path";

export class Book extends Item {
  override price(): number {
    return super.price() + 1;
  }
}

// The name of the parameter stands after characters of three and of four bytes.
export function checkout(é: string): number {
  const books = ["日😀", é].map((title) => new Book(title)); const all: Item[] = books;
  path.join("a", "b");
  return total(all) + lib.sum(all);
}
