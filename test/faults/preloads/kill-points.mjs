/**
 * Preloaded into a worker process by tests (NODE_OPTIONS=--import): ends or freezes it at a known point of an event.
 * The package has no code for this; the built classes are wrapped from outside.
 *
 * CHAT_FAULT_FILE names a file that is not there as a rule. A test arms it by writing `{ point, type, signal, always }`;
 * the one process that gets there first takes the file away and is hit; with `always` the file stays. With `hold`, so
 * many events get to the point and stay there, and then the process is hit; they go on if it wakes from that. Nor are they
 * answered meanwhile: a gateway fetches what an answer stands behind.
 * At the point "answered" the answer is out and the broadcast is held back.
 */
import { readFileSync, renameSync } from 'node:fs';

const file = process.env.CHAT_FAULT_FILE;
if (file) {
  const { ChatMessagingConsumer } = await import('../../../dist/src/consumer/consumer.js');
  const { Publisher } = await import('../../../dist/src/consumer/publisher.js');
  const { UnitOfWork } = await import('../../../dist/src/store/unit-of-work.js');

  const around = (prototype, name, before, after) => {
    const original = prototype[name];
    prototype[name] = async function (...args) {
      if (before) await reach(before, this, args);
      const result = await original.apply(this, args);
      if (after) await reach(after, this, args);
      return result;
    };
  };
  around(ChatMessagingConsumer.prototype, 'run', 'begun');
  around(UnitOfWork.prototype, 'flush', undefined, 'before commit');
  around(Publisher.prototype, 'publish', 'after commit', 'after publish');
  around(Publisher.prototype, 'reply', 'answering', 'after answer');
}

/** Ends the waiting of events that are held, and of their answers. */
let held = [];
let unanswered = [];

async function reach(point, self, [first]) {
  let fault;
  try {
    fault = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return;
  }
  const isUnanswered = fault.hold && fault.point === 'after commit' && point === 'answering';
  if (isUnanswered) return new Promise((resolve) => unanswered.push(resolve));
  const isBeforeAnswered = fault.point === 'answered' && point === 'after commit';
  const isAnswered = fault.point === 'answered' && point === 'after answer';
  if (fault.point !== point && !isBeforeAnswered && !isAnswered) return;
  const job = self.job ?? first;
  // A transaction does not know its event.
  if (fault.type && job?.type && job.type !== fault.type) return;
  if (fault.content && job?.data?.content !== fault.content) return;
  if (isBeforeAnswered) return new Promise(() => {});
  if (fault.hold && held.length + 1 < fault.hold) return new Promise((resolve) => held.push(resolve));
  if (!fault.always) {
    try {
      renameSync(file, `${file}.${process.pid}`);
    } catch {
      return;
    }
  }
  process.kill(process.pid, fault.signal ?? 'SIGKILL');
  for (const goOn of [...held, ...unanswered]) goOn();
  held = [];
  unanswered = [];
}
