/** A small soak's end in which everything is right, for tests to break: the tables, the books, and what devices hold. */
import type { Connection } from 'mysql2/promise';
import { type Envelope, encodeEnvelope } from '../../src/protocol/envelope.js';
import { type CheckedDevice, checkEverything } from './checks.js';
import { DeviceLog } from './device-log.js';
import { Ledger, type SentMessage } from './ledger.js';
import { type BreachKind, Report } from './report.js';

type Row = Record<string, unknown>;

/** A report that keeps quiet. */
export class QuietReport extends Report {
  override say(): void {}

  /** The kinds of what was found, each once. */
  get kinds(): BreachKind[] {
    return [...new Set(this.breaches.map(({ kind }) => kind))].sort();
  }
}

/** One device, and which broadcasts of the room it holds, in that order. */
export class SoundDevice implements CheckedDevice {
  readonly log: DeviceLog;

  constructor(userId: number) {
    this.log = new DeviceLog(userId, `device of ${userId}`);
  }

  lastOf(roomId: string): number | undefined {
    return this.log.handled.get(roomId)?.at(-1);
  }
}

/** The room that everything happens in. */
export const ROOM = 'room';
/** In it from the start, for a while, and never. */
export const [ANN, BEN, STRANGER] = [1, 2, 3];

/** Ann makes a room with Ben, both send, Ben is removed, Ann sends again. */
export class SoundWorld {
  readonly report = new QuietReport();
  readonly ledger = new Ledger();
  readonly envelopes: Envelope[] = [];
  readonly messages: Row[] = [];
  readonly members: Row[] = [{ room_id: ROOM, user_id: ANN }];
  readonly reactions: Row[] = [];
  readonly receipts: Row[] = [];
  readonly groups: Row[] = [{ name: 'room 1' }];
  readonly room: Row = { id: ROOM, last_offset: 6, last_seq: 3, member_count: 1 };
  readonly ann = new SoundDevice(ANN);
  readonly ben = new SoundDevice(BEN);
  readonly stranger = new SoundDevice(STRANGER);

  constructor() {
    const { ledger } = this;
    ledger.rooms.push({
      name: 'room 1',
      type: 'GroupChat',
      creator: ANN,
      fate: 'acked',
      id: ROOM,
      isDeleted: undefined,
      members: new Set([ANN]),
    });
    this.#broadcast('roomcreate.dispatch', {}, { joined: [`${ANN}`, `${BEN}`] });
    const first = this.#send(ANN, 'first');
    this.#send(BEN, 'second');
    this.#broadcast('reaction.dispatch', {});
    this.#broadcast('roomremovemembers.dispatch', {}, { left: [{ userIds: [`${BEN}`], frames: [] }] });
    this.#send(ANN, 'third');
    ledger.membership(ROOM, BEN, true).settle(false, 'acked');
    ledger.reaction(first.id!, BEN).settle('ok', 'acked');
    this.reactions.push({ message_id: first.id, user_id: BEN, reaction_content: 'ok' });
    ledger.reads.push({ messageId: first.id!, userId: BEN });
    this.receipts.push({ message_id: first.id, user_id: BEN });
    for (const offset of [1, 2, 3, 4, 5, 6]) this.give(this.ann, offset);
    for (const offset of [1, 2, 3, 4]) this.give(this.ben, offset);
  }

  /** What was sent, in that order. */
  sent(number: number): SentMessage {
    return this.ledger.messages[number]!;
  }

  /** The device is sent a broadcast, and hands it on. */
  give(device: SoundDevice, offset: number, text = this.envelopes[offset - 1]!.frame!): void {
    device.log.keep(ROOM, offset, text);
    device.log.handle(ROOM, offset);
  }

  /** Runs all the checks; gives the kinds of breaches that they found. */
  async check(): Promise<BreachKind[]> {
    const { ledger, report, ann, ben, stranger } = this;
    await checkEverything({ database: this.#database, ledger, devices: [ann, ben, stranger], report });
    return report.kinds;
  }

  #broadcast(eventType: string, data: Row, more: Partial<Envelope> = {}): void {
    const offset = this.envelopes.length + 1;
    const frame = JSON.stringify({ eventType, data, room_id: ROOM, offset });
    this.envelopes.push({ roomId: ROOM, offset, frame, ...more });
  }

  #send(userId: number, content: string): SentMessage {
    const seq = this.messages.length + 1;
    const message = this.ledger.send(ROOM, userId, `line of ${userId}`, content);
    this.ledger.acked(message, `m${seq}`, seq);
    this.messages.push({ id: message.id, room_id: ROOM, sender_id: userId, seq, content });
    this.#broadcast('message.dispatch', { seq });
    return message;
  }

  /** Answers the statements of the checks from the tables above. */
  readonly #database = {
    query: async (sql: string, values: unknown[] = []) => [this.#answer(sql, values)],
  } as unknown as Pick<Connection, 'query'>;

  #answer(sql: string, [, after]: unknown[]): Row[] {
    if (sql.startsWith('SELECT DISTINCT room_id')) return [{ id: ROOM }];
    if (sql.includes('FROM chat_outcomes')) {
      return this.envelopes
        .map((envelope) => ({ room_offset: envelope.offset, envelope: encodeEnvelope(envelope) }))
        .filter(({ room_offset }) => room_offset > Number(after));
    }
    if (sql.includes('FROM chat_rooms')) return [this.room];
    if (sql.includes('FROM chat_room_members')) return this.members;
    if (sql.includes('FROM chat_messages')) return this.messages;
    if (sql.includes('FROM chat_reactions')) return this.reactions;
    if (sql.includes('FROM chat_read_receipts')) return this.receipts;
    if (!sql.includes('FROM chat_group_chats')) throw new Error(`Nobody answers: ${sql}`);
    const names = this.groups.map(({ name }) => name);
    return [...new Set(names)]
      .map((name) => ({ name, count: names.filter((other) => other === name).length }))
      .filter(({ count }) => count > 1);
  }
}
