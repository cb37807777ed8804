/** What the package is in Node: an address may be a path or a `file:` address, too, and there
 * are threads. */
import { platform } from "../source.js";
import { open, resolve } from "./files.js";
import { cores, worker } from "./workers.js";

Object.assign(platform, { open, resolve, cores, worker });

export * from "../index.js";
