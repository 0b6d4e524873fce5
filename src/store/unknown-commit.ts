/** Marks errors that came when a COMMIT was under way. */
const unknownCommit = Symbol('unknown commit');

interface Marked {
  [unknownCommit]?: boolean;
}

/** Notes that this error came when a COMMIT was under way: what was written may be there, or not. */
export function noteUnknownCommit(error: unknown): void {
  if (error instanceof Error) (error as Marked)[unknownCommit] = true;
}

/** Whether what this error broke off may have been committed. */
export function isUnknownCommit(error: unknown): boolean {
  return error instanceof Error && (error as Marked)[unknownCommit] === true;
}
