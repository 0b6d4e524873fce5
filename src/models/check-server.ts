import { QueryTypes, type Sequelize, Transaction } from 'sequelize';
import { compareClocks, type Finding } from '../settings/finding.js';
import type { ResolvedSettings } from '../settings/settings.js';

/** What the checks need of the settings. */
type Limits = Pick<ResolvedSettings, 'maxPayload' | 'tablePrefix'>;

type Variables = ReadonlyMap<string, string>;

const asked = [
  'binlog_format',
  'innodb_flush_log_at_trx_commit',
  'log_bin',
  'max_allowed_packet',
  'max_connections',
  'read_only',
  'version',
];

/**
 * Looks at the server that a MySQL or MariaDB database is on, whatever tables there are: version, isolation, durability,
 * size of a statement, clock. Finds nothing on SQLite. Throws Sequelize's error when it cannot be reached.
 */
export async function checkServer(sequelize: Sequelize, limits: Limits): Promise<Finding[]> {
  if (sequelize.getDialect() === 'sqlite') return [];
  const variables = await read(sequelize, asked);
  return [
    version(variables),
    await isolation(sequelize, limits, variables),
    durability(variables),
    ...sizes(sequelize, limits, variables),
    ...(await modes(sequelize, variables)),
    await clock(sequelize),
  ];
}

/** Throws a sentence on a server whose binary log would refuse every write: better than half of the tables. */
export async function refuseStatementLog(sequelize: Sequelize): Promise<void> {
  if (logsStatements(await read(sequelize, ['binlog_format', 'log_bin']))) throw new Error(statementsLogged);
}

const statementsLogged =
  'The server logs statements, which forbids READ COMMITTED, so that no event could be stored: set "binlog_format = ROW" (or MIXED).';

const logsStatements = (variables: Variables) =>
  isOn(variables.get('log_bin')) && variables.get('binlog_format') === 'STATEMENT';

async function read(sequelize: Sequelize, names: string[]): Promise<Variables> {
  const rows = await sequelize.query<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names.map(() => '?').join(', ')})`,
    { replacements: names, type: QueryTypes.SELECT },
  );
  return new Map(rows.map((row) => [row.Variable_name.toLowerCase(), row.Value]));
}

function version(variables: Variables): Finding {
  const text = variables.get('version') ?? '';
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  const number = Number(major) * 100 + Number(minor);
  const isMariaDb = /mariadb/i.test(text);
  const name = `${isMariaDb ? 'MariaDB' : 'MySQL'} ${text.split('-')[0]}`;
  if (!isMariaDb && number < 800) return { level: 'error', text: `${name} is too old: use MySQL 8, or MariaDB.` };
  if (isMariaDb && number < 1006) {
    return { level: 'warning', text: `${name} is older than what the chat is tested with: use MariaDB 10.6 or later.` };
  }
  return { level: 'ok', text: `${name} answers.` };
}

/**
 * Each transaction of the chat asks for READ COMMITTED. Two things can deny it: a binary log of statements, which refuses
 * every write at that level, and a proxy that swallows the request.
 */
async function isolation(sequelize: Sequelize, limits: Limits, variables: Variables): Promise<Finding> {
  if (logsStatements(variables)) return { level: 'error', text: statementsLogged };
  const level = await isolationGiven(sequelize, limits);
  if (level === undefined || level === 'READ COMMITTED') {
    return { level: 'ok', text: 'Transactions are READ COMMITTED, whatever the default of the server is.' };
  }
  return {
    level: 'error',
    text: `Transactions are ${level} although READ COMMITTED was asked for, so that caps and order would not hold: let "SET TRANSACTION ISOLATION LEVEL" pass whatever stands before the database.`,
  };
}

/** The level that a transaction of ours really has; undefined when this user may not see it. */
async function isolationGiven(sequelize: Sequelize, { tablePrefix }: Limits): Promise<string | undefined> {
  const isolationLevel = Transaction.ISOLATION_LEVELS.READ_COMMITTED;
  try {
    return await sequelize.transaction({ isolationLevel }, async (transaction) => {
      // InnoDB takes notice of a transaction when it first reads one of its tables.
      await sequelize.query(`SELECT 1 FROM ${tablePrefix}rooms LIMIT 1`, { transaction });
      const [row] = await sequelize.query<{ level: string }>(
        'SELECT trx_isolation_level AS level FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id = CONNECTION_ID()',
        { transaction, type: QueryTypes.SELECT },
      );
      return row?.level;
    });
  } catch {
    return undefined;
  }
}

function durability(variables: Variables): Finding {
  const setting = variables.get('innodb_flush_log_at_trx_commit') ?? '1';
  if (setting === '1') return { level: 'ok', text: 'What is committed is on the disk.' };
  return {
    level: 'warning',
    text: `The server writes commits to the disk once a second, so that the last second of acknowledged messages is lost with the machine: set "innodb_flush_log_at_trx_commit = 1" (it is ${setting}).`,
  };
}

function sizes(sequelize: Sequelize, { maxPayload }: Limits, variables: Variables): Finding[] {
  const findings: Finding[] = [];
  // A message is stored once, and once more in its outcome, where JSON may escape each byte of it.
  const longest = maxPayload * 6;
  const packet = Number(variables.get('max_allowed_packet') ?? Number.POSITIVE_INFINITY);
  if (packet < longest) {
    findings.push({
      level: 'warning',
      text: `The server takes statements of ${packet} bytes, and a message may need ${longest}: set "max_allowed_packet" to that, or lower the setting maxPayload.`,
    });
  }
  const connections = Number(variables.get('max_connections') ?? Number.POSITIVE_INFINITY);
  const pool = sequelize.config.pool?.max ?? 5;
  if (connections < pool) {
    findings.push({
      level: 'warning',
      text: `The server takes ${connections} connections, and this process alone may want ${pool}: raise "max_connections" above the pools of all processes together, or lower pool.max.`,
    });
  }
  return findings;
}

async function modes(sequelize: Sequelize, variables: Variables): Promise<Finding[]> {
  const findings: Finding[] = [];
  const [row] = await sequelize.query<{ mode: string }>('SELECT @@SESSION.sql_mode AS mode', {
    type: QueryTypes.SELECT,
  });
  const mode = row?.mode ?? '';
  if (isOn(variables.get('read_only'))) {
    findings.push({ level: 'error', text: 'The database is read-only: name the primary in the setting database.' });
  }
  if (mode.includes('NO_BACKSLASH_ESCAPES')) {
    findings.push({
      level: 'error',
      text: 'The server takes a backslash for itself, so that no text of a user could be told from SQL by Sequelize: take NO_BACKSLASH_ESCAPES out of "sql_mode".',
    });
  }
  if (!/STRICT_(TRANS|ALL)_TABLES/.test(mode)) {
    findings.push({
      level: 'warning',
      text: 'The server cuts what is too long for a column instead of refusing it: add STRICT_TRANS_TABLES to "sql_mode".',
    });
  }
  return findings;
}

async function clock(sequelize: Sequelize): Promise<Finding> {
  const before = Date.now();
  const [row] = await sequelize.query<{ now: string }>('SELECT UNIX_TIMESTAMP(NOW(3)) * 1000 AS now', {
    type: QueryTypes.SELECT,
  });
  return compareClocks('the database', Number(row?.now), before, Date.now());
}

const isOn = (value: string | undefined) => /^(1|on|yes|true)$/i.test(value ?? '');
