import { mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { findProgram } from '../../test/helpers/install-services.js';
import { freePort, startProcess } from '../../test/helpers/processes.js';
import { xmppHost } from '../load/xmpp.js';
import { Filler, nameWorld } from './fill.js';
import type { Surroundings, Target } from './target.js';

const SCHEMA = '/usr/share/ejabberd/sql/mysql.sql';

/** Where Debian's ejabberd, its schema and its driver for MariaDB are; a sentence that says what is missing otherwise. */
export function findEjabberd(): { readonly erl: string; readonly libraries: string } | string {
  const control = findProgram('ejabberdctl');
  const erl = findProgram('erl');
  const libraries = control && /^ERL_LIBS='?([^'\n]+)/m.exec(readFileSync(control, 'utf8'))?.[1];
  if (!erl || !libraries || !listFolder('/usr/share/ejabberd/sql').includes('mysql.sql'))
    return 'ejabberd is left out: it is not installed here (Debian: apt-get install ejabberd erlang-p1-mysql).';
  const installed = [libraries, '/usr/lib/erlang/lib'].flatMap(listFolder);
  if (!installed.some((name) => name.startsWith('p1_mysql')))
    return 'ejabberd is left out: it lacks its driver for MariaDB (Debian: apt-get install erlang-p1-mysql).';
  return { erl, libraries };
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * ejabberd as Debian has it, with its rooms archived to MariaDB: a row for each message, written before it is sent on.
 * It runs without Erlang's distribution, so that no other program is started, and in a folder of its own.
 */
export async function startEjabberd({ database }: Surroundings): Promise<Target> {
  const found = findEjabberd();
  if (typeof found === 'string') throw new Error(found);
  const url = await database();
  await makeTables(url);
  const folder = mkdtempSync(join(tmpdir(), 'chat-ejabberd-'));
  const port = await freePort();
  const config = join(folder, 'ejabberd.yml');
  await writeFile(config, configuration(port, new URL(url)));
  await mkdir(join(folder, 'spool'));
  // As ejabberdctl starts it, which itself wants to be another user and to name its node to a daemon.
  const args = ['+K', 'true', '+P', '250000', '-noinput', '-mnesia', 'dir', `"${join(folder, 'spool')}"`];
  const server = startProcess(found.erl, [...args, '-s', 'ejabberd'], {
    env: {
      HOME: folder,
      ERL_LIBS: found.libraries,
      ERL_MAX_PORTS: '32000',
      ERL_MAX_ETS_TABLES: '1400',
      ERL_CRASH_DUMP_BYTES: '0',
      EJABBERD_CONFIG_PATH: config,
      EJABBERD_LOG_PATH: join(folder, 'ejabberd.log'),
    },
  });
  await server.waitFor(/Start accepting TCP connections/);
  const filler = new Filler(url);
  let users = 0;
  return {
    name: 'ejabberd',
    protocol: 'xmpp',
    ports: [port],
    processes: { server: server.pid },
    async fill(plan) {
      // Rooms come to be when the first one joins; users sign in without a name.
      const world = await nameWorld(plan, users + 1);
      users += plan.users;
      return world;
    },
    fillMessages: () => Promise.reject(new Error('The bench does not fill the archive of ejabberd.')),
    debuggerOf: () => {
      throw new Error('ejabberd has no debugger that the bench can ask.');
    },
    countMessages: () => filler.count('archive'),
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeTables(url: string): Promise<void> {
  const connection = await createConnection({ uri: url, multipleStatements: true });
  try {
    await connection.query(await readFile(SCHEMA, 'utf8'));
  } finally {
    await connection.end();
  }
}

/** The package's own settings where the bench does not need others: no limits, and nothing but rooms and their archive. */
function configuration(port: number, { hostname, port: databasePort, username, password, pathname }: URL): string {
  return `loglevel: info
hosts: [${xmppHost}]
listen:
  - { port: ${port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: false, shaper: none, access: all }
auth_method: [anonymous]
anonymous_protocol: sasl_anon
sql_type: mysql
sql_server: "${hostname}"
sql_port: ${databasePort}
sql_database: "${pathname.slice(1)}"
sql_username: "${username}"
sql_password: "${password}"
modules:
  mod_muc:
    access_mam: [allow]
    max_users: 10000
    default_room_options: { mam: true, persistent: true, max_users: 10000 }
  mod_mam: { db_type: sql, default: never }
`;
}
