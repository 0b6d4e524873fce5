/** What people do while the soak runs: each one thing after the other, on any of their devices. */
import { ChatError, ClientErrorCode } from '../../src/client/error.js';
import type { OutboxEntry } from '../../src/client/outbox.js';
import type { ClientDevice, PlainDevice } from './device.js';
import type { Fate, Ledger, MadeRoom, SentMessage } from './ledger.js';
import type { Person } from './people.js';
import type { Random } from './random.js';
import type { Report } from './report.js';

/** A person and what they hold in their hands. */
export interface Actor {
  readonly person: Person;
  readonly devices: readonly ClientDevice[];
  readonly plain: PlainDevice | undefined;
}

/** What the load works on. */
export interface LoadOptions {
  readonly actors: readonly Actor[];
  readonly ledger: Ledger;
  readonly report: Report;
  readonly random: Random;
  /** Milliseconds between two acts of a person, on average. */
  readonly pause: number;
}

/** Answers that races and outages explain. */
const REFUSED = new Set([4002, 4004, 4005]);
const REACTIONS = ['👍', '👎', '🎉', 'ok'];
/** Rooms that come and go, at most. */
const MAX_ROOMS = 40;

/** Keeps everybody busy until it is stopped. */
export class Load {
  readonly #options: LoadOptions;
  readonly #outgoing = new Map<string, SentMessage>();
  readonly #ends = new Set<() => void>();
  #isRunning = true;

  constructor(options: LoadOptions) {
    this.#options = options;
    for (const { devices } of options.actors) {
      for (const { client } of devices) client.on('outbox', (entry) => this.#delivered(entry));
    }
  }

  /** Rooms that stay: groups, pairs, a public channel. Every answer must be an ack, as there are no faults yet. */
  async makeRooms(): Promise<void> {
    const { actors, random } = this.#options;
    const everybody = actors.map(({ person }) => person.id);
    for (let number = 0; number < 4; number++) {
      const [first, ...others] = random.shuffled(actors);
      await this.#create(
        first!,
        'GroupChat',
        others.slice(0, 6).map(({ person }) => person.id),
      );
    }
    await this.#create(actors[0]!, 'GroupChat', everybody.slice(1));
    await this.#create(actors[1]!, 'Channel', everybody.slice(2, 5));
    for (let at = 0; at + 1 < actors.length; at += 4) {
      await this.#create(actors[at]!, 'OneToOneChat', [everybody[at + 1]!]);
    }
  }

  start(): Promise<unknown> {
    return Promise.all([
      ...this.#options.actors.map((actor) => this.#live(actor)),
      ...this.#options.actors.flatMap(({ plain }) => (plain ? [this.#pipeline(plain)] : [])),
    ]);
  }

  stop(): void {
    this.#isRunning = false;
    for (const end of [...this.#ends]) end();
  }

  /** Messages whose sender has no answer yet. */
  get open(): number {
    return this.#options.ledger.messages.filter(({ fate }) => fate === 'pending').length;
  }

  async #live(actor: Actor): Promise<void> {
    const { random, report, pause } = this.#options;
    while (this.#isRunning) {
      try {
        await this.#act(actor);
      } catch (error) {
        report.breach('soak', `An act failed: ${(error as Error).stack}`);
      }
      await this.#sleep(pause * 2 * random.next());
    }
  }

  async #act(actor: Actor): Promise<void> {
    const { random } = this.#options;
    const dice = random.below(100);
    const device = random.pick(actor.devices);
    const room = this.#roomOf(actor.person.id);
    if (!room) return;
    if (dice < 42) {
      const open = this.#roomOf(actor.person.id, true);
      return open && this.#send(device, open);
    }
    if (dice < 52) return this.#edit(actor, device);
    if (dice < 56) return this.#delete(actor, device);
    if (dice < 68) return this.#react(device, room);
    if (dice < 78) return this.#read(device, room);
    if (dice < 84) return device.client.room(room.id!).typing();
    if (dice < 88) return this.#look(device, room);
    if (dice < 90) return this.#makeRoom(actor);
    if (dice < 93) return this.#come(actor, device);
    if (dice < 97) return this.#manage(actor, device);
    if (dice < 98) return this.#destroy(actor, device);
    await this.#switchOff(device);
  }

  /** `toSend`: one in which the user may send; in a channel that is its creator. */
  #roomOf(userId: number, toSend = false): MadeRoom | undefined {
    const { ledger, random } = this.#options;
    const rooms = ledger.rooms.filter(
      ({ id, members, isDeleted, type, creator }) =>
        id !== undefined &&
        isDeleted === undefined &&
        members.has(userId) &&
        (!toSend || type !== 'Channel' || creator === userId),
    );
    return rooms.length > 0 ? random.pick(rooms) : undefined;
  }

  /** Our client's outbox answers in its own time; the actor goes on after a while. */
  async #send(device: ClientDevice, room: MadeRoom): Promise<void> {
    const { ledger, random, report } = this.#options;
    const { id: userId } = device.person;
    if (device.client.outbox.entries(room.id!).length > 20) return;
    const text = ledger.unique(random.chance(0.1) ? `${'long '.repeat(200)} message` : 'message');
    const parent = random.chance(0.1) ? random.pick(ledger.recent(room.id!)) : undefined;
    const message = ledger.send(room.id!, userId, `${device.log.name} ${room.id}`, text);
    const promise = device.client.room(room.id!).send(text, parent?.id ? { parent_message_id: parent.id } : undefined);
    this.#outgoing.set(promise.clientId, message);
    report.count('sends');
    await Promise.race([promise.catch(() => {}), this.#sleep(3000)]);
  }

  #delivered(entry: OutboxEntry): void {
    const message = this.#outgoing.get(entry.client_id);
    const { ledger, report } = this.#options;
    if (!message) return;
    if (entry.status === 'sent') ledger.acked(message, entry.message_id!, entry.seq!);
    if (entry.status === 'failed') {
      const { code } = entry.error!;
      // A parent that was deleted meanwhile; a room that was left.
      message.fate = 'refused';
      report.count(`sends refused ${code}`);
      if (!REFUSED.has(code) && code !== 4003) {
        report.breach('answer', `A send failed with ${code}: ${JSON.stringify(entry.error)}`);
      }
    }
    if (entry.status === 'sent' || entry.status === 'failed') this.#outgoing.delete(entry.client_id);
  }

  /** Five messages at once on one connection; what was not answered is sent again under the same client id. */
  async #pipeline(device: PlainDevice): Promise<void> {
    const { ledger, random, report, pause } = this.#options;
    const { id: userId } = device.person;
    let batch = 0;
    while (this.#isRunning) {
      await this.#sleep(pause * 6);
      const room = this.#roomOf(userId, true);
      if (!room || !device.isOnline) continue;
      batch += 1;
      const line = `${device.log.name} ${room.id} batch ${batch}`;
      await Promise.all(
        Array.from({ length: random.between(1, 5) }, async () => {
          const message = ledger.send(room.id!, userId, line, ledger.unique('pipelined'));
          report.count('sends');
          for (let tries = 0; ; tries++) {
            const data = { room_id: room.id!, content: message.content, client_id: message.content };
            const answer = await device.ask('message.send', data);
            if (answer !== 'lost' && 'data' in answer) {
              return ledger.acked(message, String(answer.data.message_id), Number(answer.data.seq));
            }
            if (answer !== 'lost' && answer.error.code !== 4503) {
              message.fate = 'refused';
              report.count(`sends refused ${answer.error.code}`);
              if (!REFUSED.has(answer.error.code)) report.breach('answer', `A send failed with ${answer.error.code}.`);
              return;
            }
            // Not in the order it was first sent any more.
            Object.assign(message, { line: `${line} again ${message.place}` });
            if (tries > 200) {
              message.fate = 'unknown';
              return;
            }
            await new Promise((resolve) => setTimeout(resolve, 500 + random.below(500)));
          }
        }),
      );
    }
  }

  async #edit({ person }: Actor, device: ClientDevice): Promise<void> {
    const { ledger } = this.#options;
    const message = this.#own(person.id);
    if (!message) return;
    const content = ledger.unique('edited');
    message.edited.isBusy = true;
    const fate = await this.#fate('edits', device.client.room(message.roomId).edit(message.id!, content));
    message.edited.settle(content, fate);
    message.edited.isBusy = false;
  }

  async #delete({ person }: Actor, device: ClientDevice): Promise<void> {
    const message = this.#own(person.id);
    if (!message) return;
    message.edited.isBusy = true;
    // Reactions and reads that are under way may still meet it: refusals are theirs.
    message.isDeleted = 'pending';
    const fate = await this.#fate('deletes', device.client.room(message.roomId).delete(message.id!));
    message.isDeleted = fate === 'refused' ? undefined : fate;
    message.edited.isBusy = false;
  }

  #own(userId: number): SentMessage | undefined {
    const { ledger, random } = this.#options;
    const own = ledger.rooms
      .filter(({ id, isDeleted }) => id !== undefined && isDeleted === undefined)
      .flatMap(({ id }) => ledger.recent(id!))
      .filter((message) => message.userId === userId && !message.edited.isBusy);
    return own.length > 0 ? random.pick(own) : undefined;
  }

  async #react(device: ClientDevice, room: MadeRoom): Promise<void> {
    const { ledger, random, report } = this.#options;
    const message = random.pick(ledger.recent(room.id!));
    if (!message) return;
    const reaction = ledger.reaction(message.id!, device.person.id);
    if (reaction.isBusy) return;
    reaction.isBusy = true;
    const handle = device.client.room(room.id!);
    if (reaction.known !== null && random.chance(0.3)) {
      const content = reaction.known;
      reaction.settle(null, await this.#fate('reactions', handle.unreact(message.id!, content)));
    } else {
      const content = random.pick(REACTIONS);
      reaction.settle(content, await this.#fate('reactions', handle.react(message.id!, content)));
    }
    reaction.isBusy = false;
    report.count('reaction acts');
  }

  async #read(device: ClientDevice, room: MadeRoom): Promise<void> {
    const { ledger } = this.#options;
    const ids = ledger.recent(room.id!).map(({ id }) => id!);
    if (ids.length === 0) return;
    const fate = await this.#fate('reads', device.client.room(room.id!).read(...ids));
    if (fate !== 'acked') return;
    for (const messageId of ids) ledger.reads.push({ messageId, userId: device.person.id });
  }

  async #look(device: ClientDevice, room: MadeRoom): Promise<void> {
    const { random } = this.#options;
    const handle = device.client.room(room.id!);
    const look = random.pick([
      () => handle.history(),
      () => handle.history({ before: 50, limit: 50 }),
      () => handle.info(),
      () => handle.members(),
      () => device.client.rooms.list(),
      () => device.client.rooms.discover(),
    ]);
    await this.#fate('looks', look());
  }

  async #makeRoom(actor: Actor): Promise<void> {
    const { actors, ledger, random } = this.#options;
    if (ledger.rooms.filter(({ isDeleted }) => isDeleted === undefined).length > MAX_ROOMS) return;
    const others = random.shuffled(actors.filter((other) => other !== actor)).slice(0, random.between(1, 5));
    await this.#create(
      actor,
      random.pick(['GroupChat', 'Channel'] as const),
      others.map(({ person }) => person.id),
    );
  }

  async #create(actor: Actor, type: MadeRoom['type'], others: number[]): Promise<void> {
    const { ledger, random } = this.#options;
    const name = ledger.unique('room');
    const { id: creator } = actor.person;
    const room: MadeRoom = {
      name,
      type,
      creator,
      fate: 'pending',
      isDeleted: undefined,
      members: new Set([creator, ...others]),
    };
    ledger.rooms.push(room);
    const { client } = random.pick(actor.devices);
    const made = client.rooms.create({
      type,
      ...(type === 'OneToOneChat' ? {} : { name }),
      [type === 'Channel' ? 'subscribers' : 'participants']: others,
      ...(type === 'Channel' ? { extra_fields: { is_public: true } } : {}),
    });
    const noted = made.then(({ room_id }) => {
      room.id = room_id;
      for (const userId of room.members) ledger.membership(room_id, userId, true);
    });
    room.fate = await this.#fate('rooms made', noted);
  }

  /** Joins and leaves public channels; only the user's own acts, so that they have an order. */
  async #come({ person }: Actor, device: ClientDevice): Promise<void> {
    const { ledger, random } = this.#options;
    const channels = ledger.rooms.filter(
      ({ type, id, isDeleted, creator }) =>
        type === 'Channel' && id !== undefined && isDeleted === undefined && creator !== person.id,
    );
    const room = random.pick(channels);
    if (!room) return;
    const membership = ledger.membership(room.id!, person.id, false);
    if (membership.isBusy) return;
    membership.isBusy = true;
    const joins = !membership.known;
    const { client } = device;
    const fate = await this.#fate(
      'joins and leaves',
      joins ? client.rooms.join(room.id!) : client.room(room.id!).leave(),
    );
    membership.settle(joins, fate);
    if (fate !== 'refused' && joins) room.members.add(person.id);
    if (fate === 'acked' && !joins) room.members.delete(person.id);
    membership.isBusy = false;
  }

  /** Adds or removes one member of a group of one's own. */
  async #manage({ person }: Actor, device: ClientDevice): Promise<void> {
    const { actors, ledger, random } = this.#options;
    const groups = ledger.rooms.filter(
      ({ type, id, isDeleted, creator }) =>
        type === 'GroupChat' && id !== undefined && isDeleted === undefined && creator === person.id,
    );
    const room = random.pick(groups);
    const other = random.pick(actors.filter((actor) => actor.person !== person)).person.id;
    if (!room) return;
    const membership = ledger.membership(room.id!, other, false);
    if (membership.isBusy) return;
    membership.isBusy = true;
    const adds = !membership.known;
    const handle = device.client.room(room.id!);
    const fate = await this.#fate('members changed', adds ? handle.addMembers(other) : handle.removeMembers(other));
    membership.settle(adds, fate);
    if (fate !== 'refused' && adds) room.members.add(other);
    if (fate === 'acked' && !adds) room.members.delete(other);
    membership.isBusy = false;
  }

  async #destroy({ person }: Actor, device: ClientDevice): Promise<void> {
    const { ledger, random } = this.#options;
    // The first rooms stay.
    const own = ledger.rooms
      .slice(12)
      .filter(({ creator, id, isDeleted }) => creator === person.id && id !== undefined && isDeleted === undefined);
    const room = random.pick(own);
    if (!room) return;
    room.isDeleted = 'pending';
    const fate = await this.#fate('rooms deleted', device.client.room(room.id!).destroy());
    room.isDeleted = fate === 'refused' ? undefined : fate;
  }

  async #switchOff(device: ClientDevice): Promise<void> {
    const { random, report } = this.#options;
    device.close();
    report.count('devices switched off');
    await this.#sleep(random.between(100, 6000));
    device.client.connect();
  }

  async #fate(what: string, act: Promise<unknown>): Promise<Fate> {
    const { report } = this.#options;
    report.count(what);
    try {
      await act;
      return 'acked';
    } catch (error) {
      const code = error instanceof ChatError ? error.code : 0;
      report.count(`${what}: ${code}`);
      if (REFUSED.has(code)) return 'refused';
      // 4503, a lost connection, a device switched off.
      if (code === 4503 || code === ClientErrorCode.closed || code === ClientErrorCode.connectionLost) return 'unknown';
      report.breach('answer', `${what}: ${String((error as Error).stack)} ${JSON.stringify(error)}`);
      return 'unknown';
    }
  }

  #sleep(milliseconds: number): Promise<void> {
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#ends.delete(end);
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      this.#ends.add(end);
    });
  }
}
