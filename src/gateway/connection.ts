// Long: one socket's whole life in the order it happens; its steps are methods that a host overrides.

import type { IncomingMessage } from 'node:http';
import type { Logger } from 'winston';
import type { Reply } from '../broadcast/broadcast.js';
import { newId } from '../new-id.js';
import type { DispatchData } from '../protocol/dispatch-payloads.js';
import { CloseCode, type ErrorBody, RateLimited, Unavailable } from '../protocol/errors.js';
import {
  type ClientFrame,
  dispatchFrame,
  errorFrame,
  invalidEventTypeFrame,
  parseFrame,
  statusFrame,
} from '../protocol/frames.js';
import type { ChatJob } from '../queue/queue.js';
import type { Gateway, GatewayConnection } from './gateway.js';
import type { RoomGroup } from './groups.js';
import { Identity } from './identity.js';
import { TokenBucket } from './rate-limit.js';
import type { ChatSocket } from './socket.js';
import { SocketWriter } from './socket-writer.js';
import { textFrame } from './text-frame.js';

/** Thrown by `connect` to end the connection with a close code. */
export class ConnectionRefused extends Error {
  readonly code: number;

  constructor(code: number, reason: string) {
    super(reason);
    this.name = 'ConnectionRefused';
    this.code = code;
  }
}

interface Connected {
  readonly sessionId: string;
  readonly rooms: Array<[roomId: string, offset: number]>;
}

/** What waits for the events before it: one for the workers, or anything done here. */
type Pending = ClientFrame | (() => Promise<void>);

/** Events of one connection that may be with a worker at once. */
const pipelineDepth = 8;
const open = 1;

/** The same promise; an override that does not wait for it must not end the process by its rejection. */
function handled(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

/**
 * One socket of one device. Subclass it and name the class in `connectionClass` to act on connecting, disconnecting
 * and on every frame received; call `super` in each.
 */
export class ChatConnection implements GatewayConnection {
  readonly id = newId();
  /** The upgrade request. */
  readonly request: IncomingMessage;
  readonly rooms = new Set<RoomGroup>();
  /** The session's row id; null until registered. */
  session: { readonly id: string } | null = null;
  protected readonly gateway: Gateway;
  readonly #socket: ChatSocket;
  readonly #writer: SocketWriter;
  readonly #identity = new Identity(() => this.close(CloseCode.unauthenticated, 'The authentication has expired.'));
  readonly #bucket: TokenBucket | undefined;
  /** Refused events (4029) it may still cause before it is closed with 1008. */
  readonly #refusals: TokenBucket | undefined;
  readonly #held: Array<string | Buffer | ArrayBuffer | Buffer[]> = [];
  readonly #undelivered: Buffer[] = [];
  readonly #events: Pending[] = [];
  #working: Promise<void> | undefined;
  #receiving: Promise<void> = Promise.resolve();
  #disconnected: Promise<void> = Promise.resolve();
  #address: string | undefined;
  #isReady = false;
  /** Whether `connect` and `disconnect` of this class were reached, which an override may forget. */
  #isConnected = false;
  #hasLeft = false;
  #isClosed = false;
  /** Whether it was closed from here, which its client need not have heard of yet. */
  #isEnding = false;
  #isPaused = false;
  #isAlive = true;
  #isDraining = false;
  /** Whether the frame at hand was received here, not only by an override. */
  #isTaken = false;
  /** Events under way in line. */
  #underWay = 0;
  /** Events under way that no other waits for: heartbeats, and typing with an id. */
  #besides = 0;

  constructor(socket: ChatSocket, request: IncomingMessage, gateway: Gateway) {
    this.#socket = socket;
    this.request = request;
    this.gateway = gateway;
    const { rateLimit, maxBufferedBytes } = gateway.settings;
    this.#writer = new SocketWriter(socket, request.socket, maxBufferedBytes, () => this.#tooSlow());
    this.#bucket = rateLimit ? new TokenBucket(rateLimit.eventsPerSecond, rateLimit.burst) : undefined;
    this.#refusals = rateLimit ? new TokenBucket(rateLimit.refusals / 10, rateLimit.refusals) : undefined;
    // At once: a frame may be on its way, and an error nobody listens for would end the process.
    socket.on('error', (error) => this.logger.debug('Socket error.', { error }));
    socket.on('message', (data) => this.#take(data));
    socket.on('close', (code) => this.#closed(code));
    socket.on('pong', () => {
      this.#isAlive = true;
    });
  }

  /** Names the connection and its user. Made anew each time: hardly a connection has anything to log. */
  protected get logger(): Logger {
    const { id: connectionId, userId } = this;
    return this.gateway.logger.child(userId === '' ? { connectionId } : { connectionId, userId });
  }

  /** Unique name of this connection, also in `chat_sessions`: `<gateway>.<connection>`. */
  get channelName(): string {
    return `${this.gateway.id}.${this.id}`;
  }

  /** The user's id as text; empty until authenticated. */
  get userId(): string {
    return this.#identity.userId;
  }

  /** What `authenticate` said; set before `connect` resolves. */
  get user(): object | null {
    return this.#identity.user;
  }

  /** Whether it is closed, or about to be by a close of ours. */
  get isClosed(): boolean {
    return this.#isClosed || this.#isEnding;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** Begins the connection: called once by the gateway. */
  open(): void {
    this.#pause();
    const timeout = setTimeout(
      () => this.close(CloseCode.tryAgainLater, 'Not ready in time, try again later.'),
      this.gateway.settings.readyTimeout * 1000,
    );
    this.#connect()
      .then(() => this.#ready())
      .catch((error: unknown) => this.#refuse(error))
      .finally(() => clearTimeout(timeout));
  }

  /**
   * Authenticates, registers the session, joins the user's rooms, and sends `chat.notifications` first. Frames the
   * client sends meanwhile wait. After `super.connect()`, `user` and `session` are set.
   */
  connect(): Promise<void> {
    return handled(this.#register());
  }

  async #register(): Promise<void> {
    const { settings } = this.gateway;
    if (this.gateway.isClosing) throw new ConnectionRefused(CloseCode.goingAway, 'The server is going away.');
    const address = (this.request as IncomingMessage & { ip?: string }).ip ?? this.request.socket.remoteAddress ?? '';
    if (!this.gateway.admitAddress(address)) {
      throw new ConnectionRefused(CloseCode.policyViolation, 'Too many connections from this address.');
    }
    this.#address = address;
    const since = performance.now();
    const result = (await settings.authenticate?.(this.request)) ?? null;
    if (!this.#identity.adopt(result)) throw new ConnectionRefused(CloseCode.unauthenticated, 'Not authenticated.');
    if (this.#isClosed) return;
    if (!(await this.gateway.admit(this))) {
      throw new ConnectionRefused(CloseCode.policyViolation, 'Too many connections of this user.');
    }
    // Who it is may have been looked up before a ban; from here on `expel` finds this connection.
    if (this.gateway.wasExpelled(this.userId, since)) {
      throw new ConnectionRefused(CloseCode.unauthenticated, 'Disconnected by the server.');
    }
    if (this.#isClosed) return;
    const reply = await this.#registerSession();
    if (!reply.result) throw new Error('A worker could not register the session; its log says why.');
    this.session = { id: reply.result.sessionId };
    // It was left meanwhile, when there was no session to end.
    if (this.#isClosed) return this.#endSession();
    for (const frame of reply.frames) this.#write(frame);
    await this.channelSetup(reply.result.rooms);
    this.#isConnected = true;
  }

  async #registerSession(): Promise<Reply & { result: Connected }> {
    const from = { userId: this.userId, connectionId: this.id };
    for (;;) {
      const { absences } = this.gateway;
      const reply = await this.gateway.askWithOthers<Connected>('$connect', { channel_name: this.channelName }, from);
      // The gateway was frozen or cut off meanwhile: the rooms may be others by now. The session is found again.
      if (absences === this.gateway.absences) return reply;
    }
  }

  /** `connect` as overridden, which may throw at once or not wait. */
  async #connect(): Promise<void> {
    await this.connect();
    if (this.#isConnected || this.#socket.readyState > open) return;
    throw new Error(
      `connect() of ${this.constructor.name} ended before super.connect() had: write "await super.connect()".`,
    );
  }

  /** Called once when the socket has closed. Leaves all groups and removes the session. */
  disconnect(_code: number): Promise<void> {
    this.#hasLeft = true;
    return handled(this.#leave());
  }

  async #leave(): Promise<void> {
    await this.channelCleanup();
    await this.#endSession();
  }

  async #endSession(): Promise<void> {
    if (!this.session) return;
    const { id: sessionId } = this.session;
    await this.gateway.askWithOthers('$disconnect', {}, { userId: this.userId, connectionId: this.id, sessionId });
  }

  /**
   * One frame from the client, in the order sent: JSON text, or a Buffer when it is binary. An override may answer it
   * with an error by throwing one; not calling `super.receive` and not throwing swallows it.
   */
  async receive(text: string | Buffer): Promise<void> {
    this.#isTaken = true;
    // An override may have held it for long.
    if (this.isClosed) return;
    const retryAfter = this.#bucket?.take() || this.gateway.userBucket(this.userId)?.take() || 0;
    let frame: ClientFrame;
    try {
      frame = parseFrame(text, typeof text !== 'string', this.gateway.settings.maxDepth);
    } catch (error) {
      if (retryAfter > 0) return this.#refuseEvent(retryAfter, undefined);
      const { eventId } = error as { eventId?: string };
      return this.#inOrder(async () => this.sendError(this.gateway.describeError(error), eventId));
    }
    if (retryAfter > 0) return this.#refuseEvent(retryAfter, frame.id);
    const traits = this.gateway.eventTypes.get(frame.eventType);
    if (!traits) return this.#inOrder(async () => this.#write(invalidEventTypeFrame(frame.id)));
    if (traits.lossy) return this.#type(frame);
    if (traits.unordered) return this.#aside(frame);
    if (frame.eventType === 'session.refresh') return this.#inOrder(() => this.#refresh(frame));
    this.#inOrder(frame);
  }

  /** Sends an event to this client only. */
  send<Type extends string>(eventType: Type, data: DispatchData<Type>): void {
    this.#write(dispatchFrame(eventType, data));
  }

  /** Sends an error to this client only; `id` is the event's own, when it had one. */
  sendError(error: ErrorBody, id?: string): void {
    this.#write(errorFrame(error, id));
  }

  /** Puts this connection into the groups of its rooms, each at the offset its membership was read. */
  async channelSetup(rooms: ReadonlyArray<readonly [roomId: string, offset: number]>): Promise<void> {
    await this.gateway.attach(this, rooms);
  }

  /** Takes this connection out of all groups. */
  async channelCleanup(): Promise<void> {
    await this.gateway.release(this);
  }

  /** A finished frame from a group, made by `textFrame`. */
  deliver(frame: Buffer, lossy = false): void {
    if (this.#isClosed) return;
    if (lossy && (!this.#isReady || this.#writer.isCongested)) return;
    if (this.#isReady) this.#writer.write(frame);
    else this.#undelivered.push(frame);
  }

  /** Closes the socket; the client is told `code`. Events that wait here for their turn are not run any more. */
  close(code: number, reason = ''): void {
    this.#isEnding = true;
    this.#events.length = 0;
    if (this.#socket.readyState > open) return;
    this.#socket.close(code, reason);
    // A client that does not answer the close must not keep its socket.
    setTimeout(() => this.#socket.terminate(), 2000).unref();
    // Its close frame has to be read, also while draining.
    this.#isPaused = false;
    this.request.socket.resume();
  }

  abandon(): void {
    this.close(CloseCode.tryAgainLater, 'Broadcasts were missed; connect again.');
  }

  /** Ends the connection of a user who may not be here any more. */
  expel(): void {
    this.close(CloseCode.unauthenticated, 'Disconnected by the server.');
    setTimeout(() => this.#socket.terminate(), 500).unref();
  }

  /** Called every `pingInterval`: a socket that did not answer the last ping is dead. */
  ping(): void {
    if (this.#isPaused) return;
    if (!this.#isAlive) this.#socket.terminate();
    else this.#socket.ping();
    this.#isAlive = false;
  }

  /** Takes no more events and resolves when those under way are answered. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#pause();
    await this.#receiving;
    await this.#working;
  }

  /** Closes with 1001 and resolves when the socket is closed. */
  async goAway(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 200));
    if (!this.#isClosed) {
      await new Promise<void>((resolve) => {
        this.#socket.on('close', () => resolve());
        this.close(CloseCode.goingAway, 'The server is going away.');
      });
    }
    const patience = new Promise<void>((resolve) => setTimeout(resolve, 2000).unref());
    await Promise.race([this.#disconnected, patience]);
  }

  #ready(): void {
    if (this.#isClosed) return;
    this.#isReady = true;
    for (const frame of this.#undelivered.splice(0)) this.#writer.write(frame);
    for (const data of this.#held.splice(0)) this.#take(data);
    if (this.gateway.isClosing) this.close(CloseCode.goingAway, 'The server is going away.');
    else this.#resume();
  }

  #refuse(error: unknown): void {
    if (error instanceof ConnectionRefused) {
      this.close(error.code, error.message);
      return;
    }
    if (!this.#isClosed) this.logger.error('Connecting failed.', { error });
    this.close(CloseCode.tryAgainLater, 'Not ready, try again later.');
  }

  #take(data: string | Buffer | ArrayBuffer | Buffer[]): void {
    if (this.isClosed || this.#isDraining || this.#socket.readyState > open) return;
    if (!this.#isReady) {
      this.#held.push(data);
      return;
    }
    const text = typeof data === 'string' ? data : Buffer.isBuffer(data) ? data : Buffer.alloc(0);
    this.#receiving = this.#receiving
      .then(() => {
        this.#isTaken = false;
        return this.isClosed ? undefined : this.receive(text);
      })
      .catch((error: unknown) => this.#refuseFrame(text, error));
  }

  /** An override of `receive` threw. Unless it let the event through before, that is the event's answer. */
  #refuseFrame(text: string | Buffer, error: unknown): void {
    if (this.#isTaken) {
      this.logger.error('A frame was received, but something after that failed.', { error });
      return;
    }
    this.#inOrder(async () => {
      try {
        const { id } = parseFrame(text, typeof text !== 'string');
        this.sendError(this.gateway.describeError(error), id);
      } catch (fault) {
        // It is no frame at all, which is what the override stumbled over.
        this.sendError(this.gateway.describeError(fault), (fault as { eventId?: string }).eventId);
      }
    });
  }

  #closed(code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#writer.stop();
    this.#identity.stop();
    this.#events.length = 0;
    this.#held.length = 0;
    if (this.#address !== undefined) this.gateway.releaseAddress(this.#address);
    this.#disconnected = this.#disconnect(code);
  }

  /** `disconnect` as overridden; whatever that does, the groups are left and the session is removed. */
  async #disconnect(code: number): Promise<void> {
    const failed = (error: unknown) => {
      // The session's row may stay behind; it is removed when it has expired.
      if (!this.gateway.isClosing) this.logger.warn('Disconnecting failed.', { error });
    };
    try {
      await this.disconnect(code);
    } catch (error) {
      failed(error);
    }
    if (!this.#hasLeft) await ChatConnection.prototype.disconnect.call(this, code).catch(failed);
  }

  /** Runs one event after the other; over `maxPendingEvents` the socket is not read. */
  #inOrder(event: Pending): void {
    this.#events.push(event);
    this.#working ??= this.#work();
    this.#pace();
  }

  /** Runs an event beside those in line. */
  #aside(frame: ClientFrame): void {
    this.#besides += 1;
    void this.#answer(frame, this.gateway.run(this.#jobOf(frame))).finally(() => {
      this.#besides -= 1;
      this.#pace();
    });
    this.#pace();
  }

  /** Reads the socket, or not, by how many events are unanswered. */
  #pace(): void {
    const { maxPendingEvents } = this.gateway.settings;
    const unanswered = this.#events.length + this.#underWay + this.#besides;
    if (unanswered >= maxPendingEvents) this.#pause();
    else if (unanswered <= maxPendingEvents / 2 && this.#isReady) this.#resume();
  }

  async #work(): Promise<void> {
    // What came in the same turn may go together.
    await new Promise((resolve) => setImmediate(resolve));
    for (let event = this.#events.shift(); event; event = this.#events.shift()) {
      this.#underWay = 1;
      const work = typeof event === 'function' ? event() : this.#runInLine(event);
      await work.catch((error: unknown) => this.logger.error('An event failed in the gateway.', { error }));
      this.#underWay = 0;
      if (this.#writer.isCongested) await this.#writer.flushed();
      this.#pace();
    }
    this.#working = undefined;
    this.#pace();
  }

  /** Runs an event, and with it those behind it that need not wait for its answer. */
  async #runInLine(frame: ClientFrame): Promise<void> {
    const frames = [frame];
    for (let next = this.#events[0]; frames.length < pipelineDepth; next = this.#events[0]) {
      if (next === undefined || typeof next === 'function' || !this.#mayFollow(frame, next)) break;
      frames.push(next);
      this.#events.shift();
    }
    this.#underWay = frames.length;
    const replies = this.gateway.runInOrder(frames.map((one) => this.#jobOf(one)));
    // One that fails before its turn to be answered is no fault.
    for (const reply of replies) reply.catch(() => undefined);
    for (const [index, reply] of replies.entries()) {
      await this.#answer(frames[index]!, reply);
      this.#underWay -= 1;
      this.#pace();
    }
  }

  #mayFollow(frame: ClientFrame, next: ClientFrame): boolean {
    const roomOf = ({ data }: ClientFrame) => (data as { room_id?: unknown }).room_id;
    const isPipelined = this.gateway.eventTypes.get(frame.eventType)?.pipelined === true;
    return isPipelined && next.eventType === frame.eventType && roomOf(next) === roomOf(frame);
  }

  #jobOf(frame: ClientFrame): ChatJob {
    const roomId = (frame.data as { room_id?: unknown }).room_id;
    return {
      id: newId(),
      type: frame.eventType,
      userId: this.userId,
      roomId: typeof roomId === 'string' && roomId.length <= 64 ? roomId : undefined,
      gatewayId: this.gateway.id,
      connectionId: this.id,
      sessionId: this.session?.id,
      eventId: frame.id,
      data: frame.data,
      addedAt: Date.now(),
      lossy: this.gateway.eventTypes.get(frame.eventType)?.lossy,
    };
  }

  async #answer(frame: ClientFrame, answer: Promise<Reply>): Promise<void> {
    let reply: Reply;
    try {
      reply = await answer;
      if (frame.eventType === 'session.resume' && reply.result) await this.#replay(reply);
    } catch (error) {
      this.sendError(this.gateway.describeError(error), frame.id);
      return;
    }
    for (const text of reply.frames) this.#write(text);
  }

  /** Typing neither waits for other events nor delays them; what is too much is dropped. */
  #type(frame: ClientFrame): void {
    // One with an id is owed an answer.
    if (frame.id !== undefined) this.#aside(frame);
    else this.gateway.runLossy(this.#jobOf(frame));
  }

  /**
   * The broadcasts a resuming client missed, at the speed it reads. When one of them cannot be had, the answer must not
   * say that all were sent: the client asks again, from where it is then, and hears what is gone for good.
   */
  async #replay(reply: Reply): Promise<void> {
    const { ranges } = reply.result as { ranges: Array<[roomId: string, after: number, upTo: number]> };
    try {
      for (const [roomId, after, upTo] of ranges) {
        for await (const frames of this.gateway.replay(roomId, after, upTo)) {
          for (const frame of frames) this.#write(frame);
          await this.#writer.flushed();
          if (this.#isClosed) return;
        }
      }
    } catch (error) {
      this.logger.warn('Replaying missed broadcasts failed; the client is told to ask again.', { error });
      throw new Unavailable();
    }
  }

  async #refresh(frame: ClientFrame): Promise<void> {
    try {
      await this.#identity.refresh(frame.data, this.gateway.settings.refresh);
      this.#write(statusFrame(frame.id));
    } catch (error) {
      this.sendError(this.gateway.describeError(error), frame.id);
    }
  }

  #refuseEvent(retryAfter: number, id: string | undefined): void {
    if ((this.#refusals?.take() ?? 0) > 0) this.close(CloseCode.policyViolation, 'Too many events.');
    else this.sendError(this.gateway.describeError(new RateLimited(Math.ceil(retryAfter * 1000) / 1000)), id);
  }

  #write(text: string): void {
    if (!this.#isClosed) this.#writer.write(textFrame(text));
  }

  #tooSlow(): void {
    this.close(CloseCode.tooSlow, 'Reading too slowly.');
    setTimeout(() => this.#socket.terminate(), 1000).unref();
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.request.socket.pause();
  }

  #resume(): void {
    if (!this.#isPaused || this.#isDraining) return;
    this.#isPaused = false;
    this.#isAlive = true;
    this.request.socket.resume();
  }
}
