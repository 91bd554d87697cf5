import { checkout } from "./cart.js";

declare function h(tag: string): unknown;

export const View = ({ title }: { title: string }) => <b onClick={() => checkout(title)}>{title}</b>;
