/** What the package is in Node: an address may be a path or a `file:` address, too. */
import { platform } from "../source.js";
import { open, resolve } from "./files.js";

platform.open = open;
platform.resolve = resolve;

export * from "../index.js";
