// Long: connections, events in flight and the repair after an outage share one state.

import type { IncomingMessage } from 'node:http';
import type { Logger } from 'winston';
import type { Broadcast, Control, GatewayLink, Reply } from '../broadcast/broadcast.js';
import { newId } from '../new-id.js';
import { decodeEnvelope } from '../protocol/envelope.js';
import { type ErrorBody, Unavailable } from '../protocol/errors.js';
import { errorFrame } from '../protocol/frames.js';
import { type ChatJob, type EventQueue, LOSSY_BATCH, type LossyEvent } from '../queue/queue.js';
import type { ResolvedSettings } from '../settings/settings.js';
import { addressKey } from './address.js';
import { gathered } from './gathered.js';
import { type GroupMember, Groups } from './groups.js';
import { LossyLane } from './lossy-lane.js';
import { TokenBucket } from './rate-limit.js';
import { restore } from './restoring.js';
import type { ChatSocket } from './socket.js';
import { textFrame } from './text-frame.js';

/** What the gateway knows of an event type, without knowing what it does. */
export interface EventTraits {
  /** Typing: may be dropped, overtakes and is overtaken. */
  readonly lossy?: boolean | undefined;
  /** Heartbeats: not held up by the events before it. */
  readonly unordered?: boolean | undefined;
  /** Messages: of one room, several may be under way, in order. */
  readonly pipelined?: boolean | undefined;
}

/** A connection as the gateway sees it. */
export interface GatewayConnection extends GroupMember {
  readonly id: string;
  /** Whether it is connected: in all its rooms, and reading. */
  readonly isReady: boolean;
  /** Begins it: authenticates, joins the groups. */
  open(): void;
  /** Ends it if the last ping was not answered, else pings. */
  ping(): void;
  /** Ends the connection of a user who may not be here any more. */
  expel(): void;
  /** Takes no more events and resolves when those under way are answered. */
  drain(): Promise<void>;
  /** Closes with 1001 and resolves when the socket is closed. */
  goAway(): Promise<void>;
}

export interface GatewayOptions {
  readonly settings: ResolvedSettings;
  readonly queue: EventQueue;
  readonly broadcast: Broadcast;
  readonly logger: Logger;
  readonly eventTypes: ReadonlyMap<string, EventTraits>;
  readonly connectionClass: new (socket: ChatSocket, request: IncomingMessage, gateway: Gateway) => GatewayConnection;
  /** What a client is told about an error that happened here. */
  describeError(error: unknown): ErrorBody;
}

interface InFlight {
  readonly job: ChatJob;
  /** Came with others in one job, which is looked after in its place. */
  readonly isPart?: boolean;
  /** The one before it, that it was added in order with. */
  readonly behind?: InFlight | undefined;
  readonly since: number;
  /** Checks at which the queue no longer knew the job. */
  missed: number;
  /** Its user was disconnected since. */
  isExpelled?: boolean;
  resolve(reply: Reply): void;
  reject(error: unknown): void;
}

/**
 * Connections that are registered, or ended, by one job, and such jobs under way at a time. Who comes at rest goes alone;
 * who comes with a thousand others costs a small part of a job.
 */
const together = { most: 64, underWay: 3, patience: 250 };
/** Milliseconds between looks for events whose job or answer was lost with Redis. */
const lostCheckInterval = 5000;

/** The app's side of the chat: its sockets, its groups, and the events it waits for. Knows no database. */
export class Gateway {
  readonly id = newId();
  readonly settings: ResolvedSettings;
  readonly logger: Logger;
  readonly eventTypes: ReadonlyMap<string, EventTraits>;
  readonly describeError: (error: unknown) => ErrorBody;
  readonly #options: GatewayOptions;
  readonly #connections = new Map<string, GatewayConnection>();
  readonly #addresses = new Map<string, number>();
  readonly #userBuckets = new Map<string, TokenBucket>();
  readonly #inFlight = new Map<string, InFlight>();
  readonly #seenControls = new Set<string>();
  /** When users were disconnected; kept for as long as a connection may take to authenticate. */
  readonly #expelledAt = new Map<string, number>();
  readonly #askTogether = gathered<InFlight>((asked) => this.#enqueueTogether(asked), together);
  #opening: Promise<{ link: GatewayLink; groups: Groups }> | undefined;
  #timers: NodeJS.Timeout[] = [];
  #absences = 0;
  readonly #lossy = new LossyLane((events) => this.#sendBatch(events));
  #closing = false;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.settings = options.settings;
    this.logger = options.logger.child({ gatewayId: this.id });
    this.eventTypes = options.eventTypes;
    this.describeError = options.describeError;
  }

  get isClosing(): boolean {
    return this.#closing;
  }

  /** How often this gateway was away for long. What a worker read before the last time may not be so any more. */
  get absences(): number {
    return this.#absences;
  }

  /** Opens the link to the workers, once. Waits for Redis as long as it takes. */
  open(): Promise<{ link: GatewayLink; groups: Groups }> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<{ link: GatewayLink; groups: Groups }> {
    let groups: Groups | undefined;
    const link = await this.#options.broadcast.open(this.id, {
      onEnvelope: (envelope) => groups?.receive(envelope),
      onWhisper: (roomId, frame) => groups?.whisper(roomId, frame),
      onReply: (reply) => this.#receiveReply(reply),
      onControl: (control) => this.#control(control),
      onAway: () => {
        this.#absences += 1;
        groups?.pause();
      },
      onRestored: () => void this.#restore(),
    });
    groups = new Groups({ link, logger: this.logger, replay: (roomId, after) => this.#replay(roomId, after) });
    this.#timers.push(
      setInterval(() => this.#ping(), this.settings.pingInterval * 1000),
      setInterval(() => void this.#findLost(), lostCheckInterval),
    );
    for (const timer of this.#timers) timer.unref();
    return { link, groups };
  }

  /** Takes a new socket over. */
  accept(socket: ChatSocket, request: IncomingMessage): void {
    const connection = new this.#options.connectionClass(socket, request, this);
    connection.open();
  }

  /** Whether one more connection of this address is allowed; counts it. */
  admitAddress(address: string): boolean {
    const limit = this.settings.maxConnectionsPerAddress;
    const key = addressKey(address);
    const count = this.#addresses.get(key) ?? 0;
    if (limit > 0 && count >= limit) return false;
    this.#addresses.set(key, count + 1);
    return true;
  }

  releaseAddress(address: string): void {
    const key = addressKey(address);
    const count = (this.#addresses.get(key) ?? 1) - 1;
    if (count > 0) this.#addresses.set(key, count);
    else this.#addresses.delete(key);
  }

  /** Counts a connection's user; false when there are too many connections of that user already. */
  async admit(connection: GatewayConnection): Promise<boolean> {
    const { groups } = await this.open();
    if (connection.isClosed) return false;
    const limit = this.settings.maxConnectionsPerUser;
    if (limit > 0 && groups.connectionsOf(connection.userId).size >= limit) return false;
    this.#connections.set(connection.id, connection);
    await groups.add(connection);
    return true;
  }

  /** Whether all connections of this user were ended since then: one that was being authenticated is one of them. */
  wasExpelled(userId: string, since: number): boolean {
    return (this.#expelledAt.get(userId) ?? Number.NEGATIVE_INFINITY) >= since;
  }

  async release(connection: GatewayConnection): Promise<void> {
    if (!this.#connections.delete(connection.id)) return;
    const { groups } = await this.open();
    await groups.remove(connection);
  }

  /** The shared limit of all connections of a user here; undefined when limits are off. */
  userBucket(userId: string): TokenBucket | undefined {
    const { rateLimit } = this.settings;
    if (!rateLimit) return undefined;
    let bucket = this.#userBuckets.get(userId);
    if (!bucket) {
      bucket = new TokenBucket(rateLimit.perUserPerSecond, rateLimit.perUserBurst);
      this.#userBuckets.set(userId, bucket);
    }
    return bucket;
  }

  /**
   * Gives an event to the workers and resolves with the answer, however long a worker takes; the answer waits for the
   * broadcasts it stands behind. Rejects with `Unavailable` when the queue could not take it.
   */
  async run(job: ChatJob): Promise<Reply> {
    return this.#inPlace(await this.#enqueue(job));
  }

  /** The same for events to be run in this order; the answer of each. */
  runInOrder(jobs: readonly ChatJob[]): Array<Promise<Reply>> {
    if (jobs.length === 1) return [this.run(jobs[0]!)];
    const replies = this.#await(jobs, () => this.#options.queue.addInOrder(jobs));
    return replies.map(async (reply) => this.#inPlace(await reply));
  }

  /** An answer, when the broadcasts that it stands behind were handled. */
  async #inPlace(reply: Reply): Promise<Reply> {
    if (!reply.after) return reply;
    const { groups } = await this.open();
    await Promise.all(
      reply.after.map(
        ([roomId, offset]) => new Promise<void>((resolve) => groups.whenReached(roomId, offset, resolve)),
      ),
    );
    return reply;
  }

  /** Gives typing without an id to the workers, with what others type at the time, or drops it. */
  runLossy(job: ChatJob): void {
    if (!this.#closing) this.#lossy.add(job);
  }

  async #sendBatch(waiting: readonly LossyEvent[]): Promise<void> {
    const events = waiting.filter(({ connectionId }) => this.#connections.get(connectionId)?.isClosed === false);
    if (events.length === 0) return;
    try {
      await this.ask(LOSSY_BATCH, events, { lossy: true });
    } catch (error) {
      const frame = textFrame(errorFrame(this.describeError(error)));
      for (const { connectionId } of events) this.#connections.get(connectionId)?.deliver(frame);
    }
  }

  /** A question of the gateway itself, answered by any worker. */
  async ask<T>(type: `$${string}`, data: unknown, from: Partial<ChatJob> = {}): Promise<Reply & { result: T }> {
    return (await this.#enqueue(this.#question(type, data, from))) as Reply & { result: T };
  }

  /** The same for what many connections ask at the same time: it goes to the workers in one job with others like it. */
  askWithOthers<T>(
    type: '$connect' | '$disconnect',
    data: unknown,
    from: Partial<ChatJob>,
  ): Promise<Reply & { result: T }> {
    return new Promise<Reply>((resolve, reject) => {
      const job = this.#question(type, data, from);
      this.#askTogether({ job, isPart: true, since: Date.now(), missed: 0, resolve, reject });
    }) as Promise<Reply & { result: T }>;
  }

  async #enqueueTogether(asked: readonly InFlight[]): Promise<void> {
    const [first] = asked;
    if (asked.length === 1) return this.#enqueue(first!.job).then(first!.resolve, first!.reject);
    for (const one of asked) this.#inFlight.set(one.job.id, one);
    const parts = asked.map(({ job: { id, type, userId, connectionId, sessionId, data } }) => {
      return { id, type, userId, connectionId, sessionId, data };
    });
    let failure: unknown;
    // Its own answer comes after those of all its parts.
    await this.ask('$together', { asked: parts }).catch((error: unknown) => {
      failure = error;
    });
    for (const { job, reject } of asked) {
      if (this.#inFlight.delete(job.id)) reject(failure ?? new Error(`${job.type} was not answered.`));
    }
  }

  #question(type: string, data: unknown, from: Partial<ChatJob>): ChatJob {
    return { userId: '', connectionId: '', ...from, id: newId(), type, gatewayId: this.id, data, addedAt: Date.now() };
  }

  #enqueue(job: ChatJob): Promise<Reply> {
    return this.#await([job], () => this.#options.queue.add(job))[0]!;
  }

  /** Adds events to the queue, each behind the one before it; the answer of each. */
  #await(jobs: readonly ChatJob[], add: () => Promise<void>): Array<Promise<Reply>> {
    let behind: InFlight | undefined;
    const replies = jobs.map(
      (job) =>
        new Promise<Reply>((resolve, reject) => {
          behind = { job, behind, since: Date.now(), missed: 0, resolve, reject };
          this.#inFlight.set(job.id, behind);
        }),
    );
    add().catch((error: unknown) => {
      for (const { id } of jobs) {
        const one = this.#inFlight.get(id);
        if (this.#inFlight.delete(id)) one?.reject(error);
      }
    });
    return replies;
  }

  /** Attaches a connection to the rooms its user is a member of. */
  async attach(connection: GroupMember, rooms: ReadonlyArray<readonly [string, number]>): Promise<void> {
    const { groups } = await this.open();
    await Promise.all(rooms.map(([roomId, offset]) => groups.attach(connection, roomId, offset)));
  }

  async *replay(roomId: string, after: number, upTo: number): AsyncGenerator<string[]> {
    const { groups } = await this.open();
    for await (const page of groups.replay(roomId, after, upTo)) {
      yield page.flatMap(({ frame }) => (frame === undefined ? [] : [frame]));
    }
  }

  async #replay(roomId: string, after: number) {
    const { result } = await this.ask<string[] | undefined>('$replay', { room_id: roomId, after });
    if (!result) throw new Error('A worker could not read the broadcasts of a room; its log says why.');
    return result.map(decodeEnvelope);
  }

  #receiveReply(reply: Reply): void {
    const waiting = this.#inFlight.get(reply.jobId);
    if (!waiting) {
      // A second run of a job answers a second time; the first answer counted.
      if (this.#lossy.isUnderWay(reply.jobId)) void this.#deliver(reply);
      return;
    }
    this.#inFlight.delete(reply.jobId);
    waiting.resolve(reply);
  }

  /** What an event of a batch says to its own connection: an error, as a rule. */
  async #deliver(reply: Reply): Promise<void> {
    await this.#inPlace(reply);
    for (const frame of reply.frames) this.#connections.get(reply.connectionId)?.deliver(textFrame(frame));
  }

  #control(control: Control): void {
    if (this.#seenControls.has(control.id)) return;
    this.#seenControls.add(control.id);
    if (this.#seenControls.size > 10_000) this.#seenControls.delete(this.#seenControls.values().next().value!);
    if (control.kind === 'disconnect') {
      this.#expel(control.userIds);
      return;
    }
    void this.open().then(({ groups }) =>
      control.kind === 'follow' ? this.#follow(groups, control.userIds) : groups.control(control),
    );
  }

  /** At once: broadcasts that came with it in one piece are not for them. */
  #expel(userIds: readonly string[]): void {
    this.#noteExpelled(userIds);
    const expelled = new Set(userIds);
    for (const waiting of this.#inFlight.values()) if (expelled.has(waiting.job.userId)) waiting.isExpelled = true;
    for (const connection of this.#connections.values()) if (expelled.has(connection.userId)) connection.expel();
  }

  #noteExpelled(userIds: readonly string[]): void {
    const now = performance.now();
    const forgotten = now - this.settings.readyTimeout * 1000;
    for (const [userId, at] of this.#expelledAt) if (at < forgotten) this.#expelledAt.delete(userId);
    for (const userId of userIds) this.#expelledAt.set(userId, now);
  }

  /** Brings the connections of these users in line with their memberships, from now on. */
  async #follow(groups: Groups, userIds: readonly string[]): Promise<void> {
    const here = userIds.filter((userId) => groups.connectionsOf(userId).size > 0);
    if (here.length === 0) return;
    const before = new Map(
      here.flatMap((userId) => [...groups.connectionsOf(userId)].map((member) => [member, [...member.rooms]] as const)),
    );
    try {
      const { result } = await this.ask<Record<string, Array<[string, number, number]>>>('$memberships', {
        user_ids: here,
      });
      for (const [member, held] of before) {
        const rooms = (result[member.userId] ?? []).map(([roomId, offset]): [string, number] => [roomId, offset]);
        const present = new Set(rooms.map(([roomId]) => roomId));
        for (const { id } of held) if (!present.has(id)) groups.detach(member, id);
        if ((member as GatewayConnection).isReady) await this.attach(member, rooms);
      }
    } catch (error) {
      if (this.#closing) return;
      this.logger.warn('Following changed memberships failed; trying again.', { error });
      setTimeout(() => void this.#follow(groups, userIds), 1000).unref();
    }
  }

  /** After a cut link, a freeze or an empty Redis: what every room and every member here missed. */
  async #restore(): Promise<void> {
    const { groups } = await this.open();
    const absence = this.#absences;
    try {
      await restore({
        groups,
        ask: async (type, data) => (await this.ask<unknown>(type, data)).result,
        isSuperseded: () => absence !== this.#absences,
        isReady: (member) => (member as GatewayConnection).isReady,
      });
    } catch (error) {
      if (this.#closing || absence !== this.#absences) return;
      this.logger.warn('Catching up after a cut link failed; trying again.', { error });
      setTimeout(() => void this.#restore(), 1000).unref();
    }
  }

  #ping(): void {
    for (const connection of this.#connections.values()) connection.ping();
    // Not when the last connection closes: coming back must not fill the bucket.
    for (const [userId, bucket] of this.#userBuckets) if (bucket.isFull) this.#userBuckets.delete(userId);
  }

  /**
   * Adds again what the queue lost (Redis came back empty) or answered into the void. The same job id makes it the same
   * event: what was committed is not done twice. Lost typing stays lost.
   */
  async #findLost(): Promise<void> {
    for (const waiting of [...this.#inFlight.values()]) {
      if (waiting.isPart || Date.now() - waiting.since < lostCheckInterval) continue;
      try {
        if (await this.#options.queue.has(waiting.job)) {
          waiting.missed = 0;
          continue;
        }
        waiting.missed += 1;
        // Not before the one it is behind has been answered.
        if (waiting.behind && this.#inFlight.has(waiting.behind.job.id)) continue;
        if (waiting.missed < 2 || !this.#inFlight.has(waiting.job.id)) continue;
        waiting.missed = 0;
        if (waiting.job.type === LOSSY_BATCH) {
          this.#receiveReply({ jobId: waiting.job.id, connectionId: '', frames: [] });
        } else if (await this.#options.queue.hasFailed(waiting.job)) {
          this.#inFlight.delete(waiting.job.id);
          waiting.reject(new Error(`Event ${waiting.job.id} failed without an answer.`));
        } else if (waiting.isExpelled) {
          // The workers had it, but are not given it anew.
          this.#inFlight.delete(waiting.job.id);
          waiting.reject(new Unavailable());
        } else {
          await this.#options.queue.add({ ...waiting.job, resent: true });
        }
      } catch {
        return;
      }
    }
  }

  /**
   * Drains: takes no new connection or event, waits for the answers under way (at most `grace` ms), closes every socket
   * with 1001, a few at a time so that not all clients come back at once.
   */
  async close(grace = 10_000): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const connections = [...this.#connections.values()];
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, grace).unref());
    await Promise.race([Promise.all(connections.map((connection) => connection.drain())), deadline]);
    await Promise.all(connections.map((connection) => connection.goAway()));
    for (const timer of this.#timers) clearInterval(timer);
    this.#lossy.close();
    for (const waiting of this.#inFlight.values()) waiting.reject(new Unavailable());
    this.#inFlight.clear();
    // Not yet open: then Redis is away, and there is nothing to close.
    const opened = await Promise.race([this.#opening?.catch(() => null), Promise.resolve(null)]);
    await opened?.link.close();
  }
}
