export { total as sum } from "../base";
export type Name = string;
