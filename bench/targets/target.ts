/** A server under load: how it is started, filled and looked into. */
import type { LoadUser, ProtocolName } from '../load/protocols.js';

/** Who is there. Users are numbered from 1; members are such numbers. */
export interface WorldPlan {
  readonly users: number;
  readonly rooms: readonly { readonly members: readonly number[] }[];
}

/** What became of a plan: users in its order, ids of its rooms. */
export interface World {
  readonly users: readonly LoadUser[];
  readonly roomIds: readonly string[];
}

/** One running system, of one or several processes. */
export interface Target {
  readonly name: string;
  readonly protocol: ProtocolName;
  readonly ports: readonly number[];
  /** Its own processes by role; what it shares (the database) is not in it. */
  readonly processes: Readonly<Record<string, number>>;
  /** Its own Redis, if it has one. */
  readonly redisUrl?: string | undefined;
  /** Makes users and rooms, more with each call. */
  fill(plan: WorldPlan): Promise<World>;
  /** Adds so many messages to each room, a second apart up to now. What the ids of each room's begin with; see `numberInId`. */
  fillMessages(fill: MessageFill): Promise<readonly string[]>;
  /** The address of the debugger of a process that was started with `inspect`. */
  debuggerOf(role: string): string;
  /** How many messages its database holds; undefined without a database. */
  countMessages(): Promise<number | undefined>;
  stop(): Promise<void>;
}

/** Messages that are there before anybody connects. */
export interface MessageFill {
  readonly roomIds: readonly string[];
  readonly senderId: number;
  /** In each room. */
  readonly count: number;
  /** Who is to be told of each, where that costs rows. */
  readonly recipientId?: number;
}

/** What targets are started with. */
export interface Surroundings {
  /** Makes an empty database, and says where. */
  database(): Promise<string>;
  /** The repository, and the folder of the compiled bench. */
  readonly root: string;
  readonly built: string;
  /** What Node is given for this project's processes: what makes a profile, say. Node 20 takes that in no NODE_OPTIONS. */
  readonly nodeArguments: readonly string[];
}

/** How many processes, where there is a choice. */
export interface TargetOptions {
  readonly workers?: number;
  readonly gateways?: number;
  /** Milliseconds of processor time that this project's handler takes for each message, besides its own work. */
  readonly busy?: number;
  /** Let memory be looked into. */
  readonly inspect?: boolean;
  /** Put a queue between the sockets and the database, where there is a choice. */
  readonly queued?: boolean;
  /** Leave out the database, where there is a choice. */
  readonly fanOut?: boolean;
}
