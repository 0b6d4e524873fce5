/** The reference app with CHAT_RATE_LIMIT=0, as the tests' own systems run it: no limit on rates, connections, sign-ups. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Stack, sharedStack } from '../helpers/stack.js';

describe('the reference app with CHAT_RATE_LIMIT=0', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await sharedStack('embedded');
  });
  afterEach(() => stack.disconnectAll());

  it('lets one user of one address have more connections than the default, and they send more at once', async () => {
    const person = await stack.newUser();
    const clients = await Promise.all(Array.from({ length: 60 }, () => stack.connect(person, 0)));
    const answers = await Promise.all(
      clients.slice(0, 5).flatMap((client) => Array.from({ length: 150 }, () => client.request('nothing.known', {}))),
    );
    expect(answers.filter(({ error }) => error !== 'invalid event type')).toEqual([]);
  });

  it('takes any number of sign-ups and sign-ins of one address', async () => {
    const post = async (path: string) => {
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${stack.gateways[0]}${path}`, { method: 'POST', headers, body: '{}' });
      await response.text();
      return response.status;
    };
    // 300 a minute is the default, whether they are good or bad; bad ones hash no password.
    const statuses = new Set<number>();
    for (let round = 0; round < 10; round++) {
      const paths = Array.from({ length: 40 }, (_, index) => (index % 2 ? '/api/users' : '/api/login'));
      for (const status of await Promise.all(paths.map(post))) statuses.add(status);
    }
    expect([...statuses]).toEqual([400]);
  });
});
