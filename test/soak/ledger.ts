/** What the load attempted, and what it was told became of it. The end compares this with the database. */

/** `acked`: told that it is done. `refused`: told that it is not. `unknown`: no answer, or one that leaves it open. */
export type Fate = 'pending' | 'acked' | 'refused' | 'unknown';

/** A message somebody sent; its content is its own. */
export interface SentMessage {
  readonly content: string;
  readonly roomId: string;
  readonly userId: number;
  /** Whose order it belongs to: messages of one sender and room get rising seqs in the order of `place`. */
  readonly line: string;
  readonly place: number;
  fate: Fate;
  id?: string;
  seq?: number;
  readonly edited: Possible<string>;
  isDeleted: Fate | undefined;
}

/** A value that one actor changes, one change after the other: what it may be now. */
export class Possible<T> {
  /** Somebody changes it at this moment. */
  isBusy = false;
  #known: T;
  readonly #unknown = new Set<T>();

  constructor(first: T) {
    this.#known = first;
  }

  /** Notes how a change ended. One of unknown fate may still wait in the queue: it stays possible for ever. */
  settle(value: T, fate: Fate): void {
    if (fate === 'acked') this.#known = value;
    if (fate === 'unknown') this.#unknown.add(value);
  }

  get known(): T {
    return this.#known;
  }

  allows(value: T): boolean {
    return value === this.#known || this.#unknown.has(value);
  }

  toString(): string {
    return [this.#known, ...this.#unknown].join(' or ');
  }
}

/** A room the load made. */
export interface MadeRoom {
  readonly name: string;
  readonly type: 'GroupChat' | 'Channel' | 'OneToOneChat';
  readonly creator: number;
  fate: Fate;
  id?: string;
  isDeleted: Fate | undefined;
  /** Who may be a member now, as far as the load knows. */
  readonly members: Set<number>;
}

/** Messages of a room that events name. */
const RECENT = 40;

/** The books. */
export class Ledger {
  readonly messages: SentMessage[] = [];
  readonly rooms: MadeRoom[] = [];
  readonly #recent = new Map<string, SentMessage[]>();
  readonly #reactions = new Map<string, Possible<string | null>>();
  readonly #memberships = new Map<string, Possible<boolean>>();
  readonly reads: Array<{ messageId: string; userId: number }> = [];
  #count = 0;

  /** A text that nothing else has. */
  unique(prefix: string): string {
    this.#count += 1;
    return `${prefix} ${this.#count}`;
  }

  send(roomId: string, userId: number, line: string, text: string): SentMessage {
    const message: SentMessage = {
      content: text,
      roomId,
      userId,
      line,
      place: ++this.#count,
      fate: 'pending',
      edited: new Possible(text),
      isDeleted: undefined,
    };
    this.messages.push(message);
    return message;
  }

  acked(message: SentMessage, id: string, seq: number): void {
    message.fate = 'acked';
    message.id = id;
    message.seq = seq;
    const recent = this.#recent.get(message.roomId) ?? [];
    recent.push(message);
    if (recent.length > RECENT) recent.shift();
    this.#recent.set(message.roomId, recent);
  }

  /** The newest messages of a room that are not known to be gone. */
  recent(roomId: string): SentMessage[] {
    return (this.#recent.get(roomId) ?? []).filter(({ isDeleted }) => isDeleted === undefined);
  }

  reaction(messageId: string, userId: number): Possible<string | null> {
    return entry(this.#reactions, `${messageId} ${userId}`, () => new Possible<string | null>(null));
  }

  get reactions(): Array<{ messageId: string; userId: number; value: Possible<string | null> }> {
    return [...this.#reactions].map(([key, value]) => {
      const [messageId, userId] = key.split(' ') as [string, string];
      return { messageId, userId: Number(userId), value };
    });
  }

  membership(roomId: string, userId: number, isMember: boolean): Possible<boolean> {
    return entry(this.#memberships, `${roomId} ${userId}`, () => new Possible(isMember));
  }

  get memberships(): Array<{ roomId: string; userId: number; value: Possible<boolean> }> {
    return [...this.#memberships].map(([key, value]) => {
      const [roomId, userId] = key.split(' ') as [string, string];
      return { roomId, userId: Number(userId), value };
    });
  }
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}
