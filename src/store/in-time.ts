/** Something took longer than it may. What it does later is nobody's business any more. */
export class TimedOut extends Error {
  constructor(what: string, milliseconds: number) {
    super(`${what} took longer than ${milliseconds / 1000} s (handlerTimeout).`);
    this.name = 'TimedOut';
  }
}

/** Settles as `work` does, or rejects with `TimedOut` after so many milliseconds; a later rejection is nobody's. */
export async function inTime<T>(what: string, milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimedOut(what, milliseconds)), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
