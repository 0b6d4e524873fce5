import type { Sequelize, Transaction } from 'sequelize';
import type { Logger } from 'winston';
import type { ChatModels } from '../models/index.js';
import type { ResolvedSettings } from '../settings/settings.js';

/** What every part that reads or writes the database works with. One per chat; nothing here is module state. */
export interface StoreContext {
  readonly sequelize: Sequelize;
  readonly models: ChatModels;
  readonly settings: ResolvedSettings;
  readonly logger: Logger;
}

/** The last argument of every `_` method: the transaction that all of its statements must name. */
export interface TransactionOptions {
  readonly transaction?: Transaction | undefined;
}
