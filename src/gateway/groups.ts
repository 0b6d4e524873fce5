// Long: joining, leaving, order and repair of a room's broadcasts are one state machine.

import type { Logger } from 'winston';
import type { Control, GatewayLink } from '../broadcast/broadcast.js';
import type { Envelope } from '../protocol/envelope.js';
import { textFrame } from './text-frame.js';

/** A connection as the groups see it. */
export interface GroupMember {
  readonly userId: string;
  readonly isClosed: boolean;
  /** The groups it is in; kept by Groups. */
  readonly rooms: Set<RoomGroup>;
  /** Sends a frame made by `textFrame`. `lossy` frames are dropped when the client reads slowly. */
  deliver(frame: Buffer, lossy?: boolean): void;
  /** Closes it: what it should have received cannot be had any more. */
  abandon(): void;
}

/** One room that somebody here is a member of. */
export interface RoomGroup {
  readonly id: string;
  /** Everything up to this offset has been handled. */
  lastOffset: number;
  readonly members: Set<GroupMember>;
  /** Envelopes that came before one that is missing. */
  readonly early: Map<number, Envelope>;
  /** What waits for an offset to be handled. */
  readonly waiting: Array<{ offset: number; run: () => void }>;
  /** Uses besides members: joins and connects under way. */
  holds: number;
  opened: Promise<void>;
  repairing: Promise<void> | undefined;
}

export interface GroupsOptions {
  readonly link: GatewayLink;
  readonly logger: Logger;
  /** Reads committed envelopes through a worker, when the short history does not reach back far enough. */
  replay(roomId: string, after: number): Promise<Envelope[]>;
}

/** Broadcasts of a room that are not kept any more, though they should be. */
class BroadcastsGone extends Error {
  constructor(roomId: string, after: number) {
    super(`The broadcasts of room ${roomId} after ${after} can not be had any more.`);
    this.name = 'BroadcastsGone';
  }
}

/** How long an answer waits for a broadcast it stands behind before the gateway goes and asks for it. */
const patience = 250;

/**
 * Which connections here belong to which room and user, and each room's broadcasts in offset order. Membership changes
 * take effect at their offset: a connection that left at offset 7 has seen 6 and never sees 8.
 */
export class Groups {
  readonly #options: GroupsOptions;
  readonly #rooms = new Map<string, RoomGroup>();
  readonly #users = new Map<string, Set<GroupMember>>();
  /** Where connections left rooms: what stands before that is of a stay that is over for them, however late it is told. */
  readonly #lefts = new WeakMap<GroupMember, Map<string, number>>();
  /** While paused: resolves when it goes on. */
  #pausing: { readonly over: Promise<void>; end(): void } | undefined;
  #pauses = 0;
  /** What is to be sent to users when it goes on. */
  #heldControls: Array<() => void> = [];

  constructor(options: GroupsOptions) {
    this.#options = options;
  }

  get roomIds(): string[] {
    return [...this.#rooms.keys()];
  }

  get userIds(): string[] {
    return [...this.#users.keys()];
  }

  /** Which rooms each connection is in. */
  held(): Map<GroupMember, string[]> {
    const members = [...this.#users.values()].flatMap((connections) => [...connections]);
    return new Map(members.map((member) => [member, [...member.rooms].map(({ id }) => id)]));
  }

  get isPaused(): boolean {
    return this.#pausing !== undefined;
  }

  /** Delivers nothing until `resume`: who is a member of what may have changed unheard. Typing is dropped. */
  pause(): void {
    this.#pauses += 1;
    if (this.#pausing) return;
    let end = () => {};
    const over = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#pausing = { over, end };
  }

  /** Goes on with what arrived meanwhile, in order. */
  resume(): void {
    const pausing = this.#pausing;
    this.#pausing = undefined;
    for (const run of this.#heldControls.splice(0)) run();
    for (const room of [...this.#rooms.values()]) {
      this.#applyEarly(room);
      if (room.early.size > 0) void this.#repair(room, Math.max(...room.early.keys()));
    }
    pausing?.end();
  }

  /**
   * Takes connections out of a room that their users are no members of any more. Not those whose removal is among the
   * broadcasts up to `offset` that are still to be delivered: they have a right to what came before it.
   */
  async dismiss(roomId: string, offset: number, members: readonly GroupMember[]): Promise<void> {
    const room = this.#rooms.get(roomId);
    if (!room) return;
    const gone = new Set(members);
    try {
      for await (const page of this.replay(roomId, room.lastOffset, offset)) {
        for (const { joined, left, deleted } of page) {
          for (const member of members) {
            if (deleted || left?.some(({ userIds }) => userIds.includes(member.userId))) gone.delete(member);
            else if (joined?.includes(member.userId)) gone.add(member);
          }
        }
      }
    } catch (error) {
      if (!(error instanceof BroadcastsGone)) throw error;
      // What they had a right to is among what is gone.
      for (const member of members) member.abandon();
    }
    for (const member of gone) this.#leave(room, member);
  }

  connectionsOf(userId: string): ReadonlySet<GroupMember> {
    return this.#users.get(userId) ?? new Set();
  }

  /** Takes a connection in: from now on controls for its user arrive. Rooms follow by `attach`. */
  async add(member: GroupMember): Promise<void> {
    const connections = this.#users.get(member.userId);
    if (connections) connections.add(member);
    else this.#users.set(member.userId, new Set([member]));
    await this.#options.link.watchUser(member.userId);
  }

  /** Lets a connection go, with all its rooms. */
  async remove(member: GroupMember): Promise<void> {
    for (const room of [...member.rooms]) this.#detach(room, member);
    const connections = this.#users.get(member.userId);
    if (!connections?.delete(member) || connections.size > 0) return;
    this.#users.delete(member.userId);
    await this.#options.link.unwatchUser(member.userId);
    // Somebody may have connected meanwhile; the last word must be that the user is here.
    if (this.#users.has(member.userId)) await this.#options.link.watchUser(member.userId);
  }

  /**
   * Puts a connection into a room that its user was a member of when the room stood at `offset`, and gives it what was
   * broadcast since.
   */
  async attach(member: GroupMember, roomId: string, offset: number): Promise<void> {
    if (this.#leftAt(member, roomId) > offset) return;
    const room = this.#hold(roomId, offset);
    const pauses = this.#pauses;
    try {
      await room.opened;
      if (room.lastOffset < offset) await this.#repair(room, offset);
      let isMember = true;
      for (let from = offset; from < room.lastOffset && !member.rooms.has(room); ) {
        const missed = (await this.#read(room.id, from)).filter(({ offset: at }) => at <= room.lastOffset);
        // It came in by a broadcast meanwhile, and has what followed.
        if (member.rooms.has(room)) return;
        if (missed.length === 0) return member.abandon();
        for (const envelope of missed) {
          isMember = catchUp(member, envelope, isMember);
          from = envelope.offset;
        }
      }
      // That its user is a member was read before the pause, and may have changed.
      if (isMember && pauses !== this.#pauses) return member.abandon();
      if (isMember && !member.isClosed) this.#enter(room, member);
    } finally {
      this.#release(room);
    }
  }

  /** Takes a connection out of a room that its user is not a member of any more. */
  detach(member: GroupMember, roomId: string): void {
    const room = this.#rooms.get(roomId);
    if (room) this.#leave(room, member);
  }

  /** Handles a broadcast that arrived: in order, once. */
  receive(envelope: Envelope): void {
    const room = this.#rooms.get(envelope.roomId);
    if (!room || envelope.offset <= room.lastOffset) return;
    if (this.#pausing) {
      room.early.set(envelope.offset, envelope);
    } else if (envelope.offset === room.lastOffset + 1) {
      this.#apply(room, envelope);
      this.#applyEarly(room);
    } else {
      room.early.set(envelope.offset, envelope);
      void this.#repair(room, envelope.offset);
    }
  }

  /** Typing: to whoever is there. */
  whisper(roomId: string, frame: string): void {
    const room = this.#rooms.get(roomId);
    if (!room || room.members.size === 0 || this.#pausing) return;
    const bytes = textFrame(frame);
    for (const member of room.members) member.deliver(bytes, true);
  }

  control(control: Extract<Control, { kind: 'frames' | 'join' }>): void {
    if (control.kind === 'frames') {
      if (this.#pausing) return void this.#heldControls.push(() => this.control(control));
      const frames = control.frames.map((frame) => textFrame(frame));
      for (const userId of control.userIds) {
        for (const member of this.connectionsOf(userId)) for (const frame of frames) member.deliver(frame);
      }
    } else if (control.userIds.some((userId) => this.#users.has(userId))) {
      void this.#join(control.roomId, control.offset);
    }
  }

  /** Runs at once when the room's broadcasts up to `offset` have been handled here, else when they have been. */
  whenReached(roomId: string, offset: number, run: () => void): void {
    const room = this.#rooms.get(roomId);
    if (!room || room.lastOffset >= offset) {
      run();
      return;
    }
    room.waiting.push({ offset, run });
    const timer = setTimeout(() => void this.#repair(room, offset), patience);
    timer.unref();
  }

  /** After a cut link: these are the rooms' true offsets; what is missing is fetched. */
  async verify(offsets: ReadonlyArray<readonly [roomId: string, offset: number]>): Promise<void> {
    await Promise.all(
      offsets.map(([roomId, offset]) => {
        const room = this.#rooms.get(roomId);
        return room && room.lastOffset < offset ? this.#repair(room, offset) : undefined;
      }),
    );
  }

  /**
   * All broadcasts of a room with `after` < offset <= `upTo`, page by page, for a connection that resumes. Throws when
   * not all of them can be had.
   */
  async *replay(roomId: string, after: number, upTo: number): AsyncGenerator<Envelope[]> {
    for (let from = after; from < upTo; ) {
      const page = (await this.#read(roomId, from)).filter(({ offset }) => offset <= upTo);
      if (page.length === 0) throw new BroadcastsGone(roomId, from);
      yield page;
      from = page.at(-1)!.offset;
    }
  }

  async #join(roomId: string, offset: number): Promise<void> {
    const room = this.#hold(roomId, offset - 1);
    try {
      await room.opened;
      await this.#repair(room, offset);
    } finally {
      this.#release(room);
    }
  }

  #hold(roomId: string, offset: number): RoomGroup {
    let room = this.#rooms.get(roomId);
    if (!room) {
      room = {
        id: roomId,
        lastOffset: offset,
        members: new Set(),
        early: new Map(),
        waiting: [],
        holds: 0,
        opened: this.#options.link.subscribe([roomId]),
        repairing: undefined,
      };
      this.#rooms.set(roomId, room);
    }
    room.holds += 1;
    return room;
  }

  #release(room: RoomGroup): void {
    room.holds -= 1;
    this.#closeIfEmpty(room);
  }

  #closeIfEmpty(room: RoomGroup): void {
    if (room.members.size > 0 || room.holds > 0 || this.#rooms.get(room.id) !== room) return;
    this.#rooms.delete(room.id);
    for (const { run } of room.waiting.splice(0)) run();
    // A room that is opened again meanwhile must stay subscribed: the commands go out in this order.
    this.#options.link.unsubscribe([room.id]).catch((error: Error) => {
      this.#options.logger.warn('Unsubscribing from a room failed.', { error });
    });
  }

  #enter(room: RoomGroup, member: GroupMember): void {
    room.members.add(member);
    member.rooms.add(room);
  }

  /** Where the connection left the room; below every offset when it did not. */
  #leftAt(member: GroupMember, roomId: string): number {
    return this.#lefts.get(member)?.get(roomId) ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes a connection out of a room for good, or until it joins anew. */
  #leave(room: RoomGroup, member: GroupMember): void {
    const lefts = this.#lefts.get(member);
    if (lefts) lefts.set(room.id, room.lastOffset);
    else this.#lefts.set(member, new Map([[room.id, room.lastOffset]]));
    this.#detach(room, member);
  }

  #detach(room: RoomGroup, member: GroupMember): void {
    member.rooms.delete(room);
    room.members.delete(member);
    this.#closeIfEmpty(room);
  }

  #apply(room: RoomGroup, { offset, frame, joined, left, deleted }: Envelope): void {
    room.lastOffset = offset;
    room.holds += 1;
    for (const userId of joined ?? []) {
      for (const member of this.connectionsOf(userId)) {
        if (this.#leftAt(member, room.id) < offset) this.#enter(room, member);
      }
    }
    for (const { userIds, frames } of left ?? []) {
      const exits = frames.map((text) => textFrame(text));
      for (const userId of userIds) {
        for (const member of this.connectionsOf(userId)) {
          // One that is coming in reads of it by itself; any other is out already, or in by a later stay.
          if (!room.members.has(member)) continue;
          for (const exit of exits) member.deliver(exit);
          this.#leave(room, member);
        }
      }
    }
    if (frame !== undefined) {
      const bytes = textFrame(frame);
      for (const member of room.members) member.deliver(bytes);
    }
    if (deleted) for (const member of [...room.members]) this.#leave(room, member);
    for (let index = 0; index < room.waiting.length; ) {
      if (room.waiting[index]!.offset > offset) index += 1;
      else room.waiting.splice(index, 1)[0]!.run();
    }
    this.#release(room);
  }

  #applyEarly(room: RoomGroup): void {
    for (;;) {
      const next = room.early.get(room.lastOffset + 1);
      if (!next) break;
      room.early.delete(next.offset);
      this.#apply(room, next);
    }
    if (room.early.size > 0)
      for (const offset of room.early.keys()) if (offset <= room.lastOffset) room.early.delete(offset);
  }

  /** Fetches what is missing up to `target`, one fetch at a time per room. */
  #repair(room: RoomGroup, target: number): Promise<void> {
    if (room.lastOffset >= target) return Promise.resolve();
    const previous = room.repairing ?? Promise.resolve();
    const repairing = previous.then(() => this.#fetch(room, target));
    room.repairing = repairing;
    return repairing;
  }

  async #fetch(room: RoomGroup, target: number): Promise<void> {
    while (room.lastOffset < target && this.#rooms.get(room.id) === room) {
      if (this.#pausing) {
        await this.#pausing.over;
        continue;
      }
      const from = room.lastOffset;
      let missing: Envelope[];
      try {
        missing = await this.#read(room.id, from);
        // It was frozen while it read: first it must be known who may have it.
        if (this.#pausing) continue;
      } catch (error) {
        this.#options.logger.warn('Fetching missed broadcasts failed; trying again.', { roomId: room.id, error });
        await new Promise((resolve) => setTimeout(resolve, 1000));
        continue;
      }
      for (const envelope of missing) if (envelope.offset === room.lastOffset + 1) this.#apply(room, envelope);
      this.#applyEarly(room);
      if (room.lastOffset === from) return this.#giveUp(room);
    }
  }

  /** What is missing is forgotten everywhere: its members connect anew rather than go on with a hole. */
  #giveUp(room: RoomGroup): void {
    this.#options.logger.error('Missed broadcasts of a room can not be had any more; closing its connections.', {
      roomId: room.id,
    });
    for (const member of [...room.members]) member.abandon();
    for (const { run } of room.waiting.splice(0)) run();
  }

  /** The broadcasts right after `after`, up to the first that is missing. */
  async #read(roomId: string, after: number): Promise<Envelope[]> {
    const history = await this.#options.link.history(roomId, after);
    const found = history && history.length > 0 ? history : await this.#options.replay(roomId, after);
    const hole = found.findIndex(({ offset }, index) => offset !== after + 1 + index);
    return hole < 0 ? found : found.slice(0, hole);
  }
}

/** What one envelope of the past means to one connection. Returns whether its user is a member after it. */
function catchUp(member: GroupMember, { frame, joined, left, deleted }: Envelope, isMember: boolean): boolean {
  const departure = left?.find(({ userIds }) => userIds.includes(member.userId));
  if (departure) {
    if (isMember) for (const exit of departure.frames) member.deliver(textFrame(exit));
    return false;
  }
  const isPresent = isMember || (joined?.includes(member.userId) ?? false);
  if (isPresent && frame !== undefined) member.deliver(textFrame(frame));
  return isPresent && !deleted;
}
