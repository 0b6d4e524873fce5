import { Redis, type RedisOptions } from 'ioredis';

/**
 * Asks Redis once, over a connection of its own. Rejects with a sentence when it cannot be reached; resolves to
 * sentences about what would lose events: eviction, and no append-only file.
 */
export async function checkRedis(redis: string | RedisOptions): Promise<string[]> {
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
    const [memory, persistence] = [await client.info('memory'), await client.info('persistence')];
    return [
      ...(/maxmemory_policy:noeviction/.test(memory)
        ? []
        : ['Redis may evict events when it is full: set "maxmemory-policy noeviction".']),
      ...(/aof_enabled:1/.test(persistence)
        ? []
        : ['Redis keeps no append-only file, so events that wait are lost when it is killed: set "appendonly yes".']),
    ];
  } catch (error) {
    const text = reason || (error as Error).message;
    throw new Error(`Redis cannot be reached (${text}): check the setting redis, and that it runs.`);
  } finally {
    client.disconnect();
  }
}
