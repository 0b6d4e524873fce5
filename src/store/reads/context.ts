import type { Serializers } from '../../serializers/index.js';
import type { StoreContext } from '../context.js';
import type { UserCache } from './user-cache.js';

/** What the reads work with. */
export interface ReadContext extends Pick<StoreContext, 'sequelize' | 'models' | 'settings'> {
  readonly serializers: Serializers;
  /** Keeps loaded users for a while; absent: each read loads its own. */
  readonly users?: UserCache | undefined;
}
