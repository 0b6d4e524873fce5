// Long: every built-in event of the protocol is a short method here, so that one subclass can change any of them.

import type { Logger } from 'winston';
import type { WriteOptions } from '../handlers/base.js';
import { EventHandler } from '../handlers/event-handler.js';
import type { MembershipResult } from '../handlers/room.js';
import { type ChatModels, modelNamed, type Room } from '../models/index.js';
import { askGuard, canAccessRoom, type Guard } from '../permissions/guards.js';
import { type ActingUser, PermissionHandler } from '../permissions/permission-handler.js';
import type { DispatchData } from '../protocol/dispatch-payloads.js';
import { type ErrorBody, ValidationError } from '../protocol/errors.js';
import { dispatchFrame } from '../protocol/frames.js';
import type * as payloads from '../protocol/payload-types.js';
import { checkPayload } from '../protocol/payloads.js';
import type { ChatJob, Line } from '../queue/queue.js';
import type { Serializers } from '../serializers/index.js';
import type { ResolvedSettings } from '../settings/settings.js';
import type { Deadline } from '../store/deadline.js';
import type { StoredOutcome } from '../store/outcomes.js';
import { listRoomsText, readHistoryText } from '../store/reads/index.js';
import type { UnitOfWork } from '../store/unit-of-work.js';
import type { CheckedRegistration } from './event-registration.js';
import { EventRun } from './event-run.js';
import type { Acknowledgement } from './outcome.js';
import { refuseOtherResult, warnOfOtherResult } from './results.js';
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
    | 'modifyRoom']: (
    to: ChatMessagingConsumer,
    result: Awaited<ReturnType<EventHandler[Name]>>,
    ...args: Parameters<EventHandler[Name]>
  ) => void;
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
  protected readonly runtime: WorkerContext;
  protected readonly job: ChatJob;
  readonly #run: EventRun;
  /** Operations that were told of, each with its result. */
  readonly #told: Array<readonly [name: string, result: unknown]> = [];
  #logger: Logger | undefined;
  #registration: CheckedRegistration | undefined;
  /** The transaction whose result is told just now. */
  #unit: UnitOfWork | undefined;
  /** Whether the guard was left out because the read itself looks who is a member. */
  #asksInRead = false;

  constructor(runtime: WorkerContext, job: ChatJob, user: ActingUser) {
    this.runtime = runtime;
    this.job = job;
    this.user = user;
    this.session = job.sessionId === undefined ? null : { id: job.sessionId };
    this.permissionHandler = runtime.permissionHandler;
    this.#run = new EventRun(runtime, job, {
      eventType: job.type,
      consumer: this,
      tellOf: (operation, result, unit) => this.#tellOf(operation, result, unit),
      refuseRepeated: (data) => this.eventHandler.refuseRepeatedMessage(data, user),
    });
    this.eventHandler = new runtime.eventHandlerClass(runtime, {
      jobId: job.id,
      user,
      write: (request, run) => this.#run.write(request, run),
      afterCommit: (effect) => this.#run.afterCommit(effect),
    });
  }

  get eventType(): string {
    return this.job.type;
  }

  /** Names the event in each entry. */
  get logger(): Logger {
    this.#logger ??= loggerOf(this.runtime, this.job);
    return this.#logger;
  }

  /** The connection that asked: `<gateway>.<connection>`. */
  get channelName(): string {
    return `${this.job.gatewayId}.${this.job.connectionId}`;
  }

  /** The configured models, besides `models.User`. */
  protected get models(): ChatModels {
    return this.runtime.models;
  }

  /** The same by name, as `chat.getModel`; without its default scope. */
  protected getModel<N extends keyof ChatModels>(name: N): ChatModels[N] {
    return modelNamed(this.runtime.models, name);
  }

  /** The configured serializer, as `chat.getSerializer`. */
  protected get getSerializer(): Serializers['getSerializer'] {
    return this.runtime.serializers.getSerializer;
  }

  protected get settings(): ResolvedSettings {
    return this.runtime.settings;
  }

  /** The room the guard found, where the event names one. */
  get room(): Room | undefined {
    return this.#run.access.room;
  }

  // What methods send.

  /** To a group: `group-<room id>`, all connections of its present members, or `user-<user id>`, all of that user's. */
  sendGroup<Type extends string>(group: string, eventType: Type, data: DispatchData<Type>): void {
    const { kind, id } = parseGroup(group);
    if (kind === 'group') this.#run.outcome.broadcast(id, eventType, data);
    else this.#run.outcome.target([id], eventType, data);
  }

  /** To the connection that asked. */
  send<Type extends string>(eventType: Type, data: DispatchData<Type>): void {
    this.#run.outcome.private(eventType, data);
  }

  /** What the asker is told, when the event had an `id`, about a result that goes to others. */
  acknowledge(made: Acknowledgement = {}): void {
    this.#run.outcome.acknowledge(made);
  }

  /** The event's answer is this error. */
  fail(body: ErrorBody): void {
    this.#run.outcome.fail(body);
  }

  /**
   * All connections of the user belong to the room's group from the next broadcast of this event on. A new connection
   * has the groups of its memberships only, so this is for who is, or just became, a member.
   */
  addChannelToGroup(group: string, userId: payloads.UserId = this.user.id): void {
    this.#run.outcome.join(parseGroup(group).id, String(userId));
  }

  /** No connection of the user belongs to the group any more; in place of the broadcast they get `exits`. */
  discardChannelFromGroup(
    group: string,
    userId: payloads.UserId = this.user.id,
    exits: ReadonlyArray<readonly [eventType: string, data: unknown]> = [],
  ): void {
    this.#run.outcome.leave(parseGroup(group).id, String(userId), exits);
  }

  /**
   * Runs an own operation of the event handler, one that writes by `this.scope.write`; `tell` sends what its result is to
   * tell, inside the same transaction.
   */
  async commit<T>(operation: () => Promise<T>, tell: (result: T) => void): Promise<void> {
    this.#run.tell = tell as (result: never) => void;
    const result = await operation();
    if (this.#run.tell !== undefined) tell(result);
    this.#run.tell = undefined;
  }

  /**
   * For own events: a transaction with these rooms locked, in which the guard is asked again. What is sent inside it is
   * stored with it, and told after the commit. The asker is answered when the event has ended. An event has one: were the
   * worker to die between two, the second would never be.
   */
  async transaction<T>(roomIds: string[], run: (options: WriteOptions) => Promise<T>): Promise<T> {
    this.#run.refuseSecond();
    return this.#run.write({ roomIds }, run, false);
  }

  // The built-in events, in the order of the protocol.

  /** `message.send`: stores a message, tells it to the room. */
  async receiveMessageSend(data: payloads.MessageSendPayload): Promise<void> {
    await this.#perform('createMessage', data, this.user);
  }

  /** `message.acknowledged`: notes that messages were delivered, tells their senders. */
  async receiveMessageAcknowledged({ message_id }: payloads.MessageIdsPayload): Promise<void> {
    await this.#perform('messageAcknowledged', this.user, message_id);
  }

  /** `message.read`: notes that messages were read, tells their rooms. */
  async receiveMessageRead({ message_id }: payloads.MessageIdsPayload): Promise<void> {
    await this.#perform('createReadReceipt', this.user, message_id);
  }

  /** `message.react`: adds, replaces or removes a reaction, tells the room. */
  async receiveMessageReact(data: payloads.MessageReactPayload): Promise<void> {
    await this.#perform('reactToMessage', data, this.user);
  }

  /** `message.typing`: tells the room at once or never; nothing is stored. */
  async receiveMessageTyping({ room_id }: payloads.RoomIdPayload): Promise<void> {
    const data = { username: this.user.username ?? null, user_id: this.user.id, room_id };
    // Nobody types for as long as it waited.
    if (!this.job.isStale)
      await this.runtime.publisher.whisper(room_id, dispatchFrame('messagetyping.dispatch', data, { room_id }));
    this.acknowledge();
  }

  /** `message.modify`: edits or deletes own messages, tells the room. */
  async receiveMessageModify(data: payloads.MessageModifyPayload): Promise<void> {
    await this.#perform('modifyMessage', data);
  }

  /** `room.create`: makes a room, tells its first members. */
  async receiveRoomCreate(data: payloads.RoomCreatePayload): Promise<void> {
    await this.#perform('createRoom', this.user, data);
  }

  /** `room.list`: answers with the user's rooms. */
  async receiveRoomList(data: payloads.CursorPayload): Promise<void> {
    if (this.#isRead('listRooms', '_listRooms')) {
      this.#run.outcome.privateText('roomlist.dispatch', await listRoomsText(this.runtime, this.user.id, data));
    } else this.send('roomlist.dispatch', await this.eventHandler.listRooms(this.user, data));
  }

  /** `room.discover`: answers with public channels. */
  async receiveRoomDiscover(data: payloads.EventPayloads['room.discover']): Promise<void> {
    this.send('roomdiscover.dispatch', await this.eventHandler.discoverRooms(this.user, data));
  }

  /** `room.info`: answers with the room. */
  async receiveRoomInfo({ room_id }: payloads.RoomIdPayload): Promise<void> {
    this.send('roominfo.dispatch', await this.eventHandler.retrieveRoom({ id: room_id }));
  }

  /** `room.members`: answers with a page of members. */
  async receiveRoomMembers(data: payloads.EventPayloads['room.members']): Promise<void> {
    this.send('roommembers.dispatch', await this.eventHandler.listMembers({ id: data.room_id }, data));
  }

  /** `room.messages`: answers with history, newest first. */
  async receiveRoomMessages(data: payloads.RoomMessagesPayload): Promise<void> {
    if (!this.#isRead('retrieveMessages', '_retrieveMessages')) {
      return this.send('roommessages.dispatch', await this.eventHandler.retrieveMessages({ id: data.room_id }, data));
    }
    const userId = this.#asksInRead ? this.user.id : null;
    const { text, isMember } = await readHistoryText(this.runtime, data.room_id, data, userId);
    await this.#run.permit(isMember);
    this.#run.outcome.privateText('roommessages.dispatch', text);
  }

  /** `room.join`: the user becomes a member; tells the room. */
  async receiveRoomJoin({ room_id }: payloads.RoomIdPayload): Promise<void> {
    await this.#perform('joinRoom', this.user, room_id);
  }

  /** `room.leave`: the user is no member any more; tells the room and the user. */
  async receiveRoomLeave({ room_id }: payloads.RoomIdPayload): Promise<void> {
    await this.#perform('leaveRoom', this.user, { id: room_id });
  }

  /** `room.add_members`: others become members; tells the room, them included. */
  async receiveRoomAddMembers({ room_id, members }: payloads.RoomMembersPayload): Promise<void> {
    await this.#perform('addMembersToRoom', members, { id: room_id });
  }

  /** `room.remove_members`: others are no members any more; tells the room and them. */
  async receiveRoomRemoveMembers({ room_id, members }: payloads.RoomMembersPayload): Promise<void> {
    await this.#perform('removeMembersFromRoom', members, { id: room_id }, this.user);
  }

  /** `room.modify`: changes or deletes the room, its admins or permissions; tells the room. */
  async receiveRoomModify(data: payloads.RoomModifyPayload): Promise<void> {
    await this.#perform('modifyRoom', data, { id: data.room_id });
  }

  /** `session.heartbeat`: the session is alive; answers with a status. */
  async receiveSessionHeartbeat(): Promise<void> {
    if (this.session) await this.eventHandler.updateSession(this.session);
    this.#run.outcome.status();
  }

  /** The gateway answers it: a token never reaches a worker. */
  async receiveSessionRefresh(): Promise<void> {
    throw new ValidationError('session.refresh is only for connections.');
  }

  /** `session.resume`: answers with what can be recovered; the gateway replays it before the answer. */
  async receiveSessionResume({ rooms }: payloads.SessionResumePayload): Promise<void> {
    const { answer, ranges } = await planResume(this.runtime, this.user, rooms);
    this.send('session.resumed', { rooms: answer });
    this.#run.forGateway = { ranges };
  }

  /** Who is told what an operation made, inside its transaction; by the operation's name and arguments. */
  static readonly #tellers: Tellers = {
    createMessage: (to, message) => {
      to.sendGroup(`group-${message.room.id}`, 'message.dispatch', message);
      to.acknowledge({ message_id: message.id, seq: message.seq });
    },
    messageAcknowledged: (to, messages) => {
      // Who has left must not learn from it who is in the room, and what they make of the message.
      const told = messages.filter(({ id }) => to.#unit?.receipts.hasSender(id) ?? true);
      for (const senderId of new Set(told.map(({ sender }) => sender.id))) {
        const theirs = told.filter(({ sender }) => sender.id === senderId);
        to.sendGroup(`user-${senderId}`, 'messagedelivered.dispatch', theirs);
      }
      to.acknowledge();
    },
    createReadReceipt: (to, rooms, _user, messageId) => {
      for (const [roomId, messages] of rooms) {
        const shown = typeof messageId === 'string' ? messages[0]! : messages;
        to.sendGroup(`group-${roomId}`, 'readreceipt.dispatch', shown);
      }
      to.acknowledge();
    },
    reactToMessage: (to, result) => {
      if (result.status === 'failed') to.send('reaction.dispatch', result);
      else to.sendGroup(`group-${result.message.room.id}`, 'reaction.dispatch', result);
      to.acknowledge({ status: result.status });
    },
    modifyMessage: (to, result) => {
      to.sendGroup(`group-${to.#run.access.roomIds[0]}`, 'messagemodification.dispatch', result);
      to.acknowledge();
    },
    createRoom: (to, room) => {
      to.sendGroup(`group-${room.id}`, 'roomcreate.dispatch', room);
      to.acknowledge({ room_id: room.id });
    },
    joinRoom: (to, result, _user, roomId) => to.#tellJoined(roomId, result, 'self'),
    leaveRoom: (to, result, _user, { id }) => {
      const name = (result.room as { name?: string } | null)?.name ?? 'the room';
      to.#tellLeft(id, result, 'self', `You left ${name}`);
    },
    addMembersToRoom: (to, result, _ids, { id }) => to.#tellJoined(id, result, to.#username),
    removeMembersFromRoom: (to, result, _ids, { id }) =>
      to.#tellLeft(id, result, to.#username, `You have been removed by ${to.#username}`),
    modifyRoom: (to, room, _data, { id }) => {
      if (room) to.sendGroup(`group-${id}`, 'roomupdate.dispatch', room);
      else {
        to.sendGroup(`group-${id}`, 'roomdelete.dispatch', { room_id: id });
        to.#run.outcome.delete(id);
      }
      to.acknowledge();
    },
  };

  // How an event runs.

  /**
   * Runs the event of this consumer's job and answers it. Rejects, after answering, when it failed for no known reason.
   * `known`: what was read for several events at once, for `options.read` of the guard. `line`: those behind it in line
   * begin with its write when nothing of the host's runs before or after that.
   */
  run(
    mayHaveRun: boolean,
    signal?: Deadline,
    known?: ReadonlyMap<string, Promise<unknown>>,
    line?: Line,
  ): Promise<StoredOutcome> {
    const handle = async () => {
      const { guard, handler, schema, plain, asksUnderLock } = this.#registered;
      const data = (plain?.(this.job.data) ?? checkPayload(schema, this.job.data)) as never;
      const mayWait = asksUnderLock === true || (asksUnderLock && this.#isUnchanged(handler, asksUnderLock));
      this.#asksInRead = guard === (canAccessRoom as Guard) && this.#readsMessages(handler);
      await this.#run.enter(
        (unit) => {
          const options = unit ? { transaction: unit.transaction, unit, read: new Map() } : { read: new Map(known) };
          return askGuard(guard(this, data, options));
        },
        mayWait || this.#asksInRead ? { roomIds: await this.#roomIdsOf(data) } : undefined,
      );
      await handler.call(this, data);
    };
    return this.#run.run(mayHaveRun, handle, signal, line && this.#isOwn() ? line : undefined);
  }

  /** Whether it waits for the database, not for anything a handler does. */
  isHeldUp(): Promise<boolean> {
    return this.#run.isHeldUp();
  }

  /** What was committed; undefined as long as nothing was. */
  get committed(): StoredOutcome | undefined {
    return this.#run.committed;
  }

  /** Answers an event that was cut short after a commit: what is done is done. */
  conclude(): Promise<void> {
    return this.#run.conclude();
  }

  get #registered(): CheckedRegistration {
    this.#registration ??= this.runtime.registration(this);
    return this.#registration;
  }

  /** The same of this event as it is registered, for one that names its operation. */
  #isOwn(): boolean {
    const { handler, asksUnderLock } = this.#registered;
    return typeof asksUnderLock === 'string' && this.#isUnchanged(handler, asksUnderLock);
  }

  /** Whether what asks and what handles is the package's own: that does nothing before its write. */
  #isUnchanged(handler: unknown, operation: keyof EventHandler): boolean {
    const { name } = handler as { readonly name: string };
    const own = ChatMessagingConsumer.prototype as unknown as Record<string, unknown>;
    return (
      own[name] === handler &&
      this.eventHandler[operation] === EventHandler.prototype[operation] &&
      Object.getPrototypeOf(this.permissionHandler) === PermissionHandler.prototype
    );
  }

  /** Whether it reads messages, and membership with them: then what the guard asks for needs no statement of its own. */
  #readsMessages(handler: unknown): boolean {
    const { receiveRoomMessages } = ChatMessagingConsumer.prototype;
    return (
      handler === receiveRoomMessages &&
      this.#isRead('retrieveMessages', '_retrieveMessages') &&
      this.#isUnchanged(handler, 'retrieveMessages')
    );
  }

  /** Whether these operations, and `send`, are the package's own: then their answer may be read as text. */
  #isRead(...operations: readonly (keyof EventHandler)[]): boolean {
    return (
      this.send === ChatMessagingConsumer.prototype.send &&
      operations.every((name) => this.eventHandler[name] === EventHandler.prototype[name])
    );
  }

  async #roomIdsOf(data: { readonly room_id: string } | payloads.MessageIdsPayload): Promise<string[]> {
    if ('room_id' in data) return [data.room_id];
    const ids = typeof data.message_id === 'string' ? [data.message_id] : data.message_id;
    return this.runtime.messageRooms.of(ids, () => this.permissionHandler.messages(ids));
  }

  get #username(): string {
    return String(this.user.username ?? this.user.id);
  }

  /** Runs one of the handler's operations; one that an override does without a write is told of afterwards. */
  async #perform<Name extends keyof Tellers>(name: Name, ...args: Parameters<EventHandler[Name]>): Promise<void> {
    const operation = this.eventHandler[name] as (...args: unknown[]) => Promise<never>;
    const result = await operation.apply(this.eventHandler, args as unknown[]);
    const told = this.#told.filter(([one]) => one === name);
    if (told.length === 0) this.#tellOf([name, ...(args as unknown[])], result);
    else if (!told.some(([, one]) => one === result)) warnOfOtherResult(this.runtime, this.eventHandler, name);
  }

  #tellOf([name, ...args]: readonly [name: string, ...args: unknown[]], result: unknown, unit?: UnitOfWork): void {
    this.#unit = unit;
    this.#told.push([name, result]);
    refuseOtherResult(this.eventHandler, name, result);
    const tell = ChatMessagingConsumer.#tellers[name as keyof Tellers] as (...args: unknown[]) => void;
    tell(this, result, ...args);
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
      if (isEmpty) this.#run.outcome.delete(roomId);
      else
        this.sendGroup(group, 'roomremovemembers.dispatch', { room, removed_members: removed, removed_by: removedBy });
    }
    this.acknowledge();
  }
}

/** A logger whose entries name the event. */
export function loggerOf({ logger }: Pick<WorkerContext, 'logger'>, job: ChatJob): Logger {
  return logger.child({ jobId: job.id, eventType: job.type, userId: job.userId });
}

function parseGroup(group: string): { kind: 'group' | 'user'; id: string } {
  const [, kind, id] = /^(group|user)-(.+)$/s.exec(group) ?? [];
  if (!kind || !id) throw new Error(`"${group}" is not a group: use group-<room id> or user-<user id>.`);
  return { kind: kind as 'group' | 'user', id };
}
