// Long: every built-in event of the protocol is a short method here, so that one subclass can change any of them.

import type { Model } from 'sequelize';
import type { Logger } from 'winston';
import type { WriteOptions, WriteRequest } from '../handlers/base.js';
import type { EventHandler } from '../handlers/event-handler.js';
import type { MembershipResult } from '../handlers/room.js';
import type { GuardResult } from '../permissions/guards.js';
import type { ActingUser, PermissionHandler } from '../permissions/permission-handler.js';
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
  /** Sends what a result is to tell; set by `commit`, called inside the write's transaction. */
  #tell: ((result: never) => void) | undefined;
  #committed: StoredOutcome | undefined;
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

  /** The room the guard found, where the event names one. */
  get room(): Model | undefined {
    return this.#access.room;
  }

  // What methods send.

  /** To a group: `group-<room id>`, all connections of its present members, or `user-<user id>`, all of that user's. */
  sendGroup(group: string, eventType: string, data: unknown): void {
    const { kind, id } = parseGroup(group);
    if (kind === 'group') this.#outcome.broadcast(id, eventType, data);
    else this.#outcome.target([id], eventType, data);
  }

  /** To the connection that asked. */
  send(eventType: string, data: unknown): void {
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

  /** All connections of the user belong to the room's group from the next broadcast of this event on. */
  addChannelToGroup(group: string, userId: payloads.UserId): void {
    this.#outcome.join(parseGroup(group).id, String(userId));
  }

  /** No connection of the user belongs to the group any more; in place of the broadcast they get `exits`. */
  discardChannelFromGroup(
    group: string,
    userId: payloads.UserId,
    exits: ReadonlyArray<readonly [eventType: string, data: unknown]> = [],
  ): void {
    this.#outcome.leave(parseGroup(group).id, String(userId), exits);
  }

  /** Runs an operation that commits; `tell` sends what its result is to tell, inside the same transaction. */
  async commit<T>(operation: () => Promise<T>, tell: (result: T) => void): Promise<void> {
    this.#tell = tell as (result: never) => void;
    const result = await operation();
    if (!this.#committed) tell(result);
  }

  /**
   * For own events: a transaction with these rooms locked, in which the guard is asked again. What is sent inside it is
   * stored with it.
   */
  transaction<T>(roomIds: string[], run: (options: WriteOptions) => Promise<T>): Promise<T> {
    return this.#write({ roomIds }, run);
  }

  // The built-in events, in the order of the protocol.

  async receiveMessageSend(data: payloads.MessageSendPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.createMessage(data, this.user),
      (message) => {
        this.sendGroup(`group-${data.room_id}`, 'message.dispatch', message);
        this.acknowledge({ message_id: message.id, seq: message.seq });
      },
    );
  }

  async receiveMessageAcknowledged({ message_id }: payloads.MessageIdsPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.messageAcknowledged(this.user, message_id),
      (messages) => {
        for (const senderId of new Set(messages.map(({ sender }) => sender.id))) {
          const theirs = messages.filter(({ sender }) => sender.id === senderId);
          this.sendGroup(`user-${senderId}`, 'messagedelivered.dispatch', theirs);
        }
        this.acknowledge();
      },
    );
  }

  async receiveMessageRead({ message_id }: payloads.MessageIdsPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.createReadReceipt(this.user, message_id),
      (rooms) => {
        for (const [roomId, messages] of rooms) {
          const shown = typeof message_id === 'string' ? messages[0] : messages;
          this.sendGroup(`group-${roomId}`, 'readreceipt.dispatch', shown);
        }
        this.acknowledge();
      },
    );
  }

  async receiveMessageReact(data: payloads.MessageReactPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.reactToMessage(data, this.user),
      (result) => {
        if (result.status === 'failed') this.send('reaction.dispatch', result);
        else this.sendGroup(`group-${result.message.room.id}`, 'reaction.dispatch', result);
        this.acknowledge({ status: result.status });
      },
    );
  }

  async receiveMessageTyping({ room_id }: payloads.RoomIdPayload): Promise<void> {
    const data = { username: this.user.username ?? null, user_id: this.user.id, room_id };
    const isStale = Date.now() - this.job.addedAt > staleTyping;
    if (!isStale)
      await this.runtime.publisher.whisper(room_id, dispatchFrame('messagetyping.dispatch', data, { room_id }));
    this.acknowledge();
  }

  async receiveMessageModify(data: payloads.MessageModifyPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.modifyMessage(data),
      (result) => {
        this.sendGroup(`group-${this.#access.roomIds[0]}`, 'messagemodification.dispatch', result);
        this.acknowledge();
      },
    );
  }

  async receiveRoomCreate(data: payloads.RoomCreatePayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.createRoom(this.user, data),
      (room) => {
        const group = `group-${room.id}`;
        this.sendGroup(group, 'roomcreate.dispatch', room);
        this.acknowledge({ room_id: room.id });
      },
    );
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
    await this.commit(
      () => this.eventHandler.joinRoom(this.user, room_id),
      (result) => this.#tellJoined(room_id, result, 'self'),
    );
  }

  async receiveRoomLeave({ room_id }: payloads.RoomIdPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.leaveRoom(this.user, { id: room_id }),
      (result) => {
        const name = (result.room as { name?: string } | null)?.name ?? 'the room';
        this.#tellLeft(room_id, result, 'self', () => `You left ${name}`);
      },
    );
  }

  async receiveRoomAddMembers({ room_id, members }: payloads.RoomMembersPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.addMembersToRoom(members, { id: room_id }),
      (result) => this.#tellJoined(room_id, result, this.#username),
    );
  }

  async receiveRoomRemoveMembers({ room_id, members }: payloads.RoomMembersPayload): Promise<void> {
    await this.commit(
      () => this.eventHandler.removeMembersFromRoom(members, { id: room_id }, this.user),
      (result) => this.#tellLeft(room_id, result, this.#username, () => `You have been removed by ${this.#username}`),
    );
  }

  async receiveRoomModify(data: payloads.RoomModifyPayload): Promise<void> {
    const group = `group-${data.room_id}`;
    await this.commit(
      () => this.eventHandler.modifyRoom(data, { id: data.room_id }),
      (room) => {
        if (room) this.sendGroup(group, 'roomupdate.dispatch', room);
        else {
          this.sendGroup(group, 'roomdelete.dispatch', { room_id: data.room_id });
          this.#outcome.delete(data.room_id);
        }
        this.acknowledge();
      },
    );
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

  // How an event runs.

  /** Runs the event of this consumer's job and answers it. Rejects, after answering, when it failed for no known reason. */
  async run(mayHaveRun: boolean): Promise<StoredOutcome> {
    if (mayHaveRun && (await this.#publishStored())) return this.#committed!;
    try {
      const { guard, handler, schema, asksUnderLock } = this.runtime.registration(this);
      const data = checkPayload(schema, this.job.data) as never;
      this.#guard = (unit) => guard(this, data, unit ? { transaction: unit.transaction, unit } : {});
      this.#access = asksUnderLock ? { roomIds: [(data as { room_id: string }).room_id] } : await this.#guard();
      await handler.call(this, data);
      await this.#finish();
    } catch (error) {
      await this.#failed(error);
    }
    for (const effect of this.#effects) {
      void Promise.resolve()
        .then(effect)
        .catch((error: unknown) => this.logger.error('A side effect after the commit failed.', { error }));
    }
    return this.#committed ?? { envelopes: [], targeted: [], answer: this.#outcome.answer() };
  }

  get #username(): string {
    return String(this.user.username ?? this.user.id);
  }

  async #write<T>(request: WriteRequest, run: (options: WriteOptions) => Promise<T>): Promise<T> {
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
        let result: T | undefined;
        let refusal: ValidationError | undefined;
        try {
          result = await run({ transaction: unit.transaction, unit, room });
          this.#tell?.(result as never);
        } catch (error) {
          if (!(error instanceof ValidationError && error.commit)) throw error;
          refusal = error;
          this.fail(this.runtime.exceptionHandler.handle(error, { eventType: this.job.type, logger: this.logger }));
        }
        // Whoever an override made a member too: the payload does not name them.
        for (const [roomId, userId] of unit.takeJoined()) this.#outcome.join(roomId, String(userId));
        const sealed = this.#outcome.seal(unit);
        await storeOutcome(this.runtime, unit, this.job.id, this.#position, sealed);
        return { result: result as T, refusal, sealed };
      },
    });
    this.#position += Math.max(1, sealed.envelopes.length);
    this.#committed = sealed;
    this.#outcome = new Outcome(this.job.eventId);
    await this.runtime.publisher.publish(this.job, sealed);
    if (refusal) throw refusal;
    return result;
  }

  /** Publishes what was sent outside a write, and answers. */
  async #finish(): Promise<void> {
    if (this.#outcome.reachesOthers) {
      this.#tell = undefined;
      const trailing = this.#outcome;
      const { sealed } = await this.runtime.store.write({
        roomIds: trailing.roomIds,
        grouped: false,
        pairs: [],
        requests: [],
        check: async (unit) => {
          for (const roomId of trailing.roomIds) if (!unit.isLocked(roomId)) throw new NotFound();
        },
        run: async (unit) => {
          const sealed = trailing.seal(unit);
          await storeOutcome(this.runtime, unit, this.job.id, this.#position, sealed);
          return { sealed };
        },
      });
      this.#committed = sealed;
      await this.runtime.publisher.publish(this.job, sealed);
    } else if (!this.#committed) {
      await this.runtime.publisher.reply(this.job, this.#outcome.answer(), { result: this.#resumed });
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#committed) {
      // It is done and told: what came after cannot undo it.
      if (!(error instanceof ValidationError && error.commit)) {
        this.logger.error('The event was committed, but something after it failed.', { error });
      }
      return;
    }
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
    const { exceptionHandler } = this.runtime;
    const { code, detail, ...extra } = exceptionHandler.handle(error, {
      eventType: this.job.type,
      logger: this.logger,
    });
    this.#outcome = new Outcome(this.job.eventId);
    exceptionHandler.sendError(this, detail, this.job.type, error, code, extra);
    await this.runtime.publisher.reply(this.job, this.#outcome.answer());
    if (code === ErrorCode.internal) throw new AnsweredError(error);
  }

  /** A send that is refused now may be the repeat of one that was carried out while it was allowed. */
  async #findRepeat(): Promise<Repeated | undefined> {
    const { type, data } = this.job;
    const clientId = (data as { client_id?: unknown } | null)?.client_id;
    if (type !== 'message.send' || typeof clientId !== 'string') return undefined;
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

  #tellLeft(roomId: string, { room, members }: MembershipResult, removedBy: string, message: () => string): void {
    if (members.length > 0) {
      const group = `group-${roomId}`;
      const isEmpty = room?.member_count === 0;
      for (const { id } of members) {
        this.discardChannelFromGroup(group, id, [
          ['roomexit.dispatch', { room, message: message() }],
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
