import { PermissionDenied, ValidationError } from '../protocol/errors.js';
import type { AuthenticatedUser, AuthenticationResult, Refresh } from '../settings/settings.js';

/** The longest delay a timer takes. */
const maxTimer = 2 ** 31 - 1;

/** Whose a connection is, and until when. */
export class Identity {
  readonly #expired: () => void;
  #user: object | null = null;
  #userId = '';
  #expiresAt: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param expired called when the time is over and nothing was refreshed. */
  constructor(expired: () => void) {
    this.#expired = expired;
  }

  /** What `authenticate` said; null before. */
  get user(): object | null {
    return this.#user;
  }

  /** The user's id as text; empty before. */
  get userId(): string {
    return this.#userId;
  }

  /** Takes an authentication's result; false when it names nobody. */
  adopt(result: AuthenticationResult): boolean {
    const found = read(result);
    if (!found) return false;
    this.#user = found.user;
    this.#userId = found.userId;
    this.#expire(found.expiresAt);
    return true;
  }

  /** `session.refresh`: a token of the same user that does not end earlier. Anything else leaves all as it was. */
  async refresh(data: Record<string, unknown>, refresh: Refresh | undefined): Promise<void> {
    const { token, ...others } = data;
    if (typeof token !== 'string' || token === '') throw new ValidationError({ token: ['A token is required.'] });
    const names = Object.keys(others);
    if (names.length > 0) {
      throw new ValidationError(Object.fromEntries(names.map((name) => [name, ['This field is not allowed.']])));
    }
    if (!refresh) throw new ValidationError('This server does not refresh sessions; connect again.');
    const found = read(await refresh(token));
    const isOlder = found?.expiresAt !== undefined && found.expiresAt < (this.#expiresAt ?? 0);
    if (found?.userId !== this.#userId || isOlder) {
      throw new PermissionDenied('The token is not valid for this session.');
    }
    this.#user = found.user;
    this.#expire(found.expiresAt);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #expire(expiresAt: number | undefined): void {
    clearTimeout(this.#timer);
    this.#expiresAt = expiresAt;
    if (expiresAt === undefined) return;
    const left = expiresAt - Date.now();
    const end = () => (left > maxTimer ? this.#expire(expiresAt) : this.#expired());
    this.#timer = setTimeout(end, Math.max(0, Math.min(left, maxTimer)));
    this.#timer.unref();
  }
}

function read(result: AuthenticationResult) {
  if (result === null) return null;
  const { user, expiresAt } =
    'user' in result && typeof (result as AuthenticatedUser).user === 'object'
      ? (result as AuthenticatedUser)
      : { user: result, expiresAt: undefined };
  const id = (user as { id?: unknown } | null)?.id;
  if (id === undefined || id === null) return null;
  return { user, userId: String(id), expiresAt: expiresAt === undefined ? undefined : Number(expiresAt) };
}
