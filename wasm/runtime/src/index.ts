/** Runs the modules that `likewise compile` makes: see the README for its use. */
export { hasRelaxedSimd } from "./compile.js";
export type { DType, TypedArray } from "./dtypes.js";
export { DownloadError, InputError, LikewiseError, ModelError } from "./errors.js";
export type { Feed, Feeds, Float16Like } from "./feeds.js";
export type { Mismatch } from "./golden.js";
export { type LoadOptions, load } from "./load.js";
export type { Model, Outputs } from "./model.js";
export type { Numerics, Port } from "./section.js";
export type { Progress, Source } from "./source.js";
