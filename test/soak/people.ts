/** Users of the soak, made by SQL: hashing passwords is not what is to be measured. */
import { SignJWT } from 'jose';
import type { Connection } from 'mysql2/promise';

/** A user with a token that outlives the soak. */
export interface Person {
  readonly id: number;
  readonly username: string;
  readonly token: string;
}

/** Makes users whose names begin with `prefix`. */
export async function makePeople(
  database: Connection,
  secret: string,
  prefix: string,
  count: number,
): Promise<Person[]> {
  const names = Array.from({ length: count }, (_, index) => `${prefix}${index + 1}`);
  await database.query('INSERT INTO users (username, password_hash, created_at) VALUES ?', [
    names.map((name) => [name, '-', new Date()]),
  ]);
  const [rows] = await database.query('SELECT id, username FROM users WHERE username IN (?) ORDER BY id', [names]);
  return Promise.all(
    (rows as Array<{ id: number; username: string }>).map(async ({ id, username }) => ({
      id,
      username,
      token: await new SignJWT()
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(String(id))
        .setExpirationTime('48h')
        .sign(new TextEncoder().encode(secret)),
    })),
  );
}
