import { ConnectionError } from 'sequelize';

const FIRST_WAIT = 250;
const LONGEST_WAIT = 5000;

/**
 * Work that must succeed once before the app is ready. Steps run in order; one that fails (the database is down, say)
 * is tried again with growing waits, for as long as it takes, with one log line for each new reason.
 *
 * @param {{ name: string, run: () => Promise<unknown> }[]} steps
 * @param {(line: string) => void} log
 */
export function createStartUp(steps, log) {
  let isDone = false;
  let isStopped = false;
  let wake = () => {};

  /** @param {number} wait milliseconds */
  const pause = (wait) =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, wait);
      wake = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });

  /** @param {{ name: string, run: () => Promise<unknown> }} step */
  async function runStep(step) {
    let said = '';
    for (let wait = FIRST_WAIT; !isStopped; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      try {
        await step.run();
        if (said) log(`${step.name}: done.`);
        return;
      } catch (error) {
        if (isStopped) return;
        const reason = describe(error);
        if (reason !== said) log(`${step.name}: ${reason} Trying again until it works.`);
        said = reason;
        await pause(wait);
      }
    }
  }

  async function run() {
    for (const step of steps) await runStep(step);
    isDone = !isStopped;
  }

  return {
    /** True once every step has succeeded. */
    get isDone() {
      return isDone;
    },
    start() {
      return run();
    },
    stop() {
      isStopped = true;
      wake();
    },
  };
}

/** Some connection errors have an empty message and say all in their cause. */
function describe(error) {
  const text = error?.message || error?.original?.message || error?.original?.code || error?.name || String(error);
  const sentence = /[.!?]$/.test(text) ? text : `${text}.`;
  return error instanceof ConnectionError ? `${sentence} Start the database, or correct DATABASE_URL.` : sentence;
}
