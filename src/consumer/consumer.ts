// Long: every built-in event of the protocol is a short method here, so that one subclass can change any of them.

import type { Model } from 'sequelize';
import type { Logger } from 'winston';
import type { WriteOptions, WriteRequest } from '../handlers/base.js';
import type { EventHandler } from '../handlers/event-handler.js';
import type { MembershipResult } from '../handlers/room.js';
import type { ChatModels } from '../models/index.js';
import { askGuard, type GuardResult } from '../permissions/guards.js';
import type { ActingUser, PermissionHandler } from '../permissions/permission-handler.js';
import type { DispatchData } from '../protocol/dispatch-payloads.js';
import { type ErrorBody, ErrorCode, NotFound, PermissionDenied, ValidationError } from '../protocol/errors.js';
import { dispatchFrame } from '../protocol/frames.js';
import type * as payloads from '../protocol/payload-types.js';
import { checkPayload } from '../protocol/payloads.js';
import type { ChatJob } from '../queue/queue.js';
import { findOutcome, type StoredOutcome, storeOutcome } from '../store/outcomes.js';
import { Repeated } from '../store/repeat.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import { type Acknowledgement, Outcome } from './outcome.js';
import { planResume } from './resume.js';
import type { WorkerContext } from './worker-context.js';

/** The operations that commit, each with who is told what it made. */
type Tellers = {
  readonly [Name in
    | 'createMessage'
    | 'messageAcknowledged'
    | 'createReadReceipt'
    | 'reactToMessage'
    | 'modifyMessage'
    | 'createRoom'
    | 'joinRoom'
    | 'leaveRoom'
    | 'addMembersToRoom'
    | 'removeMembersFromRoom'
    | 'modifyRoom']: (result: Awaited<ReturnType<EventHandler[Name]>>, ...args: Parameters<EventHandler[Name]>) => void;
};

/**
 * One event in a worker: guard, handler, outcome. Subclass it to add `receive…` methods for own events, and name the
 * class in `consumerClass`. What a method sends is collected, and published after the commit.
 */
export class ChatMessagingConsumer {
  readonly user: ActingUser;
  readonly session: { readonly id: string } | null;
  readonly permissionHandler: PermissionHandler;
  readonly eventHandler: EventHandler;
  readonly logger: Logger;
  protected readonly runtime: WorkerContext;
  protected readonly job: ChatJob;
  #guard: (unit?: UnitOfWork) => Promise<GuardResult> = async () => ({ roomIds: [] });
  #access: GuardResult = { roomIds: [] };
  #outcome: Outcome;
  /** Sends what an own operation's result is to tell; set by `commit`, called inside the write's transaction. */
  #tell: ((result: never) => void) | undefined;
  readonly #told = new Set<string>();
  /** What this run, or an earlier one, has committed so far, of all its writes. */
  #committed: StoredOutcome | undefined;
  #isAnswered = false;
  #position = 0;
  #effects: Array<() => unknown> = [];
  #resumed: unknown;

  constructor(runtime: WorkerContext, job: ChatJob, user: ActingUser) {
    this.runtime = runtime;
    this.job = job;
    this.user = user;
    this.session = job.sessionId === undefined ? null : { id: job.sessionId };
    this.permissionHandler = runtime.permissionHandler;
    this.logger = runtime.logger.child({ jobId: job.id, eventType: job.type, userId: job.userId });
    this.#outcome = new Outcome(job.eventId);
    this.eventHandler = new runtime.eventHandlerClass(runtime, {
      jobId: job.id,
      user,
      write: (request, run) => this.#write(request, run),
      afterCommit: (effect) => this.#effects.push(effect),
    });
  }

  get eventType(): string {
    return this.job.type;
  }

  /** The connection that asked: `<gateway>.<connection>`. */
  get channelName(): string {
    return `${this.job.gatewayId}.${this.job.connectionId}`;
  }

  /** The configured models, besides `models.User`. */
  protected get models(): ChatModels {
    return this.runtime.models;
  }

  /** The room the guard found, where the event names one. */
  get room(): Model | undefined {
    return this.#access.room;
  }

  // What methods send.

  /** To a group: `group-<room id>`, all connections of its present members, or `user-<user id>`, all of that user's. */
  sendGroup<Type extends string>(group: string, eventType: Type, data: DispatchData<Type>): void {
    const { kind, id } = parseGroup(group);
    if (kind === 'group') this.#outcome.broadcast(id, eventType, data);
    else this.#outcome.target([id], eventType, data);
  }

  /** To the connection that asked. */
  send<Type extends string>(eventType: Type, data: DispatchData<Type>): void {
    this.#outcome.private(eventType, data);
  }

  /** What the asker is told, when the event had an `id`, about a result that goes to others. */
  acknowledge(made: Acknowledgement = {}): void {
    this.#outcome.acknowledge(made);
  }

  /** The event's answer is this error. */
  fail(body: ErrorBody): void {
    this.#outcome.fail(body);
  }

  /**
   * All connections of the user belong to the room's group from the next broadcast of this event on. A new connection
   * has the groups of its memberships only, so this is for who is, or just became, a member.
   */
  addChannelToGroup(group: string, userId: payloads.UserId = this.user.id): void {
    this.#outcome.join(parseGroup(group).id, String(userId));
  }

  /** No connection of the user belongs to the group any more; in place of the broadcast they get `exits`. */
  discardChannelFromGroup(
    group: string,
    userId: payloads.UserId = this.user.id,
    exits: ReadonlyArray<readonly [eventType: string, data: unknown]> = [],
  ): void {
    this.#outcome.leave(parseGroup(group).id, String(userId), exits);
  }

  /**
   * Runs an own operation of the event handler, one that writes by `this.scope.write`; `tell` sends what its result is to
   * tell, inside the same transaction.
   */
  async commit<T>(operation: () => Promise<T>, tell: (result: T) => void): Promise<void> {
    this.#tell = tell as (result: never) => void;
    const result = await operation();
    if (this.#tell !== undefined) tell(result);
    this.#tell = undefined;
  }

  /**
   * For own events: a transaction with these rooms locked, in which the guard is asked again. What is sent inside it is
   * stored with it, and told after the commit. The asker is answered when the event has ended.
   */
  transaction<T>(roomIds: string[], run: (options: WriteOptions) => Promise<T>): Promise<T> {
    return this.#write({ roomIds }, run, false);
  }

  // The built-in events, in the order of the protocol.

  async receiveMessageSend(data: payloads.MessageSendPayload): Promise<void> {
    await this.#perform('createMessage', data, this.user);
  }

  async receiveMessageAcknowledged({ message_id }: payloads.MessageIdsPayload): Promise<void> {
    await this.#perform('messageAcknowledged', this.user, message_id);
  }

  async receiveMessageRead({ message_id }: payloads.MessageIdsPayload): Promise<void> {
    await this.#perform('createReadReceipt', this.user, message_id);
  }

  async receiveMessageReact(data: payloads.MessageReactPayload): Promise<void> {
    await this.#perform('reactToMessage', data, this.user);
  }

  async receiveMessageTyping({ room_id }: payloads.RoomIdPayload): Promise<void> {
    const data = { username: this.user.username ?? null, user_id: this.user.id, room_id };
    const isStale = Date.now() - this.job.addedAt > staleTyping;
    if (!isStale)
      await this.runtime.publisher.whisper(room_id, dispatchFrame('messagetyping.dispatch', data, { room_id }));
    this.acknowledge();
  }

  async receiveMessageModify(data: payloads.MessageModifyPayload): Promise<void> {
    await this.#perform('modifyMessage', data);
  }

  async receiveRoomCreate(data: payloads.RoomCreatePayload): Promise<void> {
    await this.#perform('createRoom', this.user, data);
  }

  async receiveRoomList(data: payloads.CursorPayload): Promise<void> {
    this.send('roomlist.dispatch', await this.eventHandler.listRooms(this.user, data));
  }

  async receiveRoomDiscover(data: payloads.EventPayloads['room.discover']): Promise<void> {
    this.send('roomdiscover.dispatch', await this.eventHandler.discoverRooms(this.user, data));
  }

  async receiveRoomInfo({ room_id }: payloads.RoomIdPayload): Promise<void> {
    this.send('roominfo.dispatch', await this.eventHandler.retrieveRoom({ id: room_id }));
  }

  async receiveRoomMembers(data: payloads.EventPayloads['room.members']): Promise<void> {
    this.send('roommembers.dispatch', await this.eventHandler.listMembers({ id: data.room_id }, data));
  }

  async receiveRoomMessages(data: payloads.RoomMessagesPayload): Promise<void> {
    this.send('roommessages.dispatch', await this.eventHandler.retrieveMessages({ id: data.room_id }, data));
  }

  async receiveRoomJoin({ room_id }: payloads.RoomIdPayload): Promise<void> {
    await this.#perform('joinRoom', this.user, room_id);
  }

  async receiveRoomLeave({ room_id }: payloads.RoomIdPayload): Promise<void> {
    await this.#perform('leaveRoom', this.user, { id: room_id });
  }

  async receiveRoomAddMembers({ room_id, members }: payloads.RoomMembersPayload): Promise<void> {
    await this.#perform('addMembersToRoom', members, { id: room_id });
  }

  async receiveRoomRemoveMembers({ room_id, members }: payloads.RoomMembersPayload): Promise<void> {
    await this.#perform('removeMembersFromRoom', members, { id: room_id }, this.user);
  }

  async receiveRoomModify(data: payloads.RoomModifyPayload): Promise<void> {
    await this.#perform('modifyRoom', data, { id: data.room_id });
  }

  async receiveSessionHeartbeat(): Promise<void> {
    if (this.session) await this.eventHandler.updateSession(this.session);
    this.#outcome.status();
  }

  /** The gateway answers it: a token never reaches a worker. */
  async receiveSessionRefresh(): Promise<void> {
    throw new ValidationError('session.refresh is only for connections.');
  }

  async receiveSessionResume({ rooms }: payloads.SessionResumePayload): Promise<void> {
    const { answer, ranges } = await planResume(this.runtime, this.user, rooms);
    this.send('session.resumed', { rooms: answer });
    this.#resumed = { ranges };
  }

  // Who is told what an operation made, inside its transaction; by the operation's name and arguments.

  readonly #tellers: Tellers = {
    createMessage: (message) => {
      this.sendGroup(`group-${message.room.id}`, 'message.dispatch', message);
      this.acknowledge({ message_id: message.id, seq: message.seq });
    },
    messageAcknowledged: (messages) => {
      for (const senderId of new Set(messages.map(({ sender }) => sender.id))) {
        const theirs = messages.filter(({ sender }) => sender.id === senderId);
        this.sendGroup(`user-${senderId}`, 'messagedelivered.dispatch', theirs);
      }
      this.acknowledge();
    },
    createReadReceipt: (rooms, _user, messageId) => {
      for (const [roomId, messages] of rooms) {
        const shown = typeof messageId === 'string' ? messages[0]! : messages;
        this.sendGroup(`group-${roomId}`, 'readreceipt.dispatch', shown);
      }
      this.acknowledge();
    },
    reactToMessage: (result) => {
      if (result.status === 'failed') this.send('reaction.dispatch', result);
      else this.sendGroup(`group-${result.message.room.id}`, 'reaction.dispatch', result);
      this.acknowledge({ status: result.status });
    },
    modifyMessage: (result) => {
      this.sendGroup(`group-${this.#access.roomIds[0]}`, 'messagemodification.dispatch', result);
      this.acknowledge();
    },
    createRoom: (room) => {
      this.sendGroup(`group-${room.id}`, 'roomcreate.dispatch', room);
      this.acknowledge({ room_id: room.id });
    },
    joinRoom: (result, _user, roomId) => this.#tellJoined(roomId, result, 'self'),
    leaveRoom: (result, _user, { id }) => {
      const name = (result.room as { name?: string } | null)?.name ?? 'the room';
      this.#tellLeft(id, result, 'self', `You left ${name}`);
    },
    addMembersToRoom: (result, _ids, { id }) => this.#tellJoined(id, result, this.#username),
    removeMembersFromRoom: (result, _ids, { id }) =>
      this.#tellLeft(id, result, this.#username, `You have been removed by ${this.#username}`),
    modifyRoom: (room, _data, { id }) => {
      if (room) this.sendGroup(`group-${id}`, 'roomupdate.dispatch', room);
      else {
        this.sendGroup(`group-${id}`, 'roomdelete.dispatch', { room_id: id });
        this.#outcome.delete(id);
      }
      this.acknowledge();
    },
  };

  // How an event runs.

  /** Runs the event of this consumer's job and answers it. Rejects, after answering, when it failed for no known reason. */
  async run(mayHaveRun: boolean): Promise<StoredOutcome> {
    if (mayHaveRun && (await this.#publishStored())) return this.#committed!;
    try {
      const { guard, handler, schema, asksUnderLock } = this.runtime.registration(this);
      const data = checkPayload(schema, this.job.data) as never;
      this.#guard = (unit) => askGuard(guard(this, data, unit ? { transaction: unit.transaction, unit } : {}));
      this.#access = asksUnderLock ? { roomIds: [(data as { room_id: string }).room_id] } : await this.#guard();
      await handler.call(this, data);
      await this.#finish();
    } catch (error) {
      await this.#failed(error);
    }
    for (const effect of this.#effects) this.runtime.runEffect(effect, this.logger);
    return this.#committed ?? { envelopes: [], targeted: [], answer: this.#outcome.answer() };
  }

  get #username(): string {
    return String(this.user.username ?? this.user.id);
  }

  /** What was committed; undefined as long as nothing was. */
  get committed(): StoredOutcome | undefined {
    return this.#committed;
  }

  /** Answers an event that was cut short after a commit: what is done is done. */
  async conclude(): Promise<void> {
    if (this.#isAnswered) return;
    const said = this.#committed?.answer ?? [];
    await this.#answer(said.length > 0 ? said : new Outcome(this.job.eventId).answer());
  }

  /** Runs one of the handler's operations; one that an override does without a write is told of afterwards. */
  async #perform<Name extends keyof Tellers>(name: Name, ...args: Parameters<EventHandler[Name]>): Promise<void> {
    const operation = this.eventHandler[name] as (...args: unknown[]) => Promise<never>;
    const result = await operation.apply(this.eventHandler, args as unknown[]);
    if (!this.#told.has(name)) this.#tellOf([name, ...(args as unknown[])], result);
  }

  #tellOf([name, ...args]: readonly [name: string, ...args: unknown[]], result: unknown): void {
    this.#told.add(name);
    const tell = this.#tellers[name as keyof Tellers] as (result: unknown, ...args: unknown[]) => void;
    tell(result, ...args);
  }

  async #write<T>(
    request: WriteRequest,
    run: (options: WriteOptions) => Promise<T>,
    isAnswer = !this.#isAnswered,
  ): Promise<T> {
    const effects = this.#effects.length;
    const roomIds = request.roomIds ?? this.#access.roomIds;
    let room: Model | undefined;
    const { result, refusal, sealed } = await this.runtime.store.write({
      roomIds,
      grouped: request.grouped ?? false,
      pairs: request.pairs ?? [],
      requests: request.requests ?? [],
      check: async (unit) => {
        // Before the guard: who may not send any more may still learn what became of the first try.
        await request.check?.(unit);
        const access = await this.#guard(unit);
        room = access.roomIds.length > 0 ? access.room : undefined;
      },
      run: async (unit) => {
        this.#outcome = new Outcome(this.job.eventId);
        // This may be a second try, after a deadlock.
        this.#effects.length = effects;
        let result: T | undefined;
        let refusal: ValidationError | undefined;
        try {
          result = await run({ transaction: unit.transaction, unit, room });
          if (request.operation) this.#tellOf(request.operation, result);
          else this.#tell?.(result as never);
        } catch (error) {
          if (!(error instanceof ValidationError && error.commit)) throw error;
          refusal = error;
          this.#sendError(error);
        }
        // Whoever an override made a member too: the payload does not name them.
        for (const [roomId, userId] of unit.takeJoined()) this.#outcome.join(roomId, String(userId));
        const sealed = this.#outcome.seal(unit, isAnswer);
        await storeOutcome(this.runtime, unit, this.job.id, this.#position, sealed);
        return { result: result as T, refusal, sealed };
      },
    });
    if (!request.operation) this.#tell = undefined;
    this.#outcome = new Outcome(this.job.eventId);
    await this.#publish(sealed, isAnswer);
    if (refusal) throw refusal;
    return result;
  }

  /** Publishes what a write committed; its answer too, unless the event is not done. */
  async #publish(sealed: StoredOutcome, isAnswer: boolean): Promise<void> {
    this.#position += Math.max(1, sealed.envelopes.length);
    const before = this.#committed;
    this.#committed = {
      envelopes: [...(before?.envelopes ?? []), ...sealed.envelopes],
      targeted: [...(before?.targeted ?? []), ...sealed.targeted],
      answer: this.#isAnswered ? before!.answer : [...(before?.answer ?? []), ...sealed.answer],
    };
    await this.runtime.publisher.publish(this.job, sealed);
    if (isAnswer && !this.#isAnswered) await this.#answer(this.#committed.answer);
  }

  async #answer(frames: string[]): Promise<void> {
    this.#isAnswered = true;
    const committed = this.#committed;
    if (committed) this.#committed = { ...committed, answer: frames };
    await this.runtime.publisher.answer(this.job, frames, committed?.envelopes ?? [], { result: this.#resumed });
  }

  /** Publishes what was sent outside a write, and answers. */
  async #finish(): Promise<void> {
    const trailing = this.#outcome;
    // What was said inside a transaction comes first, and carries the event's id.
    const isSaid = (this.#committed?.answer.length ?? 0) > 0;
    if (trailing.reachesOthers) {
      const { sealed } = await this.runtime.store.write({
        roomIds: trailing.roomIds,
        grouped: false,
        pairs: [],
        requests: [],
        check: async (unit) => {
          for (const roomId of trailing.roomIds) if (!unit.isLocked(roomId)) throw new NotFound();
        },
        run: async (unit) => {
          const sealed = trailing.seal(unit, !this.#isAnswered && !isSaid);
          await storeOutcome(this.runtime, unit, this.job.id, this.#position, sealed);
          return { sealed };
        },
      });
      await this.#publish(sealed, true);
    } else if (!this.#isAnswered) {
      const said = this.#committed?.answer ?? [];
      await this.#answer(isSaid ? [...said, ...trailing.said()] : trailing.answer());
    } else if (trailing.said().length > 0) {
      this.logger.warn('What an event sends to its asker after its answer is lost: send it inside the transaction.');
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#committed) {
      await this.conclude();
      // It is done and told: what came after cannot undo it.
      if (!(error instanceof ValidationError && error.commit)) {
        this.logger.error('The event was committed, but something after it failed.', { error });
      }
      return;
    }
    this.#effects = [];
    // Refused, broken at the commit, or done before: perhaps by another run of this very job, which may not have told.
    if (await this.#publishStored().catch(() => false)) return;
    if (error instanceof Repeated) {
      this.#outcome = new Outcome(this.job.eventId);
      this.acknowledge(error.answer);
      return this.runtime.publisher.reply(this.job, this.#outcome.answer());
    }
    if (error instanceof PermissionDenied || error instanceof NotFound) {
      const repeated = await this.#findRepeat();
      if (repeated) return this.#failed(repeated);
    }
    this.#outcome = new Outcome(this.job.eventId);
    const code = this.#sendError(error);
    await this.runtime.publisher.reply(this.job, this.#outcome.answer());
    if (code === ErrorCode.internal) throw new AnsweredError(error);
  }

  /** Makes an error the event's answer, the way the exception handler wants it. Returns its code. */
  #sendError(error: unknown): number {
    const { code, detail, ...extra } = this.runtime.describeError(error, this.job.type, this.logger);
    try {
      this.runtime.exceptionHandler.sendError(this, detail, this.job.type, error, code, extra);
    } catch (failure) {
      this.logger.error('exceptionHandlerClass failed in sendError.', { error: failure });
      this.fail({ ...extra, code, detail });
    }
    return code;
  }

  /** A send that is refused now may be the repeat of one that was carried out while it was allowed. */
  async #findRepeat(): Promise<Repeated | undefined> {
    const { data } = this.job;
    const clientId = (data as { client_id?: unknown } | null)?.client_id;
    if (this.runtime.registration(this).payload !== 'message.send' || typeof clientId !== 'string') return undefined;
    const checked = checkPayload(this.runtime.registration(this).schema, data) as payloads.MessageSendPayload;
    try {
      await this.eventHandler.refuseRepeatedMessage(checked, this.user);
    } catch (error) {
      if (error instanceof Repeated) return error;
    }
    return undefined;
  }

  async #publishStored(): Promise<boolean> {
    const stored = await findOutcome(this.runtime, this.job.id);
    if (!stored) return false;
    this.#committed = stored;
    await this.runtime.publisher.publish(this.job, stored);
    // It ended before it answered, after the commit of what it did.
    await this.conclude();
    return true;
  }

  #tellJoined(roomId: string, { room, members }: MembershipResult, addedBy: string): void {
    if (members.length > 0) {
      const group = `group-${roomId}`;
      for (const { id } of members) this.addChannelToGroup(group, id);
      const newMembers = members.map(({ username }) => username);
      this.sendGroup(group, 'roomaddmembers.dispatch', { room, new_members: newMembers, added_by: addedBy });
    }
    this.acknowledge();
  }

  #tellLeft(roomId: string, { room, members }: MembershipResult, removedBy: string, message: string): void {
    if (members.length > 0) {
      const group = `group-${roomId}`;
      const isEmpty = room?.member_count === 0;
      for (const { id } of members) {
        this.discardChannelFromGroup(group, id, [
          ['roomexit.dispatch', { room, message }],
          ...(isEmpty ? [['roomdelete.dispatch', { room_id: roomId }] as const] : []),
        ]);
      }
      const removed = members.map(({ username }) => username);
      if (isEmpty) this.#outcome.delete(roomId);
      else
        this.sendGroup(group, 'roomremovemembers.dispatch', { room, removed_members: removed, removed_by: removedBy });
    }
    this.acknowledge();
  }
}

/** Marks the job as failed; its sender has been answered, and the log has the error. */
export class AnsweredError extends Error {
  readonly isLogged = true;

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.name : 'Error', { cause });
    this.name = 'AnsweredError';
  }
}

/** Typing older than this, in milliseconds, is nobody's business any more. */
const staleTyping = 5000;

function parseGroup(group: string): { kind: 'group' | 'user'; id: string } {
  const [, kind, id] = /^(group|user)-(.+)$/s.exec(group) ?? [];
  if (!kind || !id) throw new Error(`"${group}" is not a group: use group-<room id> or user-<user id>.`);
  return { kind: kind as 'group' | 'user', id };
}
