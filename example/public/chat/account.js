const KEY = 'chat-account';

/** Who is signed in, and the HTTP API. Kept per tab, so that two tabs can be two users. */
export function createAccount() {
  let current = JSON.parse(sessionStorage.getItem(KEY) ?? 'null');

  /** Resolves with the answer's body; rejects with its sentence. */
  async function call(path, options = {}) {
    let response;
    try {
      response = await fetch(path, options);
    } catch {
      throw new Error('The server cannot be reached.');
    }
    const body = await response.json().catch(() => ({}));
    if (!response.ok) throw new Error(body.error ?? `The server answered ${response.status}.`);
    return body;
  }

  async function enter(path, fields) {
    current = await call(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(fields),
    });
    sessionStorage.setItem(KEY, JSON.stringify(current));
  }

  return {
    get isSignedIn() {
      return current !== null;
    },
    get user() {
      return current.user;
    },
    get token() {
      return current.token;
    },
    settings: () => call('settings.json'),
    signIn: (fields) => enter('api/login', fields),
    signUp: (fields) => enter('api/users', fields),
    forget() {
      current = null;
      sessionStorage.removeItem(KEY);
    },
    /** Users whose name starts with the query. */
    async findUsers(query) {
      const { users } = await call(`api/users?query=${encodeURIComponent(query)}`, {
        headers: { Authorization: `Bearer ${current.token}` },
      });
      return users;
    },
  };
}
