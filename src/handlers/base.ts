import type { Transaction } from 'sequelize';
import type { Logger } from 'winston';
import { type ChatModels, modelNamed, type Room } from '../models/index.js';
import type { ActingUser, PermissionHandler } from '../permissions/permission-handler.js';
import type { Serializers } from '../serializers/index.js';
import type { ResolvedSettings } from '../settings/settings.js';
import type { StoreContext, TransactionOptions } from '../store/context.js';
import type { UserCache } from '../store/reads/user-cache.js';
import type { ReceiptRequest } from '../store/receipts.js';
import type { ClientRequest } from '../store/requests.js';
import type { Pair } from '../store/standing.js';
import type { UnitOfWork } from '../store/unit-of-work.js';

/** What all handlers of a chat share. */
export interface HandlerContext extends StoreContext {
  readonly serializers: Serializers;
  readonly users: UserCache;
  readonly permissionHandler: PermissionHandler;
}

/** The last argument of every `_` method that writes. Every statement must name `transaction`. */
export interface WriteOptions {
  readonly transaction: Transaction;
  /** Locked rooms, their numbers, and rows to insert with the commit. */
  readonly unit: UnitOfWork;
  /** The room as the guard found it under the lock, where the event names one. */
  readonly room?: Room | undefined;
}

/** What a write needs before it runs. */
export interface WriteRequest {
  /** The operation it is, and with what: so that whoever it concerns is told, whichever event it is part of. */
  readonly operation?: readonly [name: string, ...args: unknown[]] | undefined;
  /** Rooms to lock; by default those that the event's guard named. */
  readonly roomIds?: string[] | undefined;
  readonly pairs?: readonly Pair[] | undefined;
  readonly requests?: readonly ClientRequest[] | undefined;
  /** Messages that it acknowledges or reads. */
  readonly receipts?: readonly ReceiptRequest[] | undefined;
  readonly grouped?: boolean | undefined;
  /** Asked under the lock, after the guard; reads only. */
  check?(unit: UnitOfWork): Promise<void>;
}

/** One event, as its handler sees it. Given by the consumer. */
export interface EventScope {
  /** The event's id in the database; the client id of a message that came without one. */
  readonly jobId: string;
  readonly user: ActingUser;
  /** Runs the write in its transaction, under the rooms' locks, with the guard asked again; commits and publishes. */
  write<T>(request: WriteRequest, run: (options: WriteOptions) => Promise<T>): Promise<T>;
  /** Runs `effect` after the event is answered, outside its time. A throw is logged. */
  afterCommit(effect: () => unknown): void;
}

/** What every part of EventHandler has at hand. */
export abstract class BaseHandler {
  protected readonly context: HandlerContext;
  protected readonly scope: EventScope;

  /** The options of the write under way. */
  #options: WriteOptions | undefined;
  /** How many client ids were given to what came without one: by the writes committed, and with the one under way. */
  #givenBefore = 0;
  #given = 0;

  constructor(context: HandlerContext, scope: EventScope) {
    this.context = context;
    this.scope = {
      ...scope,
      write: async (request, run) => {
        const result = await scope.write(request, async (options) => {
          this.#options = options;
          // This may be a second try, after a deadlock: it gives the same ids.
          this.#given = this.#givenBefore;
          try {
            return await run(options);
          } finally {
            this.#options = undefined;
          }
        });
        this.#givenBefore = this.#given;
        return result;
      },
    };
  }

  /** What a `_` method that writes takes when an override calls it without options: those of the write under way. */
  protected get writing(): WriteOptions {
    if (this.#options) return this.#options;
    throw new Error(
      'A method with _ before its name writes inside a transaction only: call the one without _ instead.',
    );
  }

  /** The client id of a message or room that came without one: the job's id, with a number when it makes several. */
  protected nextClientId(): string {
    const { jobId } = this.scope;
    this.#given += 1;
    return this.#given === 1 ? jobId : `${jobId}-${this.#given}`;
  }

  /** The same for `_` methods that read, which may be called outside of a write too. */
  protected get reading(): TransactionOptions {
    return this.#options ?? {};
  }

  /** The configured models, `models.Message`, besides `models.User`. */
  protected get models(): ChatModels {
    return this.context.models;
  }

  /** The same by name, as `chat.getModel`; without its default scope, as all that handlers use. */
  protected getModel<N extends keyof ChatModels>(name: N): ChatModels[N] {
    return modelNamed(this.context.models, name);
  }

  /** The configured serializer, as `chat.getSerializer`. It shows what was loaded; `_retrieveRoom` reads a whole room. */
  protected get getSerializer(): Serializers['getSerializer'] {
    return this.context.serializers.getSerializer;
  }

  protected get settings(): ResolvedSettings {
    return this.context.settings;
  }

  /** `serializers.getSerializer('MessageSerializer')`: the configured one. */
  protected get serializers(): Serializers {
    return this.context.serializers;
  }

  protected get permissionHandler(): PermissionHandler {
    return this.context.permissionHandler;
  }

  protected get logger(): Logger {
    return this.context.logger;
  }

  /** Runs a side effect after the event is committed and answered. It cannot undo or delay it; a throw is logged. */
  protected afterCommit(effect: () => unknown): void {
    this.scope.afterCommit(effect);
  }
}
