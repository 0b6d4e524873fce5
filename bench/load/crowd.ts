import { quantile } from '../measure/statistics.js';
import type { Command, Connected, Run, Sender } from './commands.js';
import { type Protocol, protocols } from './protocols.js';
import { LoadSocket } from './socket.js';

type CommandOf<T extends Command['type']> = Extract<Command, { type: T }>;

/** Text of a message, after what tells it from the others. */
const TEXT = 'Shall we meet at the station at a quarter past nine? The train goes at half past.';
const TILDE = 0x7e;
/** Milliseconds that a line of unanswered messages may take to empty when no more are sent. */
const patience = 60_000;

/** All connections of one load generator, and what they do. */
export class Crowd {
  readonly #sockets: LoadSocket[] = [];
  #protocol: Protocol = protocols.own;
  #faults: string[] = [];
  #deliveries = 0;
  #answers = 0;
  #answerBytes = 0;
  #typed = 0;
  #onOwn: ((sender: number, message: number) => void) | undefined;
  #onAnswer: ((socket: number) => void) | undefined;
  #serial = 0;
  /** Questions asked, by connection. */
  readonly #turns = new Map<number, number>();

  /** The first thing that went wrong, or undefined. */
  get fault(): string | undefined {
    const [first] = this.#faults;
    return first && `${this.#faults.length} faults, the first: ${first}`;
  }

  async connect({ protocol, ports, users, atOnce }: CommandOf<'connect'>): Promise<Connected> {
    this.#protocol = protocols[protocol];
    const times: number[] = [];
    const first = this.#sockets.length;
    for (const user of users) {
      this.#sockets.push(
        new LoadSocket(this.#sockets.length, user, this.#protocol, {
          message: (socket, bytes, start) => this.#message(socket, bytes, start),
          answer: (socket, length) => {
            this.#answers++;
            this.#answerBytes += length;
            this.#onAnswer?.(socket.index);
          },
          typing: () => {
            this.#typed++;
          },
          fault: (text) => this.#faults.push(text),
        }),
      );
    }
    const began = performance.now();
    let next = first;
    const worker = async () => {
      while (next < this.#sockets.length) {
        const socket = this.#sockets[next++]!;
        const at = performance.now();
        await socket.open('127.0.0.1', ports[socket.index % ports.length]!);
        times.push(performance.now() - at);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
    return { took: performance.now() - began, p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  }

  async send(command: CommandOf<'send'>): Promise<Run> {
    const { senders, pace, warmUp, window } = command;
    const bySocket = new Map(senders.map((sender) => [sender.socket, sender]));
    const sentAt = new Map<number, number>();
    const tally = new Tally(this, warmUp, window);
    const before = { deliveries: this.#deliveries, answers: this.#answers };
    let expected = 0;
    const post = (sender: Sender) => {
      const id = this.#serial++;
      expected += sender.receivers;
      sentAt.set(id, performance.now());
      const text = `~${sender.socket}.${id}~ ${TEXT}`;
      this.#sockets[sender.socket]!.send(this.#protocol.message(sender.roomId, text, id));
    };
    let going = true;
    this.#onOwn = (socket, id) => {
      const at = sentAt.get(id);
      if (at === undefined) return;
      sentAt.delete(id);
      tally.add(performance.now() - at);
      if (going && 'inFlight' in pace) post(bySocket.get(socket)!);
    };
    if ('inFlight' in pace) {
      for (const sender of senders) for (let index = 0; index < pace.inFlight; index++) post(sender);
    }
    const rates = [
      'perSecond' in pace ? inTurn(pace.perSecond, (turn) => post(senders[turn % senders.length]!)) : undefined,
      command.typing
        ? inTurn(command.typing, (turn) => {
            const { socket, roomId } = senders[turn % senders.length]!;
            this.#sockets[socket]!.send(this.#protocol.typing(roomId));
          })
        : undefined,
    ];
    await tally.over;
    going = false;
    for (const stop of rates) stop?.();
    const total = () => this.#deliveries - before.deliveries;
    const acks = () => this.#answers - before.answers;
    const answered = () => (this.#protocol.answersMessages ? tally.total : 0);
    await settle(() => sentAt.size === 0 && total() >= expected && acks() >= answered());
    if (sentAt.size > 0) this.#faults.push(`${sentAt.size} messages did not come back to their senders`);
    if (total() !== expected) this.#faults.push(`${total()} deliveries instead of ${expected}`);
    if (acks() !== answered()) this.#faults.push(`${acks()} acks for ${tally.total} messages`);
    this.#onOwn = undefined;
    return tally.run(0);
  }

  async ask({ askers, warmUp, window }: CommandOf<'ask'>): Promise<Run> {
    // An answer out of the depth of a history may take longer than the window.
    const tally = new Tally(this, warmUp, window, askers.length);
    const askedAt = new Map<number, number>();
    const bytes = this.#answerBytes;
    let going = true;
    const questionsOf = new Map(askers.map(({ socket, questions }) => [socket, questions]));
    const pose = (socket: number) => {
      const questions = questionsOf.get(socket)!;
      const turn = this.#turns.get(socket) ?? 0;
      this.#turns.set(socket, turn + 1);
      askedAt.set(socket, performance.now());
      this.#sockets[socket]!.send(this.#protocol.ask(questions[turn % questions.length]!, this.#serial++, turn));
    };
    this.#onAnswer = (socket) => {
      const at = askedAt.get(socket);
      if (at === undefined) return;
      askedAt.delete(socket);
      tally.add(performance.now() - at);
      if (going) pose(socket);
    };
    for (const { socket } of askers) pose(socket);
    await tally.over;
    going = false;
    await settle(() => askedAt.size === 0);
    if (askedAt.size > 0) this.#faults.push(`${askedAt.size} questions were not answered`);
    this.#onAnswer = undefined;
    return tally.run(Math.round((this.#answerBytes - bytes) / Math.max(1, tally.total)));
  }

  disconnect(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
    this.#turns.clear();
  }

  /** Counters that a window is cut out of. */
  get counts(): { deliveries: number; typed: number } {
    return { deliveries: this.#deliveries, typed: this.#typed };
  }

  #message(socket: LoadSocket, bytes: Buffer, start: number): void {
    this.#deliveries++;
    if (!this.#onOwn) return;
    // "~12.345~": the sender's connection and the number of the message.
    let at = bytes.indexOf(TILDE, start) + 1;
    let sender = 0;
    for (let byte = bytes[at]!; byte !== 0x2e; byte = bytes[++at]!) sender = sender * 10 + byte - 48;
    if (sender !== socket.index) return;
    let id = 0;
    for (let byte = bytes[++at]!; byte !== TILDE; byte = bytes[++at]!) id = id * 10 + byte - 48;
    this.#onOwn(sender, id);
  }
}

/** What came back, all in all and within the window. */
class Tally {
  total = 0;
  /** Resolves when the window ends. */
  readonly over: Promise<void>;
  readonly #times: number[] = [];
  readonly #crowd: Crowd;
  #onEnough: (() => void) | undefined;
  #missing: number;
  #open = false;
  #began = 0;
  #took = 0;
  #before = { deliveries: 0, typed: 0 };
  #during = { deliveries: 0, typed: 0 };

  /** The window stays open until there are as many as `least`. */
  constructor(crowd: Crowd, warmUp: number, window: number, least = 0) {
    this.#crowd = crowd;
    this.#missing = least;
    const enough = new Promise<void>((resolve) => {
      this.#onEnough = resolve;
    });
    if (least === 0) this.#onEnough?.();
    this.over = pause(warmUp)
      .then(() => {
        this.#open = true;
        this.#began = performance.now();
        this.#before = crowd.counts;
        return Promise.all([pause(window), Promise.race([enough, pause(patience)])]);
      })
      .then(() => {
        this.#open = false;
        this.#took = (performance.now() - this.#began) / 1000;
        const { deliveries, typed } = this.#crowd.counts;
        this.#during = { deliveries: deliveries - this.#before.deliveries, typed: typed - this.#before.typed };
      });
  }

  add(time: number): void {
    this.total++;
    if (!this.#open) return;
    this.#times.push(time);
    if (--this.#missing === 0) this.#onEnough?.();
  }

  run(answerBytes: number): Run {
    return {
      total: this.total,
      perSecond: this.#times.length / this.#took,
      deliveriesPerSecond: this.#during.deliveries / this.#took,
      typingDeliveriesPerSecond: this.#during.typed / this.#took,
      p50: quantile(this.#times, 0.5),
      p99: quantile(this.#times, 0.99),
      answerBytes,
    };
  }
}

const pause = (time: number) => new Promise<void>((resolve) => setTimeout(resolve, time));

/** Calls so often per second, catching up after a late timer; what it returns ends it. */
function inTurn(perSecond: number, act: (turn: number) => void): () => void {
  const began = performance.now();
  let turn = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - began) / 1000) * perSecond;
    while (turn < due) act(turn++);
  }, 1);
  return () => clearInterval(timer);
}

/** Waits until it is so; whoever asks looks again, and says what is missing. */
async function settle(isDone: () => boolean): Promise<void> {
  const deadline = performance.now() + patience;
  while (!isDone() && performance.now() < deadline) await pause(20);
}
