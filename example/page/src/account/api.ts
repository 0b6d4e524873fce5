/** The app's HTTP API: users and sign-in. Everything else goes through the chat. */

/** A user of the app. */
export interface Person {
  id: number;
  username: string;
  first_name: string | null;
  last_name: string | null;
}

/** Somebody who is signed in. */
export interface Account {
  token: string;
  user: Person;
}

/** What the page must know of the server. */
export interface PageSettings {
  /** Where the chat is, `messaging/`. */
  websocketPath: string;
  /** There are demo users to sign in as. */
  demo: boolean;
}

/** What a sign-in form holds. */
export interface Credentials {
  username: string;
  password: string;
}

/** Where the chat is, and whether there are demo users. */
export const fetchSettings = () => call<PageSettings>('settings.json');

/** Rejects with a sentence to show. */
export const signIn = (credentials: Credentials) => post<Account>('api/login', credentials);

/** Makes an account and signs in to it. Rejects with a sentence to show. */
export const signUp = (credentials: Credentials) => post<Account>('api/users', credentials);

/** Users whose name begins so, at most 20, without the asking one. */
export async function findUsers(token: string, query: string, signal?: AbortSignal): Promise<Person[]> {
  const path = `api/users?query=${encodeURIComponent(query)}`;
  const { users } = await call<{ users: Person[] }>(path, { headers: { authorization: `Bearer ${token}` }, signal });
  return users;
}

function post<T>(path: string, body: object): Promise<T> {
  return call(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
}

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Error('The server cannot be reached.');
  }
  const body: unknown = await response.json().catch(() => ({}));
  if (response.ok) return body as T;
  throw new Error((body as { error?: string }).error ?? `The server answered ${response.status}.`);
}
