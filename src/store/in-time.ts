/** Something took longer than it may. What it does later is nobody's business any more. */
export class TimedOut extends Error {
  constructor(what: string, milliseconds: number) {
    super(`${what} took longer than ${milliseconds / 1000} s (handlerTimeout).`);
    this.name = 'TimedOut';
  }
}

/** Settles as `work` does, or rejects with `TimedOut` after so many milliseconds; a later rejection is nobody's. */
export function inTime<T>(what: string, milliseconds: number, work: Promise<T>): Promise<T> {
  // One promise and not `Promise.race`: this is asked three times a message, and a race makes five each time.
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new TimedOut(what, milliseconds)), milliseconds);
    work.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
