/** All that a Redis database holds, as text: not by DUMP, which compresses what is longer than twenty bytes. */
import { Redis } from 'ioredis';

/** Each key with what is under it. */
export async function redisContents(url: string): Promise<Array<[key: string, text: string]>> {
  const client = new Redis(url);
  const read = async (key: string): Promise<unknown> => {
    const type = await client.type(key);
    if (type === 'string') return client.get(key);
    if (type === 'list') return client.lrange(key, 0, -1);
    if (type === 'set') return client.smembers(key);
    if (type === 'zset') return client.zrange(key, '0', '-1');
    if (type === 'hash') return client.hgetall(key);
    if (type === 'stream') return client.xrange(key, '-', '+');
    if (type === 'none') return null;
    throw new Error(`It is not known how to read ${key}, a ${type}.`);
  };
  try {
    const keys = await client.keys('*');
    return await Promise.all(keys.map(async (key) => [key, JSON.stringify(await read(key))] as [string, string]));
  } finally {
    client.disconnect();
  }
}
