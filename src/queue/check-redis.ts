import { Redis, type RedisOptions } from 'ioredis';
import { compareClocks, complaintsOf, type Finding } from '../settings/finding.js';

/**
 * Asks Redis once, over a connection of its own. Rejects with a sentence when it cannot be reached; resolves to what
 * would lose or refuse events, and what is well.
 */
export async function inspectRedis(redis: string | RedisOptions): Promise<Finding[]> {
  const own: RedisOptions = {
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: 3000,
    commandTimeout: 3000,
  };
  const client = typeof redis === 'string' ? new Redis(redis, own) : new Redis({ ...redis, ...own });
  let reason = '';
  client.on('error', (error: Error) => {
    reason ||= error.message;
  });
  try {
    await client.connect();
    const about = readInfo(await client.info());
    const before = Date.now();
    const [seconds, micros] = await client.time();
    return [
      version(about),
      ...role(about),
      eviction(about),
      persistence(about),
      ...room(about),
      compareClocks('Redis', Number(seconds) * 1000 + Number(micros) / 1000, before, Date.now()),
    ];
  } catch (error) {
    const text = reason || (error as Error).message;
    throw new Error(`Redis cannot be reached (${text}): check the setting redis, and that it runs.`);
  } finally {
    client.disconnect();
  }
}

/** The sentences of `inspectRedis` about what is not well. */
export async function checkRedis(redis: string | RedisOptions): Promise<string[]> {
  return complaintsOf(await inspectRedis(redis));
}

/** The answer to INFO, by name. */
type About = ReadonlyMap<string, string>;

function readInfo(text: string): About {
  return new Map(
    text.split('\r\n').flatMap((line): Array<[string, string]> => {
      const at = line.indexOf(':');
      return at > 0 ? [[line.slice(0, at), line.slice(at + 1)]] : [];
    }),
  );
}

function version(about: About): Finding {
  const name = `Redis ${about.get('redis_version')}`;
  const [major = 0, minor = 0] = (about.get('redis_version') ?? '').split('.').map(Number);
  if (major * 100 + minor >= 602) return { level: 'ok', text: `${name} answers.` };
  return { level: 'error', text: `${name} is too old: use 6.2 or later.` };
}

function role(about: About): Finding[] {
  const findings: Finding[] = [];
  if (about.get('cluster_enabled') === '1') {
    findings.push({ level: 'error', text: 'Redis is a cluster, which is not supported: use a single Redis.' });
  }
  if (about.get('role') === 'slave') {
    findings.push({
      level: 'error',
      text: 'Redis is a replica, which takes no events: name the master in the setting redis.',
    });
  }
  return findings;
}

function eviction(about: About): Finding {
  const policy = about.get('maxmemory_policy');
  if (policy === 'noeviction') return { level: 'ok', text: 'Redis evicts nothing.' };
  return {
    level: 'error',
    text: `Redis may evict events when it is full: set "maxmemory-policy noeviction"${policy ? ` (it is ${policy})` : ''}.`,
  };
}

function persistence(about: About): Finding {
  if (about.get('aof_enabled') !== '1') {
    return {
      level: 'warning',
      text: 'Redis keeps no append-only file, so events that wait are lost when it is killed: set "appendonly yes".',
    };
  }
  if (about.get('aof_last_write_status') === 'err') {
    return {
      level: 'error',
      text: 'Redis cannot write its append-only file, and refuses events until it can: make room on its disk.',
    };
  }
  return { level: 'ok', text: 'Redis keeps an append-only file.' };
}

/** A full Redis refuses events: better to hear of it before. */
function room(about: About): Finding[] {
  const [used, most] = [Number(about.get('used_memory')), Number(about.get('maxmemory'))];
  if (!(most > 0) || used < most * 0.9) return [];
  return [
    {
      level: 'warning',
      text: `Redis has used ${used} of its ${most} bytes, and refuses events when it is full: raise "maxmemory".`,
    },
  ];
}
