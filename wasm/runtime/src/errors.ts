/** What is known of a fault besides what it is; every part becomes a part of the message. */
export interface Fault {
  /** The places, from the outermost (the file) to the innermost (the input). */
  readonly where?: readonly string[];
  /** What was found. */
  readonly given?: unknown;
  /** What would have been right. */
  readonly allowed?: unknown;
  /** What the reader can do. */
  readonly hint?: string | undefined;
  /** The error below this one. */
  readonly cause?: unknown;
}

/**
 * Base of every error that this package raises on purpose. The message says where the fault is,
 * what was wrong, what was given, what is allowed and what to do, as far as each is known.
 */
export class LikewiseError extends Error {
  override readonly name: string = "LikewiseError";
  /** The fault in one clause. */
  declare readonly what: string;
  declare readonly where: readonly string[];
  declare readonly given: unknown;
  declare readonly allowed: unknown;
  declare readonly hint: string | undefined;

  constructor(what: string, { where = [], given, allowed, hint, cause }: Fault = {}) {
    let text = [...where, what].join(": ");
    if (given !== undefined) text += `; given: ${given}`;
    if (allowed !== undefined) text += `; allowed: ${allowed}`;
    if (hint) text += `; ${hint}`;
    super(text, { cause });
    Object.assign(this, { what, where, given, allowed, hint });
  }
}

/** What the caller passed (a source, name, array, length or option) is wrong. */
export class InputError extends LikewiseError {
  override readonly name = "InputError";
}

/** The bytes are no module of ours, broken, or more than this engine can run. */
export class ModelError extends LikewiseError {
  override readonly name = "ModelError";
}

/** The bytes cannot be had: no such address or file, no network, or a connection that broke off. */
export class DownloadError extends LikewiseError {
  override readonly name = "DownloadError";
}

/** The hint where bytes are no module of ours. */
export const NOT_OURS = "a module that `likewise compile` wrote is needed";

/** The words of the innermost error below `error`, or whatever else was thrown as text. */
export function wordsOf(error: unknown): string {
  const found = error as Partial<Error> | undefined;
  return (found?.cause as Error | undefined)?.message ?? found?.message ?? String(error);
}
