import type { UserId } from '../../protocol/shapes.js';
import type { LoadedUser } from '../../serializers/index.js';

/** At most this many users are kept; the oldest go first. */
const CACHE_SIZE = 10_000;

/** Users loaded a moment ago. A changed name may therefore show late, by at most the seconds given. */
export class UserCache {
  readonly #keepFor: number;
  readonly #entries = new Map<string, { readonly user: LoadedUser; readonly until: number }>();

  /** @param seconds how long a loaded user may be used (setting `userCacheFor`); 0 keeps none. */
  constructor(seconds: number) {
    this.#keepFor = seconds * 1000;
  }

  get(id: UserId): LoadedUser | undefined {
    const entry = this.#entries.get(String(id));
    if (!entry) return undefined;
    if (entry.until > performance.now()) return entry.user;
    this.#entries.delete(String(id));
    return undefined;
  }

  set(id: UserId, user: LoadedUser): void {
    if (this.#keepFor === 0) return;
    this.#entries.delete(String(id));
    this.#entries.set(String(id), { user, until: performance.now() + this.#keepFor });
    if (this.#entries.size > CACHE_SIZE) this.#entries.delete(this.#entries.keys().next().value as string);
  }
}
